// What a terminal can show, and text that is fit for it.
//
// Thread rule: pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace radar_spoof {

struct Terminal {
  int columns = 80;      // at least 1
  bool unicode = false;  // else ASCII only
  bool colour = false;   // and bold
};

enum class Tone { kPlain, kBold, kSoft, kGood, kBad };

// `text` in that tone, or as it is where the terminal has no colours.
std::string Toned(std::string_view text, Tone tone, const Terminal& terminal);

// How many columns it takes, each code point taken for one. REQUIRES: UTF-8, without colours.
std::size_t Columns(std::string_view text);

// Broken at spaces so that no line is wider than `columns`; a longer word stands alone. Never
// empty. REQUIRES: UTF-8, without colours.
std::vector<std::string> Wrapped(std::string_view text, std::size_t columns);

// One character a value, between 0 and `highest`; a space for a gap. REQUIRES: values are finite
// and from 0 to `highest`.
std::string Sparkline(std::span<const std::optional<double>> values, double highest,
                      const Terminal& terminal);

// `share` (0 to 1) of `columns`, to an eighth of a column where the terminal has Unicode.
std::string Bar(double share, std::size_t columns, const Terminal& terminal);

}  // namespace radar_spoof
