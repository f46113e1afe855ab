// A snapshot, the API's metrics and the time become the text of /metrics.
//
// What is served is metric_catalog.h's; which values may still be shown is freshness.h's. One
// snapshot is one moment: all numbers of a query are from one answer. Order is stable: families as
// in the catalog, series by query as configured. Thread rule: pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/page/exposition_format.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/poll/api_metrics.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// The page in three parts: query_table.h's, then these two, of which the second ends the page.

// Families as they are given. Label values and help texts are not yet escaped.
// REQUIRES: counters (named *_total), gauges and histograms whose last bucket is +Inf.
std::string RenderApiMetrics(const std::vector<prometheus::MetricFamily>& families,
                             ExpositionFormat format);
std::string RenderProcess(const ProcessMetrics& process, ExpositionFormat format);

// The first two parts: what a poll, a reload or FreshUntil() changes. `--once` prints these alone.
std::string RenderWithoutProcess(const Snapshot& snapshot, const ApiMetrics& metrics, Instant now,
                                 ExpositionFormat format);

}  // namespace radar_spoof
