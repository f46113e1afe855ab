// Bytes from outside become a JSON tree, within limits. The only door to RapidJSON's reader.
//
// Numbers are kept as their text, so that reading them is this project's own decision
// and no number can crash the parser (CVE-2024-38517 is unpatched in Debian 12's
// RapidJSON). Thread rule: pure.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {

// A value of a JsonDocument, whose text it points into.
struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string_view text{};               // kString: decoded; kNumber: as written
  std::vector<std::string_view> keys{};  // kObject: keys[i] names items[i]; no key stands twice
  std::vector<JsonValue> items{};        // kObject, kArray

  bool Is(Kind wanted) const { return kind == wanted; }
  // The member of that name; nullptr when there is none or this is no object.
  const JsonValue* Find(std::string_view key) const;
  // The number; nullopt for anything else, and where T has no such number.
  template <typename T>
  std::optional<T> NumberAs() const {
    return kind == Kind::kNumber ? ParseNumber<T>(text) : std::nullopt;
  }
};

// A decimal number, as JSON text or in a string: nothing before or after it, finite. Accepts
// "18.99756", "0.0", "1", "1.4e-05"; refuses "nan", "1e999", " 10", "+10", "0x10", "1,5", "".
std::optional<double> ReadDecimal(const JsonValue& value);

// What an object holds under a key: nothing and null are the same.
inline bool IsAbsent(const JsonValue* value) {
  return value == nullptr || value->Is(JsonValue::Kind::kNull);
}

// Where a number should be: null, "" or NaN.
bool HoldsNothing(const JsonValue& value);

// nullopt for nullptr and for whatever is no RFC 3339 time.
std::optional<WallTime> ReadTime(const JsonValue* value);

// Its values are valid for as long as it lives, wherever it is moved to.
struct JsonDocument {
  std::unique_ptr<char[]> text;
  JsonValue root{};
};

// For a message: `null`, `12`, `"text"`, `an array`; "missing" for nullptr. At most 42 bytes of
// printable ASCII.
std::string Describe(const JsonValue* value);

// Of JSON that is not the answer documented.
inline Failure Invalid(std::string detail) {
  return {FailureReason::kValidation, std::move(detail)};
}

inline constexpr int kJsonMaxDepth = 32;
inline constexpr int kJsonMaxValues = 250'000;

struct JsonProblem {
  enum class Kind {
    kSyntax,  // not one JSON document in UTF-8
    kLimit,   // too deep, or too many values
    kSchema,  // a key stands twice in one object
  };
  Kind kind;
  std::string detail;  // with the offset in bytes
};

// `text`: one JSON document in UTF-8, with or without a byte order mark, and nothing after it.
Result<JsonDocument, JsonProblem> ParseJson(std::string_view text);

}  // namespace radar_spoof
