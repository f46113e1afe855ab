#include "simulator/date_window.h"

#include <fmt/format.h>

#include "radar_spoof/core/text.h"
#include "simulator/api_error.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kDay = 24h;
constexpr Seconds kAlignment = 15min;
constexpr Seconds kLongestWindow = 53 * 7 * kDay;
constexpr std::string_view kControlSuffix = "control";
bool EndsWithControl(std::string_view text) { return LowerCase(text).ends_with(kControlSuffix); }

Result<DateWindow, std::string> ResolveRelative(std::string_view text, WallTime last_updated) {
  const bool control = EndsWithControl(text);
  const std::string_view length =
      text.substr(0, text.size() - (control ? kControlSuffix.size() : 0));
  const std::optional<DateRange> range = DateRange::Parse(length);
  if (!range) {
    return fmt::format(
        "dateRange: {} is not valid; expected 1d to 364d or 1w to 52w, with an optional suffix "
        "'control'",
        Quoted(text));
  }
  const WallTime end = control ? last_updated - range->ControlShift() : last_updated;
  return DateWindow{end - range->Length(), end};
}

Result<DateWindow, std::string> ResolveAbsolute(const DateParameters& dates, WallTime now) {
  if (dates.end.empty()) return std::string("dateEnd: required together with dateStart");
  if (dates.start.empty()) return std::string("dateStart: required together with dateEnd");
  const std::optional<WallTime> start = ParseRfc3339(dates.start);
  const std::optional<WallTime> end = ParseRfc3339(dates.end);
  if (!start) return fmt::format("dateStart: {} is not an RFC 3339 date-time", Quoted(dates.start));
  if (!end) return fmt::format("dateEnd: {} is not an RFC 3339 date-time", Quoted(dates.end));

  const DateWindow window{FloorTo(*start, kAlignment), FloorTo(*end, kAlignment)};
  if (window.end < window.start) return std::string("dateEnd: lies before dateStart");
  if (window.start > now) return std::string("dateStart: lies in the future");
  if (window.Length() > kLongestWindow) {
    return std::string("dateStart: more than 53 weeks before dateEnd");
  }
  return window;
}

Milliseconds LongestWindow(AggInterval interval) {
  constexpr std::array kLongest = {7 * kDay, 31 * kDay, 84 * kDay, kLongestWindow};
  static_assert(kLongest.size() == kAllAggIntervals.size());
  return kLongest[static_cast<std::size_t>(interval)];
}

}  // namespace

Result<DateWindow, std::string> ResolveWindow(const DateParameters& dates, WallTime last_updated,
                                              WallTime now) {
  const bool absolute = !dates.start.empty() || !dates.end.empty();
  if (absolute && !dates.range.empty()) {
    return std::string("dateRange: cannot be combined with dateStart and dateEnd");
  }
  if (absolute) return ResolveAbsolute(dates, now);
  if (dates.range.empty()) {
    return std::string("dateRange: required, or dateStart and dateEnd");
  }
  return ResolveRelative(dates.range, last_updated);
}

AggInterval DefaultInterval(Milliseconds window_length) {
  if (window_length <= kDay) return AggInterval::k15m;
  if (window_length <= LongestWindow(AggInterval::k1h)) return AggInterval::k1h;
  if (window_length <= LongestWindow(AggInterval::k1d)) return AggInterval::k1d;
  return AggInterval::k1w;
}

bool IsTooFine(AggInterval interval, Milliseconds window_length) {
  return window_length > LongestWindow(interval);
}

}  // namespace radar_spoof::simulator
