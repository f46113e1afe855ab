#include "source_text.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// How many bytes the character at the front takes, or 0 when it is not UTF-8 (RFC 3629: shortest
// form, no surrogates, at most U+10FFFF).
std::size_t CharacterLength(std::string_view text) {
  const unsigned first = Byte(text, 0);
  if (first < 0x80U) return 1;
  const std::size_t length = first < 0xC2U ? 0 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  if (length == 0 || first > 0xF4U || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((Byte(text, i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = Byte(text, 1);
  const bool too_long_a_form =
      (first == 0xE0U && second < 0xA0U) || (first == 0xF0U && second < 0x90U);
  const bool surrogate = first == 0xEDU && second > 0x9FU;
  const bool too_high = first == 0xF4U && second > 0x8FU;
  return too_long_a_form || surrogate || too_high ? 0 : length;
}

bool IsControl(std::string_view text, std::size_t i) {
  const unsigned byte = Byte(text, i);
  if (byte == '\t' || byte == '\n' || byte == '\r') return false;
  return byte < 0x20U || byte == 0x7FU;
}

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text), line_starts_{0} {
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1)) {
    line_starts_.push_back(end + 1);
  }
}

std::optional<SourceText::Defect> SourceText::FirstDefect() const {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  std::size_t i = 0;
  std::size_t length = 1;
  for (; i < text_.size(); i += length) {
    length = is_plain(text_[i]) ? 1 : CharacterLength(text_.substr(i));
    if (length == 0 || IsControl(text_, i)) break;
  }
  if (i == text_.size()) return std::nullopt;
  const auto next_line = std::upper_bound(line_starts_.begin(), line_starts_.end(), i);
  const Place place(static_cast<int>(next_line - line_starts_.begin()),
                    static_cast<int>(i - *std::prev(next_line)) + 1);
  if (length > 0) {
    return Defect{place, fmt::format("the control character \\x{:02X}", Byte(text_, i))};
  }
  return Defect{place, fmt::format("the byte \\x{:02X}, which is not UTF-8", Byte(text_, i))};
}

std::string_view SourceText::Line(int line) const {
  const auto index = static_cast<std::size_t>(line);
  if (line < 0 || index >= line_starts_.size()) return {};
  const std::size_t start = line_starts_[index];
  const std::size_t end =
      index + 1 < line_starts_.size() ? line_starts_[index + 1] - 1 : text_.size();
  return text_.substr(start, end - start);
}

char SourceText::At(int line, int column) const {
  const std::string_view text = Line(line);
  if (column < 0 || static_cast<std::size_t>(column) >= text.size()) return '\0';
  return text[static_cast<std::size_t>(column)];
}

bool SourceText::IsClosedQuote(int line, int column) const {
  const char quote = At(line, column);
  if (quote != '"' && quote != '\'') return true;
  std::size_t i = line_starts_[static_cast<std::size_t>(line)] + static_cast<std::size_t>(column);
  while (++i < text_.size()) {
    if (text_[i] == '\\' && quote == '"') {
      ++i;
    } else if (text_[i] == quote) {
      const bool is_doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
      if (!is_doubled) return true;
      ++i;
    }
  }
  return false;
}

bool SourceText::IsIndentedByTab(int line) const {
  const std::string_view text = Line(line);
  return text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

}  // namespace radar_spoof
