#include "html_text.h"

#include <array>

#include <fmt/format.h>

#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string InWords(Milliseconds duration) {
  struct Unit {
    Seconds length;
    std::string_view name;
  };
  constexpr std::array kUnits = {Unit{Seconds(86400), "day"}, Unit{Seconds(3600), "hour"},
                                 Unit{Seconds(60), "minute"}, Unit{Seconds(1), "second"}};
  for (const Unit& unit : kUnits) {
    const auto count = duration / unit.length;
    if (count >= 1) return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
  }
  return "a moment";
}

std::string MinuteText(WallTime time) {
  const std::string rfc3339 = FormatRfc3339(time);
  return rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 5) + " UTC";
}

std::string PercentText(double ratio) { return fmt::format("{:.1f} %", ratio * 100); }

}  // namespace radar_spoof
