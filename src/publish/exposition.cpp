#include "radar_spoof/publish/exposition.h"

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "radar_spoof/publish/metric_catalog.h"
#include "radar_spoof/publish/query_table.h"
#include "radar_spoof/words/version.h"

namespace radar_spoof {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using LabelValues = std::vector<std::string_view>;

prometheus::MetricType ModelType(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return prometheus::MetricType::Counter;
    case MetricType::kGauge: return prometheus::MetricType::Gauge;
    case MetricType::kHistogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

// Every family of the catalog; series are added in any order of families.
class Families {
 public:
  Families() {
    for (const MetricDescription& description : MetricCatalog()) {
      families_.push_back({std::string(description.name),
                           std::string(description.help),
                           ModelType(description.type),
                           {}});
    }
  }

  // REQUIRES: one value for each label of the catalog's entry.
  void Add(Metric metric, double value, const LabelValues& labels = {}) {
    ClientMetric& series = AddSeries(metric, labels);
    if (Describe(metric).type == MetricType::kCounter) {
      series.counter.value = value;
    } else {
      series.gauge.value = value;
    }
  }

  void Add(Metric metric, std::uint64_t value, const LabelValues& labels = {}) {
    Add(metric, static_cast<double>(value), labels);
  }

  void Add(Metric metric, bool value, const LabelValues& labels = {}) {
    Add(metric, value ? 1.0 : 0.0, labels);
  }

  // For what is left out while it is not known.
  template <typename T>
  void Add(Metric metric, const std::optional<T>& value, const LabelValues& labels = {}) {
    if (value) Add(metric, *value, labels);
  }

  void Add(Metric metric, WallTime time, const LabelValues& labels = {}) {
    Add(metric, UnixSeconds(time), labels);
  }

  void Add(Metric metric, const DurationHistogram& durations) {
    ClientMetric::Histogram& histogram = AddSeries(metric, {}).histogram;
    histogram.sample_sum = durations.sum;
    for (std::size_t i = 0; i < durations.counts.size(); ++i) {
      histogram.sample_count += durations.counts[i];
      const double upper_bound = i < kDurationBuckets.size()
                                     ? kDurationBuckets[i]
                                     : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({histogram.sample_count, upper_bound});
    }
  }

  std::vector<MetricFamily> TakeNonEmpty() && {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  ClientMetric& AddSeries(Metric metric, const LabelValues& labels) {
    ClientMetric& series = families_[static_cast<std::size_t>(metric)].metric.emplace_back();
    const auto names = Describe(metric).labels;
    series.label.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      series.label.push_back({std::string(names[i]), std::string(labels.at(i))});
    }
    return series;
  }

  std::vector<MetricFamily> families_;
};

void AddApi(const ApiState& api, Instant now, Families& families) {
  families.Add(Metric::kUp, api.up);
  std::map<int, std::uint64_t> requests = api.requests;
  // Known series exist from the start.
  requests.try_emplace(0);
  requests.try_emplace(200);
  for (const auto& [status, count] : requests) {
    families.Add(Metric::kApiRequests, count, {std::to_string(status)});
  }
  for (const FailureReason reason : kAllFailureReasons) {
    families.Add(Metric::kApiFailures, api.failures[static_cast<std::size_t>(reason)],
                 {Name(reason)});
  }
  families.Add(Metric::kApiRequestDuration, api.duration);
  for (const auto& [name, policy] : api.rate_limit) {
    families.Add(Metric::kApiRateLimitLimit, policy.limit, {name});
    families.Add(Metric::kApiRateLimitRemaining, policy.remaining, {name});
    families.Add(Metric::kApiRateLimitReset, policy.reset, {name});
  }
  const bool held = api.blocked_until && now.steady < api.blocked_until->steady;
  families.Add(Metric::kApiBlockedUntil, held ? api.blocked_until->wall : WallTime());
}

void AddReload(const ReloadState& reload, Families& families) {
  families.Add(Metric::kBuildInfo, true, {Version(), Revision(), Compiler()});
  families.Add(Metric::kConfigLastReloadSuccessful, reload.successful);
  families.Add(Metric::kConfigLastReloadSuccess, reload.last_success);
}

}  // namespace

std::vector<MetricFamily> CollectFamilies(const Snapshot& snapshot, Instant now) {
  Families families;
  AddApi(snapshot.api, now, families);
  AddReload(snapshot.reload, families);
  return std::move(families).TakeNonEmpty();
}

std::vector<MetricFamily> CollectFamilies(const ProcessMetrics& process) {
  Families families;
  families.Add(Metric::kProcessCpu, process.cpu_seconds);
  families.Add(Metric::kProcessOpenFds, process.open_fds);
  families.Add(Metric::kProcessMaxFds, process.max_fds);
  families.Add(Metric::kProcessVirtualMemory, process.virtual_memory_bytes);
  families.Add(Metric::kProcessVirtualMemoryMax, process.virtual_memory_max_bytes);
  families.Add(Metric::kProcessResidentMemory, process.resident_memory_bytes);
  families.Add(Metric::kProcessStartTime, process.start_time);
  families.Add(Metric::kProcessThreads, process.threads);
  return std::move(families).TakeNonEmpty();
}

std::string RenderGeneral(const Snapshot& snapshot, Instant now, ExpositionFormat format) {
  return SerializeFamilies(CollectFamilies(snapshot, now), format, PagePart::kFirst);
}

std::string RenderPolled(const Snapshot& snapshot, Instant now, ExpositionFormat format) {
  std::string text = QueryTable(snapshot, now).Text(format);
  text += RenderGeneral(snapshot, now, format);
  return text;
}

std::string RenderProcess(const ProcessMetrics& process, ExpositionFormat format) {
  return SerializeFamilies(CollectFamilies(process), format, PagePart::kLast);
}

}  // namespace radar_spoof
