// What the exporter would have shown of a query's past, and when: each complete bucket from when
// the API had it until it had the next one, or until it was too old (snapshot.h). docs/adr/0009 has
// the reasons.
//
// It is written as OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.
// Families, labels and help are metric_catalog.h's, so a series here is the one that is scraped,
// given the labels a scrape adds. What describes a running process (success, polls, confidence of
// an answer) is no history and is not written. Order: as promtool and OpenMetrics want it, a family
// at a time, in it a series at a time, in that by time.
//
// Sources: OpenMetrics 1.0; Prometheus, "Backfilling from OpenMetrics format". Thread rule: pure
// but for the stream.
#pragma once

#include <functional>
#include <ostream>

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

struct ExternalLabel {
  std::string name;
  std::string value;
};

// Whether a scrape could add a label of that name to the families here: it is a label name, not
// one of theirs, and not reserved (__...).
bool IsExternalLabelName(const std::string& name);

struct QueryHistory {
  Query query;
  std::vector<ShownBucket> buckets;
};

struct HistoryTextSize {
  std::uint64_t samples = 0;
  std::uint64_t series = 0;
};

// Each bucket's values stand at every whole `step` of the time it is shown in. `labels` come after
// the series' own, as given. REQUIRES: step >= 1 s. Whether all of it was written, `out` says.
// `stopped` is asked at each bucket; nullopt: it ended the writing.
std::optional<HistoryTextSize> WriteHistory(const std::vector<QueryHistory>& queries,
                                            const std::vector<ExternalLabel>& labels, Seconds step,
                                            const std::function<bool()>& stopped,
                                            std::ostream& out);

}  // namespace radar_spoof
