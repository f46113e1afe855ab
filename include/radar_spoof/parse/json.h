// Parse: bytes from outside become a JSON tree, within limits; and a tree becomes text. The only
// door to RapidJSON.
//
// Used by: radar_response, saved_state, answer_json. Numbers are kept as their text, so that
// reading them is this project's own decision (spoof_series.h) and no number can crash the parser
// (CVE-2024-38517 is unpatched in Debian 12's RapidJSON). Thread rule: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "radar_spoof/words/result.h"

namespace radar_spoof {

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text{};               // kString: decoded; kNumber: as written
  std::vector<std::string> keys{};  // kObject: keys[i] names items[i]; no key stands twice
  std::vector<JsonValue> items{};   // kObject, kArray

  bool Is(Kind wanted) const { return kind == wanted; }
  // The member of that name; nullptr when there is none or this is no object.
  const JsonValue* Find(std::string_view key) const;
};

// For a message: `null`, `12`, `"text"`, `an array`; "missing" for nullptr. At most 42 bytes of
// printable ASCII.
std::string Shown(const JsonValue* value);

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
Result<JsonValue, JsonProblem> ParseJson(std::string_view text);

// One line, without white space. REQUIRES: strings are UTF-8; the text of a number is one.
std::string WriteJson(const JsonValue& value);

}  // namespace radar_spoof
