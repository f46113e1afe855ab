// prometheus-cpp's collected families are written here, and not by its TextSerializer (1.0.1): that
// escapes no help text, prints 16 digits, spells NaN "Nan", and knows no OpenMetrics.
#include "radar_spoof/page/exposition.h"

#include <optional>
#include <string_view>

#include <prometheus/metric_family.h>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/page/query_table.h"

namespace radar_spoof {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

// An estimate; what of it is not used is never touched.
constexpr std::size_t kBytesPerFamily = 1024;

// "1.0" for 1, as OpenMetrics wants it; in both formats, so that a series is the same whichever was
// negotiated.
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
  if (type == prometheus::MetricType::Histogram) return Name(MetricType::kHistogram);
  return Name(type == prometheus::MetricType::Counter ? MetricType::kCounter : MetricType::kGauge);
}

double Number(double value) { return value; }
double Number(std::uint64_t value) { return static_cast<double>(value); }
double Number(WallTime time) { return UnixSeconds(time); }

// What is not known is left out.
template <typename T>
void AppendOwn(Metric metric, const std::optional<T>& value, ExpositionFormat format,
               std::string& out) {
  if (!value) return;
  const MetricDescription& description = Describe(metric);
  AppendHead(description.name, Name(description.type), description.help, format, out);
  AppendSample(description.name, {}, {}, {}, Number(*value), out);
}

}  // namespace

std::string RenderApiMetrics(const std::vector<MetricFamily>& families, ExpositionFormat format) {
  std::string out;
  out.reserve(families.size() * kBytesPerFamily);
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
  return out;
}

std::string RenderProcess(const ProcessMetrics& process, ExpositionFormat format) {
  std::string out;
  AppendOwn(Metric::kProcessCpu, process.cpu_seconds, format, out);
  AppendOwn(Metric::kProcessOpenFds, process.open_fds, format, out);
  AppendOwn(Metric::kProcessMaxFds, process.max_fds, format, out);
  AppendOwn(Metric::kProcessVirtualMemory, process.virtual_memory_bytes, format, out);
  AppendOwn(Metric::kProcessVirtualMemoryMax, process.virtual_memory_max_bytes, format, out);
  AppendOwn(Metric::kProcessResidentMemory, process.resident_memory_bytes, format, out);
  AppendOwn(Metric::kProcessStartTime, process.start_time, format, out);
  AppendOwn(Metric::kProcessThreads, process.threads, format, out);
  if (format == ExpositionFormat::kOpenMetrics) out += "# EOF\n";
  return out;
}

std::string RenderWithoutProcess(const Snapshot& snapshot, const ApiMetrics& metrics, Instant now,
                                 ExpositionFormat format) {
  std::string text = QueryTable(snapshot, now).Text(format);
  text += RenderApiMetrics(*metrics.Collect(snapshot, now), format);
  return text;
}

}  // namespace radar_spoof
