// The only door to prometheus-cpp. Not its TextSerializer (1.0.1): that escapes no help text,
// prints 16 digits, spells NaN "Nan", and knows no OpenMetrics.
#include "radar_spoof/page/exposition.h"

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include <prometheus/metric_family.h>

#include "metric_families.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/page/exposition_lines.h"
#include "radar_spoof/page/metric_catalog.h"
#include "radar_spoof/page/query_table.h"

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
  families.Add(Metric::kApiInfo, true, {api.host, api.path});
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

// Families with at least one series that are not about one query, which are query_table.h's.
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

// "1.0" for 1, as OpenMetrics wants it.
std::string BucketBound(double value) {
  std::string bound;
  AppendNumber(value, bound);
  if (bound.find_first_not_of("-0123456789") == std::string::npos) bound += ".0";
  return bound;
}

// `bound` is the `le` label's value; empty: none.
void AppendSample(std::string_view name, std::string_view suffix, const ClientMetric& series,
                  std::string_view bound, double value, std::string& out) {
  out += name;
  out += suffix;
  if (!series.label.empty() || !bound.empty()) {
    out += '{';
    for (const ClientMetric::Label& label : series.label) AppendLabel(label.name, label.value, out);
    if (!bound.empty()) AppendLabel("le", bound, out);
    out.back() = '}';
  }
  out += ' ';
  AppendNumber(value, out);
  out += '\n';
}

void AppendHistogram(std::string_view name, const ClientMetric& series, std::string& out) {
  const ClientMetric::Histogram& histogram = series.histogram;
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    AppendSample(name, "_bucket", series, BucketBound(bucket.upper_bound),
                 static_cast<double>(bucket.cumulative_count), out);
  }
  AppendSample(name, "_sum", series, {}, histogram.sample_sum, out);
  AppendSample(name, "_count", series, {}, static_cast<double>(histogram.sample_count), out);
}

std::string_view TypeName(prometheus::MetricType type) {
  if (type == prometheus::MetricType::Histogram) return "histogram";
  return type == prometheus::MetricType::Counter ? "counter" : "gauge";
}

std::size_t EstimatedSize(const std::vector<MetricFamily>& families) {
  constexpr std::size_t kHeadBytes = 512;
  constexpr std::size_t kSampleBytes = 160;
  std::size_t size = 0;
  for (const MetricFamily& family : families) {
    size += kHeadBytes + family.metric.size() * kSampleBytes;
  }
  return size;
}

}  // namespace

std::string SerializeFamilies(const std::vector<MetricFamily>& families, ExpositionFormat format,
                              PagePart part) {
  std::string out;
  out.reserve(EstimatedSize(families));
  for (const MetricFamily& family : families) {
    AppendHead(family.name, TypeName(family.type), family.help, format, out);
    for (const ClientMetric& series : family.metric) {
      if (family.type == prometheus::MetricType::Histogram) {
        AppendHistogram(family.name, series, out);
      } else {
        const bool counter = family.type == prometheus::MetricType::Counter;
        AppendSample(family.name, {}, series, {},
                     counter ? series.counter.value : series.gauge.value, out);
      }
    }
  }
  if (format == ExpositionFormat::kOpenMetrics && part == PagePart::kLast) out += "# EOF\n";
  return out;
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
