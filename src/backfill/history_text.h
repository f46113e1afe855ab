// Shown history becomes OpenMetrics with timestamps, for `promtool tsdb
// create-blocks-from openmetrics`.
//
// Families, labels and help are the catalog's (metric_catalog.h), so a series here is the one that
// is scraped, given the labels a scrape adds. Written are the ratios, the window's, the control's
// and the sample's time; what describes a running process (success, polls, confidence of an answer)
// is not history and is not written.
// Order: as promtool and OpenMetrics want it: a family at a time, in it a series at a time, in that
// by time.
//
// Sources: OpenMetrics 1.0; Prometheus, "Backfilling from OpenMetrics format". Thread rule: pure
// but for the stream.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "radar_spoof/core/types.h"
#include "shown_history.h"

namespace radar_spoof {

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
HistoryTextSize WriteHistory(const std::vector<QueryHistory>& queries,
                             const std::vector<ExternalLabel>& labels, Seconds step,
                             std::ostream& out);

}  // namespace radar_spoof
