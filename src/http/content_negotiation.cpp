#include "radar_spoof/http/content_negotiation.h"

#include <algorithm>
#include <cmath>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// One element of the header's list.
struct Preference {
  std::string name;     // lower case
  std::string version;  // of a media type; "" when absent
  int quality = 1000;   // thousandths
};

// "0", "0.5", "1.000": at most three decimals, at most 1.
std::optional<int> ParseQuality(std::string_view text) {
  const auto quality = ParseNumber<double>(text, std::chars_format::fixed);
  if (!quality || !(*quality <= 1) || text.size() > 5) return std::nullopt;
  if (!IsDigit(text.front()) || (text.size() > 1 && text[1] != '.')) return std::nullopt;
  return static_cast<int>(std::lround(*quality * 1000));
}

std::optional<Preference> ParsePreference(std::string_view element) {
  Preference preference;
  preference.name = LowerCase(TakeUntilUnquoted(element, ';'));
  if (preference.name.empty()) return std::nullopt;
  while (!element.empty()) {
    std::string_view value = TakeUntilUnquoted(element, ';');
    const std::string name = LowerCase(TakeUntilUnquoted(value, '='));
    value = Trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (name == "version") preference.version = value;
    if (name == "q") {
      const auto quality = ParseQuality(value);
      if (!quality) return std::nullopt;
      preference.quality = *quality;
    }
  }
  return preference;
}

}  // namespace

std::optional<int> QualityOf(std::string_view name, std::string_view header,
                             std::string_view version) {
  std::optional<int> best;
  while (!header.empty()) {
    const auto each = ParsePreference(TakeUntilUnquoted(header, ','));
    if (!each || each->name != name) continue;
    const bool version_fits = version.empty() || each->version.empty() || each->version == version;
    if (version_fits) best = std::max(best.value_or(0), each->quality);
  }
  return best;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  auto gzip = QualityOf("gzip", accept_encoding);
  if (!gzip) gzip = QualityOf("x-gzip", accept_encoding);
  if (!gzip) gzip = QualityOf("*", accept_encoding);
  const int identity = QualityOf("identity", accept_encoding).value_or(0);
  return gzip.value_or(0) > 0 && *gzip >= identity;
}

}  // namespace radar_spoof
