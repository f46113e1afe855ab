// Every metric family this program serves, in the order it is served. The one home of
// their names, types, labels, sources and help texts: the public interface that dashboards and
// alerts are written against, so a change here is a breaking change.
//
// Sources: naming and units as in Prometheus, "Metric and label naming"; units as in OpenMetrics
// 1.0; process_* as in "Writing client libraries".
// Thread rule: constants.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace radar_spoof {

enum class Metric {
  kSpoofRatio,
  kNotSpoofRatio,
  kSpoofWindowMeanRatio,
  kSpoofWindowStddevRatio,
  kSpoofControlRatio,
  kSpoofExpectedRatio,
  kSpoofExpectedUpperRatio,
  kSpoofBucketsAbove,
  kQueryInfo,
  kQuerySuccess,
  kQueryLastSuccess,
  kQuerySample,
  kQueryLastUpdated,
  kQueryNextPoll,
  kQueryPollInterval,
  kQueryAggregationInterval,
  kQueryConfidenceLevel,
  kQueryAnnotations,
  kQueryPolls,
  kQueryFailures,
  kQueryAlertInfo,
  kApiInfo,
  kUp,
  kApiRequests,
  kApiFailures,
  kApiRequestDuration,
  kApiRateLimitLimit,
  kApiRateLimitRemaining,
  kApiRateLimitReset,
  kApiBlockedUntil,
  kBuildInfo,
  kConfigLastReloadSuccessful,
  kConfigLastReloadSuccess,
  kProcessCpu,
  kProcessOpenFds,
  kProcessMaxFds,
  kProcessVirtualMemory,
  kProcessVirtualMemoryMax,
  kProcessResidentMemory,
  kProcessStartTime,
  kProcessThreads,
};

// The families that are about one query, which stand first, are those before this number.
inline constexpr std::size_t kQueryFamilies = static_cast<std::size_t>(Metric::kApiInfo);

enum class MetricType { kCounter, kGauge, kHistogram };

// "counter", "gauge", "histogram".
std::string_view Name(MetricType type);

struct MetricDescription {
  Metric metric;
  std::string_view name;  // in full: counters end in _total
  MetricType type;
  // On every series, in this order; neither `le` nor the configuration's static labels.
  std::span<const std::string_view> labels;
  // What it is made of, in the API's terms: a path in the answer's JSON, a header, or a parameter
  // of the request; a file of /proc for the process. Empty: of nothing outside the exporter.
  std::string_view source;
  std::string_view help;  // one line; names the source
};

// Every family, in exposition order; indexed by Metric.
std::span<const MetricDescription> MetricCatalog();
const MetricDescription& Describe(Metric metric);

// What `# UNIT` says: the base unit a family's name ends in ("seconds", "bytes", "ratio",
// "requests"), or "". `family_name` is without a counter's _total.
std::string_view Unit(std::string_view family_name);

}  // namespace radar_spoof
