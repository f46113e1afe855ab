// Publish: a snapshot and the time become the text of /metrics.
//
// Used by: metrics_page and `--once`. What is served is metric_catalog.h's; which values may still
// be shown is freshness.h's. One snapshot is one moment: all numbers of a query are from one
// answer. Order is stable: families as in the catalog, series by query as configured. Sources:
// Prometheus, "Exposition formats" (text 0.0.4); OpenMetrics 1.0. Thread rule: pure; any thread.
#pragma once

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "radar_spoof/publish/exposition_format.h"
#include "radar_spoof/publish/process_metrics.h"
#include "radar_spoof/publish/snapshot.h"
#include "radar_spoof/words/clock.h"

namespace radar_spoof {

// Families with at least one series that are not about one query, which are query_table.h's. Label
// values are as given, not yet escaped.
std::vector<prometheus::MetricFamily> CollectFamilies(const Snapshot& snapshot, Instant now);
std::vector<prometheus::MetricFamily> CollectFamilies(const ProcessMetrics& process);

enum class PagePart { kFirst, kLast };  // OpenMetrics' "# EOF" ends the last

// Whatever the strings hold, the result is valid UTF-8 and one sample a line: in label values and
// help texts invalid UTF-8 becomes U+FFFD, CR and NUL are dropped, the rest is escaped. Numbers are
// the shortest that read back as the same double. `le` is spelled alike in both formats, so that a
// series is the same whichever was negotiated.
// REQUIRES: counters (named *_total), gauges and histograms whose last bucket is +Inf.
std::string SerializeFamilies(const std::vector<prometheus::MetricFamily>& families,
                              ExpositionFormat format, PagePart part = PagePart::kLast);

// The page in three parts: QueryTable's, what is not about one query, and what differs from scrape
// to scrape. Only a poll, a reload or FreshUntil() changes the first two, which RenderPolled()
// joins; `--once` prints these alone.
std::string RenderGeneral(const Snapshot& snapshot, Instant now, ExpositionFormat format);
std::string RenderPolled(const Snapshot& snapshot, Instant now, ExpositionFormat format);
std::string RenderProcess(const ProcessMetrics& process, ExpositionFormat format);

}  // namespace radar_spoof
