#include "radar_spoof/core/types.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr double kPercentRoundingNoise = 100.0001;
constexpr Seconds kDay = 24h;
constexpr Seconds kWeek = 7 * kDay;
// 1970-01-01 was a Thursday; 1970-01-05 the first Monday.
constexpr Seconds kFirstMonday = 4 * kDay;

// Each of these tables is indexed by its enum.
struct IntervalRow {
  Seconds length;
  std::string_view request_name;
  std::string_view meta_name;
};
constexpr std::array<IntervalRow, kAllAggIntervals.size()> kIntervals = {{
    {15min, "15m", "FIFTEEN_MINUTES"},
    {1h, "1h", "ONE_HOUR"},
    {kDay, "1d", "ONE_DAY"},
    {kWeek, "1w", "ONE_WEEK"},
}};
constexpr std::array<std::string_view, kDimensionCount> kLabelNames = {"arc", "dkim", "dmarc",
                                                                       "spf", "tls_version"};
constexpr std::array<std::string_view, kEventTypeCount> kEventNames = {
    "EVENT", "GENERAL", "OUTAGE", "PARTIAL_PROJECTION", "PIPELINE", "TRAFFIC_ANOMALY", "OTHER"};
constexpr std::array<std::string_view, 3> kSeverities = {"critical", "warning", "none"};
constexpr std::array<std::string_view, 3> kAuthenticationResults = {"FAIL", "NONE", "PASS"};
constexpr std::array<std::string_view, 4> kTlsVersions = {"TLSv1_0", "TLSv1_1", "TLSv1_2",
                                                          "TLSv1_3"};

const IntervalRow& RowOf(AggInterval interval) {
  return kIntervals[static_cast<std::size_t>(interval)];
}

// In lower case, without what stands between words.
std::string LettersOf(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (IsLetter(c)) letters += LowerCase(c);
  }
  return letters;
}

void Wipe(std::string& text) { explicit_bzero(text.data(), text.size()); }

}  // namespace

double PercentToRatio(double percent) {
  // What has six decimal places, as the API writes them, and 15 digits is that decimal alone; so
  // this division of two whole numbers gives what follows, in a tenth of the time.
  const double millionths = std::round(percent * 1e6);
  if (std::abs(millionths) < 1e15 && millionths / 1e6 == percent) return millionths / 1e8;
  constexpr std::string_view kTwoPlaces = "e-2";
  std::array<char, 400> text;  // no number is longer than 345 characters
  char* end = std::to_chars(text.data(), text.data() + text.size() - kTwoPlaces.size(), percent,
                            std::chars_format::fixed)
                  .ptr;
  end = std::ranges::copy(kTwoPlaces, end).out;
  double ratio = percent / 100;  // stays where the result is too small for a number
  std::from_chars(text.data(), end, ratio);
  return ratio;
}

std::optional<Ratio> Ratio::FromPercent(double percent) {
  if (!(percent >= 0.0 && percent <= kPercentRoundingNoise)) return std::nullopt;
  return Ratio(PercentToRatio(std::min(percent, 100.0)) + 0.0);  // + 0.0 turns -0 into 0
}

std::optional<Ratio> Ratio::FromFraction(double fraction) {
  if (!(fraction >= 0.0 && fraction <= 1.0)) return std::nullopt;
  return Ratio(fraction + 0.0);
}

std::string PercentText(double ratio) { return fmt::format("{:.1f} %", ratio * 100); }

Seconds Length(AggInterval interval) { return RowOf(interval).length; }
std::string_view RequestName(AggInterval interval) { return RowOf(interval).request_name; }
std::string_view MetaName(AggInterval interval) { return RowOf(interval).meta_name; }

std::optional<AggInterval> ParseAggInterval(std::string_view request_name) {
  for (const AggInterval interval : kAllAggIntervals) {
    if (RequestName(interval) == request_name) return interval;
  }
  return std::nullopt;
}

WallTime FloorTo(WallTime time, Seconds period) {
  const Milliseconds origin = period % kWeek == 0s ? Milliseconds(kFirstMonday) : 0ms;
  const Milliseconds since = time.time_since_epoch() - origin;
  Milliseconds into_period = since % Milliseconds(period);
  if (into_period < 0ms) into_period += period;
  return time - into_period;
}

WallTime CeilTo(WallTime time, Seconds period) {
  const WallTime floor = FloorTo(time, period);
  return floor == time ? floor : floor + period;
}

std::string_view LabelName(Dimension dimension) {
  return kLabelNames[static_cast<std::size_t>(dimension)];
}

std::string_view RequestName(Dimension dimension) {
  return dimension == Dimension::kTlsVersion ? "tlsVersion" : LabelName(dimension);
}

std::span<const std::string_view> LegalValues(Dimension dimension) {
  if (dimension == Dimension::kTlsVersion) return kTlsVersions;
  return kAuthenticationResults;
}

bool Filters::Add(Dimension dimension, std::string_view value) {
  const auto legal = LegalValues(dimension);
  const auto found = std::find(legal.begin(), legal.end(), value);
  if (found == legal.end()) return false;
  const auto bit = static_cast<std::uint8_t>(1U << (found - legal.begin()));
  std::uint8_t& accepted = accepted_[static_cast<std::size_t>(dimension)];
  if ((accepted & bit) != 0) return false;
  accepted = static_cast<std::uint8_t>(accepted | bit);
  return true;
}

bool Filters::IsAny(Dimension dimension) const {
  return accepted_[static_cast<std::size_t>(dimension)] == 0;
}

std::string Filters::Label(Dimension dimension) const {
  if (IsAny(dimension)) return "any";
  std::string joined;
  const auto legal = LegalValues(dimension);
  for (std::size_t i = 0; i < legal.size(); ++i) {
    if ((accepted_[static_cast<std::size_t>(dimension)] >> i & 1U) == 0) continue;
    if (!joined.empty()) joined += ',';
    joined += legal[i];
  }
  return joined;
}

std::string FilterText(const Filters& filters, std::string_view separator) {
  std::string text;
  for (const Dimension dimension : kAllDimensions) {
    if (filters.IsAny(dimension)) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : separator, LabelName(dimension),
                        filters.Label(dimension));
  }
  return text.empty() ? "all mail" : text;
}

std::optional<DateRange> DateRange::Parse(std::string_view text) {
  constexpr int kMaxDays = 364;
  constexpr int kMaxWeeks = 52;
  if (text.empty()) return std::nullopt;
  const char unit = LowerCase(text.back());
  const auto count = ParseNumber<int>(text.substr(0, text.size() - 1));
  if (!count || (unit != 'd' && unit != 'w')) return std::nullopt;
  if (*count < 1 || *count > (unit == 'd' ? kMaxDays : kMaxWeeks)) return std::nullopt;
  return DateRange(*count, unit);
}

std::string DateRange::Text() const { return std::to_string(count_) + unit_; }

Seconds DateRange::Length() const { return count_ * (unit_ == 'd' ? kDay : kWeek); }

std::string DateRange::ControlText() const { return Text() + "control"; }

Seconds DateRange::ControlShift() const { return (Length() + kWeek - 1s) / kWeek * kWeek; }

std::string_view Name(AlertSeverity severity) {
  return kSeverities[static_cast<std::size_t>(severity)];
}

std::string_view Name(EventType type) { return kEventNames[static_cast<std::size_t>(type)]; }

EventType ParseEventType(std::string_view name) {
  const std::string letters = LettersOf(name);
  for (const EventType type : kAllEventTypes) {
    if (LettersOf(Name(type)) == letters) return type;
  }
  return EventType::kOther;
}

std::string_view ConfidenceText(int level) {
  constexpr std::array<std::string_view, 5> kTexts = {"too little and erratic data",
                                                      "too little data", "erratic data",
                                                      "not assigned", "no known issue"};
  return kTexts.at(static_cast<std::size_t>(level) - 1);
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe(text_);
    text_ = other.text_;
  }
  return *this;
}

Secret::Secret(Secret&& other) noexcept { TakeFrom(other.text_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe(text_);
    TakeFrom(other.text_);
  }
  return *this;
}

// A moved-from short string keeps its bytes, so short text is copied and the source wiped. Long
// text changes hands: a copy might find no memory, and every string has room for short text.
void Secret::TakeFrom(std::string& text) noexcept {
  if (text.size() > std::string().capacity()) {
    text_.swap(text);
  } else {
    text_ = text;
    Wipe(text);
  }
}

Secret::~Secret() { Wipe(text_); }

}  // namespace radar_spoof
