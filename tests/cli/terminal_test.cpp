#include "radar_spoof/cli/terminal.h"

#include <doctest/doctest.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Lines = std::vector<std::string>;
using Values = std::vector<std::optional<double>>;

constexpr Terminal kUnicode{.unicode = true};
constexpr Terminal kAscii{};

TEST_CASE("text that could steer the terminal or turn a line around is shown, not sent") {
  struct Row {
    std::string text;
    std::string unicode;
    std::string ascii;
  };
  const Row rows[] = {
      {"dmarc_fail", "dmarc_fail", "dmarc_fail"},
      {"\x1b[31mred", "\\u{1b}[31mred", "\\u{1b}[31mred"},
      {"a\rb\nc\td\x7f", "a\\u{d}b\\u{a}c\\u{9}d\\u{7f}", "a\\u{d}b\\u{a}c\\u{9}d\\u{7f}"},
      {"C1 \xC2\x9B"
       "2J",
       "C1 \\u{9b}2J", "C1 \\u{9b}2J"},
      {"\xE2\x80\xAEright to left", "\\u{202e}right to left", "\\u{202e}right to left"},
      {"\xE2\x81\xA6isolated\xE2\x81\xA9", "\\u{2066}isolated\\u{2069}",
       "\\u{2066}isolated\\u{2069}"},
      {"zero\xE2\x80\x8Bwidth", "zero\\u{200b}width", "zero\\u{200b}width"},
      {"tags \xF3\xA0\x81\x81", "tags \\u{e0041}", "tags \\u{e0041}"},
      {"\xC3\xBC", "\xC3\xBC", "\\u{fc}"},
      {"\xF0\x9F\x93\xA7", "\xF0\x9F\x93\xA7", "\\u{1f4e7}"},
      {"cut \xE2\x80", "cut \\xe2\\x80", "cut \\xe2\\x80"},
      {"overlong \xC0\x9B", "overlong \\xc0\\x9b", "overlong \\xc0\\x9b"},
      {"overlong \xE0\x80\x9B", "overlong \\xe0\\x80\\x9b", "overlong \\xe0\\x80\\x9b"},
      {"surrogate \xED\xA0\x80", "surrogate \\xed\\xa0\\x80", "surrogate \\xed\\xa0\\x80"},
      {std::string("nul\0", 4), "nul\\u{0}", "nul\\u{0}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.unicode);
    CHECK(ForTerminal(row.text, true) == row.unicode);
    CHECK(ForTerminal(row.text, false) == row.ascii);
  }
}

TEST_CASE("tones are only where there are colours") {
  CHECK(Toned("x", Tone::kBad, {.colour = true}) == "\x1b[31mx\x1b[0m");
  CHECK(Toned("x", Tone::kPlain, {.colour = true}) == "x");
  CHECK(Toned("", Tone::kBad, {.colour = true}).empty());
  CHECK(Toned("x", Tone::kBad, kUnicode) == "x");
}

TEST_CASE("lines are broken at spaces, and never before a percent sign") {
  CHECK(Wrapped("one two three", 7) == Lines{"one two", "three"});
  CHECK(Wrapped("one two three", 6) == Lines{"one", "two", "three"});
  CHECK(Wrapped("one two three", 80) == Lines{"one two three"});
  CHECK(Wrapped("incomprehensibilities are long", 5) ==
        Lines{"incomprehensibilities", "are", "long"});
  CHECK(Wrapped("from 12.5 % on", 9) == Lines{"from", "12.5 % on"});
  CHECK(Wrapped("12.5 %", 4) == Lines{"12.5 %"});
  CHECK(Wrapped("21 \xC2\xB1 3", 6) == Lines{"21 \xC2\xB1 3"});  // columns, not bytes
  CHECK(Wrapped("", 10) == Lines{""});
}

TEST_CASE("a sparkline has a character a value, from 0, and a space for a gap") {
  const Values values = {0.0, 0.125, std::nullopt, 0.5, 0.99, 1.0};
  CHECK(Sparkline(values, 1, kUnicode) == "▁▂ ▅██");
  CHECK(Sparkline(values, 1, kAscii) == "_. =##");
  CHECK(Sparkline(values, 2, kUnicode) == "▁▁ ▃▄▅");
}

TEST_CASE("a window of zeros is a line at the bottom") {
  CHECK(Sparkline(Values{0.0, 0.0}, 0, kUnicode) == "▁▁");
}

TEST_CASE("a bar is exact to an eighth of a column, or to a column in ASCII") {
  CHECK(Bar(0, 8, kUnicode).empty());
  CHECK(Bar(1, 3, kUnicode) == "███");
  CHECK(Bar(0.5, 3, kUnicode) == "█▌");
  CHECK(Bar(1.0 / 24, 3, kUnicode) == "▏");
  CHECK(Bar(0.5, 10, kAscii) == "#####");
  CHECK(Bar(0, 10, kAscii).empty());
  CHECK(Bar(0.5, 0, kUnicode).empty());
}

}  // namespace
}  // namespace radar_spoof
