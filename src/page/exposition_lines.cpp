#include "radar_spoof/page/exposition_lines.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "radar_spoof/page/metric_catalog.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

unsigned char ByteAt(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

bool IsContinuation(unsigned char byte) { return (byte & 0xC0U) == 0x80; }

// Bytes of the well-formed UTF-8 sequence at `i`, or 0. Unicode 15, table 3-7.
std::size_t SequenceLength(std::string_view text, std::size_t i) {
  const unsigned char lead = ByteAt(text, i);
  const unsigned char second = ByteAt(text, i + 1);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !IsContinuation(second)) return 0;
  if (lead < 0xE0) return 2;
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool beyond_unicode = lead == 0xF4 && second > 0x8F;
  if (overlong || surrogate || beyond_unicode || !IsContinuation(ByteAt(text, i + 2))) return 0;
  if (lead < 0xF0) return 3;
  return IsContinuation(ByteAt(text, i + 3)) ? 4 : 0;
}

enum class Quotes { kEscape, kKeep };

void AppendEscaped(std::string_view text, Quotes quotes, std::string& out) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = SequenceLength(text, i);
    if (length == 0) {
      out += kReplacementCharacter;
      ++i;
      continue;
    }
    const char lead = text[i];
    if (lead == '\\') {
      out += "\\\\";
    } else if (lead == '\n') {
      out += "\\n";
    } else if (lead == '"' && quotes == Quotes::kEscape) {
      out += "\\\"";
    } else if (lead != '\r' && lead != '\0') {
      out.append(text, i, length);
    }
    i += length;
  }
}

void AppendComment(std::string_view keyword, std::string_view name, std::string_view text,
                   Quotes quotes, std::string& out) {
  out += "# ";
  out += keyword;
  out += ' ';
  out += name;
  out += ' ';
  AppendEscaped(text, quotes, out);
  out += '\n';
}

}  // namespace

void AppendNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

void AppendLabel(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += "=\"";
  AppendEscaped(value, Quotes::kEscape, out);
  out += "\",";
}

void AppendHead(std::string_view name, std::string_view type, std::string_view help,
                ExpositionFormat format, std::string& out) {
  if (format == ExpositionFormat::kText) {
    AppendComment("HELP", name, help, Quotes::kKeep, out);
    AppendComment("TYPE", name, type, Quotes::kKeep, out);
    return;
  }
  if (type == "counter") name.remove_suffix(std::string_view("_total").size());
  const std::string_view unit = Unit(name);
  AppendComment("TYPE", name, type, Quotes::kKeep, out);
  if (!unit.empty()) AppendComment("UNIT", name, unit, Quotes::kKeep, out);
  AppendComment("HELP", name, help, Quotes::kEscape, out);
}

}  // namespace radar_spoof
