// What an ApiMetrics has counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <prometheus/metric_family.h>

#include "radar_spoof/poll/api_metrics.h"

namespace radar_spoof::test {

// The series of a family that has one label, by its value; those at 0 are left out.
inline std::map<std::string, std::uint64_t> CountsOf(const ApiMetrics& metrics,
                                                     std::string_view family_name) {
  std::map<std::string, std::uint64_t> counts;
  const auto families = metrics.Collect({}, {});
  for (const prometheus::MetricFamily& family : *families) {
    if (family.name != family_name) continue;
    for (const prometheus::ClientMetric& series : family.metric) {
      const auto count = static_cast<std::uint64_t>(series.counter.value);
      if (count > 0) counts[series.label.front().value] = count;
    }
  }
  return counts;
}

// By HTTP status; 0: no answer.
inline std::map<int, std::uint64_t> RequestsOf(const ApiMetrics& metrics) {
  std::map<int, std::uint64_t> requests;
  for (const auto& [code, count] : CountsOf(metrics, "cloudflare_radar_api_requests_total")) {
    requests[std::stoi(code)] = count;
  }
  return requests;
}

inline std::uint64_t FailuresOf(const ApiMetrics& metrics, FailureReason reason) {
  return CountsOf(metrics, "cloudflare_radar_api_failures_total")[std::string(Name(reason))];
}

inline prometheus::ClientMetric::Histogram DurationsOf(const ApiMetrics& metrics) {
  const auto families = metrics.Collect({}, {});
  for (const prometheus::MetricFamily& family : *families) {
    if (family.type == prometheus::MetricType::Histogram) return family.metric.front().histogram;
  }
  return {};
}

}  // namespace radar_spoof::test
