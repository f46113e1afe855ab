#include "radar_spoof/parse/json.h"

#include <string>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;
using namespace std::string_literals;

JsonDocument Parsed(std::string_view text) {
  auto parsed = ParseJson(text);
  if (!parsed) FAIL(parsed.error().detail);
  return std::move(parsed).value();
}

std::string Nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

TEST_CASE("a document becomes a tree with its numbers as they were written") {
  const JsonDocument document =
      Parsed(R"({"n": -1.40e-05, "s": "aA\n", "b": true, "z": null, "a": [1, {}]})");
  const JsonValue& root = document.root;
  CHECK(root.Is(Kind::kObject));
  CHECK(root.Find("n")->Is(Kind::kNumber));
  CHECK(root.Find("n")->text == "-1.40e-05");
  CHECK(root.Find("s")->text == "aA\n");
  CHECK(root.Find("b")->boolean);
  CHECK(root.Find("z")->Is(Kind::kNull));
  CHECK(root.Find("a")->items.size() == 2);
  CHECK(root.Find("a")->items[1].Is(Kind::kObject));
  CHECK(root.Find("missing") == nullptr);
  CHECK(root.Find("a")->Find("n") == nullptr);
  CHECK(JsonValue{}.Find("") == nullptr);
}

TEST_CASE("any value can be the whole document, with or without a byte order mark") {
  CHECK(Parsed("\xEF\xBB\xBF{}").root.Is(Kind::kObject));
  CHECK(Parsed(" \n3 ").root.text == "3");
  CHECK(Parsed("\"\"").root.Is(Kind::kString));
}

TEST_CASE("what is not one JSON document in UTF-8 is a syntax problem") {
  struct Row {
    const char* what;
    std::string text;
  };
  for (const Row& row : {Row{"nothing", ""},
                         Row{"white space", " \n"},
                         Row{"a byte order mark", "\xEF\xBB\xBF"},
                         Row{"cut", R"({"a": [1, 2)"},
                         Row{"cut in a string", R"({"a": "b)"},
                         Row{"trailing garbage", "{} x"},
                         Row{"two documents", "{}{}"},
                         Row{"NUL, then garbage", "{\"a\":1}\0xyz"s},
                         Row{"NUL, then a document", "{}\0{}"s},
                         Row{"a trailing NUL", "{}\0"s},
                         Row{"a leading NUL", "\0{}"s},
                         Row{"a NUL in a string", "[\"a\0b\"]"s},
                         Row{"a control character", "[\"a\nb\"]"},
                         Row{"a line comment", "{} // x"},
                         Row{"a block comment", "[/* x */]"},
                         Row{"single quotes", "{'a': 1}"},
                         Row{"a bare key", "{a: 1}"},
                         Row{"a trailing comma", "[1,]"},
                         Row{"NaN", "[NaN]"},
                         Row{"Infinity", "[Infinity]"},
                         Row{"-Infinity", "[-Infinity]"},
                         Row{"nan", "[nan]"},
                         Row{"a leading plus", "[+1]"},
                         Row{"a leading zero", "[01]"},
                         Row{"hexadecimal", "[0x10]"},
                         Row{"a bare point", "[.5]"},
                         Row{"a bare exponent", "[1e]"},
                         Row{"invalid UTF-8", "[\"\xC3(\"]"},
                         Row{"invalid UTF-8 as a key", "{\"\xC3(\": 1}"},
                         Row{"overlong UTF-8", "[\"\xC0\xAF\"]"},
                         Row{"a surrogate in UTF-8", "[\"\xED\xA0\x80\"]"},
                         Row{"cut UTF-8", "[\"\xE2\x82\"]"},
                         Row{"a lone high surrogate", R"(["\ud800"])"},
                         Row{"a lone low surrogate", R"(["\udc00"])"},
                         Row{"a lone low surrogate as a key", R"({"\udfff": 1})"},
                         Row{"two high surrogates", R"(["\ud800\ud800"])"},
                         Row{"UTF-16", "\xFF\xFE{\0}\0"s},
                         Row{"HTML", "<!DOCTYPE html><html></html>"}}) {
    CAPTURE(row.what);
    const auto parsed = ParseJson(row.text);
    CHECK_FALSE(parsed.ok());
    if (!parsed) CHECK(parsed.error().kind == JsonProblem::Kind::kSyntax);
  }
}

TEST_CASE("escapes beyond ASCII are UTF-8, pairs of surrogates included") {
  CHECK(Parsed(R"("\ud83d\ude00 \u00e9 \ud7ff \ue000")").root.text ==
        "\xF0\x9F\x98\x80 \xC3\xA9 \xED\x9F\xBF \xEE\x80\x80");
  CHECK(Parsed(R"("a\u0000b")").root.text == "a\0b"s);
}

TEST_CASE("the numbers that crash RapidJSON do not") {
  // CVE-2024-38517, and the one for full precision.
  for (const std::string& killer :
       {"[1.0000000000000000000000e-2147483639]"s,
        "[0." + std::string(380, '0') + "4204109142999570743]", "[1e-99999999999999999999]"s,
        "[" + std::string(100'000, '9') + "]", "[-0." + std::string(100'000, '0') + "1e5]"}) {
    const auto parsed = ParseJson(killer);
    if (parsed) CHECK(std::string(parsed.value().root.items.at(0).text) + "]" == killer.substr(1));
  }
}

TEST_CASE("depth is limited to 32") {
  CHECK(ParseJson(Nested(32)).ok());
  for (const std::string& deep : {Nested(33), Nested(100'000), std::string(1'000'000, '[')}) {
    const auto parsed = ParseJson(deep);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().kind == JsonProblem::Kind::kLimit);
    CHECK(parsed.error().detail == "nested deeper than 32 at byte 32");
  }
}

TEST_CASE("the number of values is limited") {
  const auto array = [](int count) {
    std::string text = "[1";
    for (int i = 1; i < count; ++i) text += ",1";
    return text + "]";
  };
  CHECK(ParseJson(array(kJsonMaxValues - 1)).ok());  // the array is a value too
  const auto parsed = ParseJson(array(kJsonMaxValues));
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().kind == JsonProblem::Kind::kLimit);
}

TEST_CASE("a key that stands twice is refused, at any level") {
  for (const char* const text : {R"({"a": 1, "a": 1})", R"({"a": {"b": 1, "c": 2, "b": 3}})",
                                 R"([{"": 1, "": 2}])", R"({"a": 1, "\u0061": 2})"}) {
    CAPTURE(text);
    const auto parsed = ParseJson(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().kind == JsonProblem::Kind::kSchema);
  }
  CHECK(ParseJson(R"({"a": {"a": 1}, "b": {"a": 2}})").ok());
}

TEST_CASE("a problem says where it is, counted from the first byte received") {
  CHECK(ParseJson("{\"a\": x}").error().detail == "Invalid value. at byte 6");
  CHECK(ParseJson("\xEF\xBB\xBF{\"a\": x}").error().detail == "Invalid value. at byte 9");
  CHECK(ParseJson("{}\0xyz"s).error().detail == "something after the document at byte 2");
  CHECK(ParseJson(R"({"a": 1, "a": 2} )").error().detail ==
        "a key stands twice in one object at byte 15");
}

TEST_CASE("a value is shown in a message briefly and printably") {
  CHECK(Describe(nullptr) == "missing");
  for (const auto& [text, shown] : {std::pair("null", "null"),
                                    {"false", "false"},
                                    {"1e5", "1e5"},
                                    {"\"x\"", "\"x\""},
                                    {"[1]", "an array"},
                                    {"{}", "an object"},
                                    {R"("\n")", R"("\x0a")"}}) {
    const JsonDocument document = Parsed(text);
    CHECK(Describe(&document.root) == shown);
  }
  const JsonDocument document = Parsed('"' + std::string(1000, 'x') + '"');
  CHECK(Describe(&document.root).size() == 42);
}

}  // namespace
}  // namespace radar_spoof
