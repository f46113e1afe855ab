// Publish: a snapshot and the time become the text of /metrics.
//
// What is served is metric_catalog.h's; which values may still be shown is freshness.h's. One
// snapshot is one moment: all numbers of a query are from one answer. Order is stable: families as
// in the catalog, series by query as configured. Sources: Prometheus, "Exposition formats" (text
// 0.0.4); OpenMetrics 1.0. Thread rule: pure; any thread.
#pragma once

#include <string>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/page/exposition_format.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// The page in three parts: QueryTable's, what is not about one query, and what differs from scrape
// to scrape. Only a poll, a reload or FreshUntil() changes the first two, which RenderPolled()
// joins; `--once` prints these alone.
std::string RenderGeneral(const Snapshot& snapshot, Instant now, ExpositionFormat format);
std::string RenderPolled(const Snapshot& snapshot, Instant now, ExpositionFormat format);
std::string RenderProcess(const ProcessMetrics& process, ExpositionFormat format);

}  // namespace radar_spoof
