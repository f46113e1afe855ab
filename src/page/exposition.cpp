// prometheus-cpp's collected families are written here, and not by its TextSerializer (1.0.1): that
// escapes no help text, prints 16 digits, spells NaN "Nan", and knows no OpenMetrics.
#include "radar_spoof/page/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <prometheus/metric_family.h>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/http/content_negotiation.h"
#include "radar_spoof/page/query_table.h"

namespace radar_spoof {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

// An estimate; what of it is not used is never touched.
constexpr std::size_t kBytesPerFamily = 1024;

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

enum class Quotes { kEscape, kKeep };

bool StandsForItself(char c) { return c >= 0x20 && c < 0x7f && c != '\\' && c != '"'; }

void AppendEscaped(std::string_view text, Quotes quotes, std::string& out) {
  while (true) {
    const auto first = std::ranges::find_if_not(text, StandsForItself);
    out.append(text.begin(), first);
    text.remove_prefix(static_cast<std::size_t>(first - text.begin()));
    if (text.empty()) return;
    const CodePoint c = FirstCodePoint(text);
    if (c.bytes == 0) {
      out += kReplacementCharacter;
    } else if (c.value == '\\') {
      out += "\\\\";
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '"' && quotes == Quotes::kEscape) {
      out += "\\\"";
    } else if (c.value != '\r' && c.value != '\0') {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
}

void AppendComment(std::string_view keyword, std::string_view name, std::string_view text,
                   Quotes quotes, std::string& out) {
  out += "# ";
  out += keyword;
  out += ' ';
  out += name;
  out += ' ';
  AppendEscaped(text, quotes, out);
  out += '\n';
}

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

std::string_view ContentType(ExpositionFormat format) {
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

ExpositionFormat ChooseExpositionFormat(std::string_view accept) {
  const int open_metrics = QualityOf("application/openmetrics-text", accept, "1.0.0").value_or(0);
  // The most specific range that covers the text format speaks for it.
  auto text = QualityOf("text/plain", accept, "0.0.4");
  if (!text) text = QualityOf("text/*", accept);
  if (!text) text = QualityOf("*/*", accept);
  return open_metrics > 0 && open_metrics >= text.value_or(0) ? ExpositionFormat::kOpenMetrics
                                                              : ExpositionFormat::kText;
}

void AppendNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
}

void AppendLabel(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += "=\"";
  AppendEscaped(value, Quotes::kEscape, out);
  out += "\",";
}

void AppendHead(std::string_view name, std::string_view type, std::string_view help,
                ExpositionFormat format, std::string& out) {
  if (format == ExpositionFormat::kText) {
    AppendComment("HELP", name, help, Quotes::kKeep, out);
    AppendComment("TYPE", name, type, Quotes::kKeep, out);
    return;
  }
  if (type == "counter") name.remove_suffix(std::string_view("_total").size());
  const std::string_view unit = Unit(name);
  AppendComment("TYPE", name, type, Quotes::kKeep, out);
  if (!unit.empty()) AppendComment("UNIT", name, unit, Quotes::kKeep, out);
  AppendComment("HELP", name, help, Quotes::kEscape, out);
}

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
