// A snapshot, the API's metrics and the time become the text of /metrics.
//
// What is served is metric_catalog.h's; which values may still be shown is snapshot.h's. One
// snapshot is one moment: all numbers of a query are from one answer. Order is stable: families as
// in the catalog, series by query as configured. Whatever the strings hold, a line is valid UTF-8
// and stays one line: in label values and help texts invalid UTF-8 becomes U+FFFD, CR and NUL are
// dropped, the rest is escaped.
//
// Sources: Prometheus, "Exposition formats" (text 0.0.4); OpenMetrics 1.0; RFC 9110, 12.5.1.
// Thread rule: pure; any thread.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/poll/api_metrics.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

enum class ExpositionFormat {
  kText,         // Prometheus text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0.0
};

// The exact Content-Type of that format.
std::string_view ContentType(ExpositionFormat format);

// kOpenMetrics only when `accept` names application/openmetrics-text, as version 1.0.0 or without a
// version, and rates it no lower than the text format; a wildcard never chooses it. `accept` is the
// header's value, "" when it is absent.
ExpositionFormat ChooseExpositionFormat(std::string_view accept);

// What stands before a family's samples. `name` is in full (counters end in _total); `type` as in
// a TYPE line.
void AppendHead(std::string_view name, std::string_view type, std::string_view help,
                ExpositionFormat format, std::string& out);

// `name="value",` with the value escaped.
void AppendLabel(std::string_view name, std::string_view value, std::string& out);

// The shortest text that reads back as the same double.
void AppendNumber(double value, std::string& out);

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
