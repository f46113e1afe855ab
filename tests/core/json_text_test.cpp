#include "radar_spoof/core/json_text.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

TEST_CASE("a string is escaped where JSON needs it, and otherwise kept") {
  CHECK(JsonString("").text == R"("")");
  CHECK(JsonString("a \"b\" \\ c\n\t\x01").text == R"("a \"b\" \\ c\n\t\u0001")");
  CHECK(JsonString("\xF0\x9F\x98\x80 \xC3\xA9").text == "\"\xF0\x9F\x98\x80 \xC3\xA9\"");
  CHECK(JsonString(std::string_view("a\0b", 3)).text == R"("a\u0000b")");
}

TEST_CASE("a number is the shortest that reads back") {
  CHECK(JsonNumber(0.1).text == "0.1");
  CHECK(JsonNumber(1.0 / 3).text == "0.3333333333333333");
  CHECK(JsonNumber(std::int64_t{-9'223'372'036'854'775'807}).text == "-9223372036854775807");
}

TEST_CASE("objects and arrays hold any values, and may be empty") {
  JsonArray array;
  CHECK(array.Text().text == "[]");
  array.Add({});
  array.Add(JsonBool(false));
  JsonObject object;
  CHECK(object.Text().text == "{}");
  object.Add("list", array.Text());
  object.Add("\"", JsonBool(true));
  CHECK(object.Text().text == R"({"list":[null,false],"\"":true})");
}

}  // namespace
}  // namespace radar_spoof
