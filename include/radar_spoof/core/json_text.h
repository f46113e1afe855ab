// JSON for output: a value is its text, and objects and arrays are put together from such.
//
// One line, without white space. Reading is parse/json.h's.
// Thread rule: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace radar_spoof {

// One whole JSON value.
struct JsonText {
  std::string text = "null";
};

// REQUIRES: UTF-8.
JsonText JsonString(std::string_view text);
JsonText JsonBool(bool value);
JsonText JsonNumber(std::int64_t number);
// The shortest text that reads back as the same number. REQUIRES: finite.
JsonText JsonNumber(double number);

class JsonArray {
 public:
  void Add(const JsonText& item);
  JsonText Text() const { return {text_ + ']'}; }

 private:
  std::string text_ = "[";
};

class JsonObject {
 public:
  // REQUIRES: `key` is not there yet.
  void Add(std::string_view key, const JsonText& value);
  JsonText Text() const { return {text_ + '}'}; }

 private:
  std::string text_ = "{";
};

}  // namespace radar_spoof
