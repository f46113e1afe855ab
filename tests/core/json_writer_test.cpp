#include "radar_spoof/core/json_writer.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

template <typename T>
std::string Written(const T& value) {
  JsonWriter json;
  json.Value(value);
  return json.Text();
}

TEST_CASE("a string is escaped where JSON needs it, and otherwise kept") {
  CHECK(Written("") == R"("")");
  CHECK(Written("a \"b\" \\ c\n\t\x01") == R"("a \"b\" \\ c\n\t\u0001")");
  CHECK(Written("\xF0\x9F\x98\x80 \xC3\xA9") == "\"\xF0\x9F\x98\x80 \xC3\xA9\"");
  CHECK(Written(std::string_view("a\0b", 3)) == R"("a\u0000b")");
}

TEST_CASE("a number is the shortest that reads back") {
  CHECK(Written(0.1) == "0.1");
  CHECK(Written(1.0 / 3) == "0.3333333333333333");
  CHECK(Written(std::int64_t{-9'223'372'036'854'775'807}) == "-9223372036854775807");
}

TEST_CASE("a time is RFC 3339 text, and what is not known is null") {
  CHECK(Written(WallTime()) == R"("1970-01-01T00:00:00Z")");
  CHECK(Written(std::optional<double>()) == "null");
  CHECK(Written(std::optional(0.5)) == "0.5");
}

TEST_CASE("objects and arrays hold any values, and may be empty") {
  JsonWriter json;
  json.Object([&] {
    json.Key("list");
    json.Array([&] {
      json.Null();
      json.Value(false);
      json.Array([] {});
      json.Object([] {});
    });
    json.Member("\"", true);
    json.Key("number");
    json.Number("1e3");
  });
  CHECK(json.Text() == R"({"list":[null,false,[],{}],"\"":true,"number":1e3})");
}

}  // namespace
}  // namespace radar_spoof
