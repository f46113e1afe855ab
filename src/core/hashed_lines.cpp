#include "radar_spoof/core/hashed_lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/core/hash.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kHashLength = 17;

// What stands before the line.
std::string HashText(std::string_view line) { return fmt::format("{:016x} ", Fnv1a(line)); }

}  // namespace

std::string HashedLine(std::string_view line) {
  std::string text = HashText(line);
  text += line;
  text += '\n';
  return text;
}

HashedLines::HashedLines(std::string_view text, std::string_view first)
    : rest_(text), begins_right_(TakeLine() == first) {}

std::optional<std::string_view> HashedLines::Next() {
  const std::string_view written = TakeLine();
  const std::string_view line = written.substr(std::min(kHashLength, written.size()));
  if (!written.starts_with(HashText(line))) return std::nullopt;
  return line;
}

std::string_view HashedLines::TakeLine() {
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return line;
}

}  // namespace radar_spoof
