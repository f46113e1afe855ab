#include "radar_spoof/cli/terminal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

constexpr int kEighths = 8;
constexpr std::array<std::string_view, kEighths> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view kAsciiLevels = "_.:-=+*#";
constexpr std::array<std::string_view, kEighths> kPartsOfAColumn = {"",  "▏", "▎", "▍",
                                                                    "▌", "▋", "▊", "▉"};

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The first of `text`, which is not empty.
CodePoint Decode(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (bytes == 0 || first > 0xF4 || text.size() < bytes) return {};
  std::uint32_t value = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return {};
    value = value << 6 | (next & 0x3FU);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {};
  return {value, bytes};
}

// Controls (C0, C1), what changes the direction of the text or is not to be seen at all.
bool IsUnsafe(std::uint32_t c) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
  };
  constexpr std::array kRanges = {
      Range{0, 0x1F},        Range{0x7F, 0x9F},      Range{0xAD, 0xAD},     Range{0x61C, 0x61C},
      Range{0x200B, 0x200F}, Range{0x2028, 0x202E},  Range{0x2060, 0x206F}, Range{0xFEFF, 0xFEFF},
      Range{0xFFF0, 0xFFFB}, Range{0xE0000, 0xE0FFF}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

std::string_view CodeOf(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kBold: return "\x1b[1m";
    case Tone::kSoft: return "\x1b[2m";
    case Tone::kGood: return "\x1b[32m";
    case Tone::kBad: return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string Toned(std::string_view text, Tone tone, const Terminal& terminal) {
  if (!terminal.colour || tone == Tone::kPlain || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", CodeOf(tone), text);
}

std::string Harmless(std::string_view text, const Terminal& terminal) {
  std::string harmless;
  while (!text.empty()) {
    const CodePoint c = Decode(text);
    if (c.bytes == 0) {
      harmless += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (IsUnsafe(c.value) || (!terminal.unicode && c.value > 0x7E)) {
      harmless += fmt::format("\\u{{{:x}}}", c.value);
    } else {
      harmless += text.substr(0, c.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
  return harmless;
}

std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
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
