#include "history_plan.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kDay = 24h;

WallTime CeilTo(WallTime time, Seconds period) {
  const WallTime floor = FloorTo(time, period);
  return floor == time ? time : floor + period;
}

}  // namespace

TimeRange WholeBuckets(const TimeRange& asked, AggInterval interval) {
  const WallTime from = CeilTo(asked.from, Length(interval));
  return {from, std::max(from, FloorTo(asked.to, Length(interval)))};
}

TimeRange HistoryNeeded(const Query& query, const TimeRange& shown) {
  const Seconds interval = Length(query.agg_interval);
  WallTime from = FloorTo(shown.from + interval - query.date_range.Length(), interval);
  if (query.control) from = std::min(from, shown.from - query.date_range.ControlShift());
  return {std::min(from, shown.from), shown.to};
}

std::vector<TimeRange> Without(const TimeRange& range, std::vector<TimeRange> known) {
  std::sort(known.begin(), known.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  std::vector<TimeRange> missing;
  WallTime reached = range.from;
  for (const TimeRange& each : known) {
    if (each.to <= reached) continue;
    if (each.from >= range.to) break;
    if (each.from > reached) missing.push_back({reached, each.from});
    reached = each.to;
  }
  if (reached < range.to) missing.push_back({reached, range.to});
  return missing;
}

Seconds LongestPiece(AggInterval interval) {
  switch (interval) {
    case AggInterval::k15m: return kDay;
    case AggInterval::k1h: return 7 * kDay;
    case AggInterval::k1d: return 12 * 7 * kDay;
    case AggInterval::k1w: return 52 * 7 * kDay;
  }
  return kDay;
}

std::vector<TimeRange> Pieces(const TimeRange& range, AggInterval interval, Seconds longest) {
  const Seconds step = longest / Length(interval) * Length(interval);
  std::vector<TimeRange> pieces;
  for (WallTime from = range.from; from < range.to; from += step) {
    pieces.push_back({from, std::min(from + step, range.to)});
  }
  return pieces;
}

}  // namespace radar_spoof
