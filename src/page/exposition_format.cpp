#include "radar_spoof/page/exposition_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/http/content_negotiation.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

enum class Quotes { kEscape, kKeep };

void AppendEscaped(std::string_view text, Quotes quotes, std::string& out) {
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    if (c.bytes == 0) {
      out += kReplacementCharacter;
    } else if (c.value == '\\') {
      out += "\\\\";
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '"' && quotes == Quotes::kEscape) {
      out += "\\\"";
    } else if (c.value != '\r' && c.value != '\0') {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
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

std::string_view ContentType(ExpositionFormat format) {
  switch (format) {
    case ExpositionFormat::kText: return "text/plain; version=0.0.4; charset=utf-8";
    case ExpositionFormat::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

ExpositionFormat ChooseExpositionFormat(std::string_view accept) {
  const int open_metrics = QualityOf("application/openmetrics-text", accept, "1.0.0").value_or(0);
  // The most specific range that covers the text format speaks for it.
  auto text = QualityOf("text/plain", accept, "0.0.4");
  if (!text) text = QualityOf("text/*", accept);
  if (!text) text = QualityOf("*/*", accept);
  return open_metrics > 0 && open_metrics >= text.value_or(0) ? ExpositionFormat::kOpenMetrics
                                                              : ExpositionFormat::kText;
}

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
