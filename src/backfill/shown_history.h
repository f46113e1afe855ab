// What the exporter would have shown of a query's past, and when.
//
// A scrape shows the newest complete bucket: from when the API has it until it has the next one, or
// until it is too old (freshness.h). The past is shown the same way, so that old and live samples
// mean the same and a rule evaluated over both sees one series. docs/adr/0009 has the reasons.
//
// Thread rule: pure.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

// How long after a bucket's end the past is taken to have been available. Radar's data are seen to
// lag 15 to 60 minutes; how much they did at a moment in the past nobody can say.
inline constexpr Seconds kAssumedLag{1800};

struct ShownBucket {
  TimeRange shown;  // when a scrape would have seen it; not empty
  WallTime bucket_start;
  Ratio spoof;
  Ratio not_spoof;
  std::optional<WindowStatistics> window;       // nullopt under 2 earlier buckets
  std::optional<Ratio> control;                 // only with `query.control`
  std::optional<Expectation> expectation = {};  // nullopt: the window is too short to say
};

// The buckets of `history` that lie in `range`, oldest first. `history` is complete buckets with
// their starts, oldest first, of HistoryNeeded(query, range); a gap in it is one in the API.
// `max_data_age` is MaxDataAge(). Nothing is shown at `end` or later.
std::vector<ShownBucket> ShownHistory(const Query& query, std::span<const SpoofBucket> history,
                                      const TimeRange& range, Seconds max_data_age, WallTime end);

}  // namespace radar_spoof
