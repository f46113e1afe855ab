#include "radar_spoof/cli/terminal.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

constexpr int kEighths = 8;
constexpr std::array<std::string_view, kEighths> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view kAsciiLevels = "_.:-=+*#";
constexpr std::array<std::string_view, kEighths> kPartsOfAColumn = {"",  "▏", "▎", "▍",
                                                                    "▌", "▋", "▊", "▉"};

constexpr std::array<std::string_view, 5> kCodes = {"", "1", "2", "32", "31"};  // by Tone

}  // namespace

std::string Toned(std::string_view text, Tone tone, const Terminal& terminal) {
  if (!terminal.colour || tone == Tone::kPlain || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(tone)), text);
}

std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::vector<std::string> Wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    std::size_t end = std::min(text.find(' '), text.size());
    // "12.5 %" stays together.
    if (text.substr(end).starts_with(" %")) end = std::min(text.find(' ', end + 1), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (Columns(line) + 1 + Columns(word) <= columns) {
      line += ' ';
      line += word;
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

std::string Sparkline(std::span<const std::optional<double>> values, double highest,
                      const Terminal& terminal) {
  std::string line;
  for (const auto& value : values) {
    if (!value) {
      line += ' ';
      continue;
    }
    const double share = highest > 0 ? *value / highest : 0;
    const int level = std::clamp(static_cast<int>(share * kEighths), 0, kEighths - 1);
    const auto index = static_cast<std::size_t>(level);
    line += terminal.unicode ? kLevels.at(index) : kAsciiLevels.substr(index, 1);
  }
  return line;
}

std::string Bar(double share, std::size_t columns, const Terminal& terminal) {
  const double length = std::clamp(share, 0.0, 1.0) * static_cast<double>(columns);
  if (!terminal.unicode) return std::string(static_cast<std::size_t>(std::lround(length)), '#');
  const auto eighths = static_cast<std::size_t>(std::lround(length * kEighths));
  std::string bar;
  for (std::size_t i = 0; i < eighths / kEighths; ++i) bar += kLevels.back();
  return bar + std::string(kPartsOfAColumn.at(eighths % kEighths));
}

}  // namespace radar_spoof
