// What the readers of an answer's parts have in common.
//
// Thread rule: pure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/rfc3339.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

inline Failure Invalid(std::string detail) {
  return {FailureReason::kValidation, std::move(detail)};
}

// `value` is what an object holds under a key: nothing and null are the same.
inline bool IsAbsent(const JsonValue* value) {
  return value == nullptr || value->Is(JsonValue::Kind::kNull);
}

// nullopt for whatever is no RFC 3339 time.
inline std::optional<WallTime> ReadTime(const JsonValue* value) {
  if (value == nullptr || !value->Is(JsonValue::Kind::kString)) return std::nullopt;
  return ParseRfc3339(value->text);
}

}  // namespace radar_spoof
