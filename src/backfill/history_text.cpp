#include "history_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "radar_spoof/page/exposition_lines.h"
#include "radar_spoof/page/metric_catalog.h"

namespace radar_spoof {
namespace {

struct WrittenMetric {
  Metric metric;
  // nullopt: not there while this bucket is shown.
  std::optional<double> (*value)(const ShownBucket& bucket);
};

constexpr std::array<WrittenMetric, 9> kWritten = {{
    {Metric::kSpoofRatio,
     [](const ShownBucket& bucket) { return std::optional(bucket.spoof.value()); }},
    {Metric::kNotSpoofRatio,
     [](const ShownBucket& bucket) { return std::optional(bucket.not_spoof.value()); }},
    {Metric::kSpoofWindowMeanRatio,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.window) return std::nullopt;
       return bucket.window->mean;
     }},
    {Metric::kSpoofWindowStddevRatio,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.window) return std::nullopt;
       return bucket.window->standard_deviation;
     }},
    {Metric::kSpoofControlRatio,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.control) return std::nullopt;
       return bucket.control->value();
     }},
    {Metric::kSpoofExpectedRatio,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.expectation) return std::nullopt;
       return bucket.expectation->ratio;
     }},
    {Metric::kSpoofExpectedUpperRatio,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.expectation) return std::nullopt;
       return bucket.expectation->upper;
     }},
    {Metric::kSpoofBucketsAbove,
     [](const ShownBucket& bucket) -> std::optional<double> {
       if (!bucket.expectation) return std::nullopt;
       return bucket.expectation->buckets_above;
     }},
    {Metric::kQuerySample,
     [](const ShownBucket& bucket) { return std::optional(UnixSeconds(bucket.bucket_start)); }},
}};

std::string Head(const MetricDescription& description) {
  std::string head;
  AppendHead(description.name, Name(description.type), description.help,
             ExpositionFormat::kOpenMetrics, head);
  return head;
}

// Of the families here: `query`, and where they have more labels, the filters in their order.
std::string SeriesName(const MetricDescription& description, const Query& query,
                       const std::vector<ExternalLabel>& external) {
  std::string name(description.name);
  name += '{';
  AppendLabel("query", query.name, name);
  if (description.labels.size() > 1) {
    for (const Dimension dimension : kAllDimensions) {
      AppendLabel(LabelName(dimension), query.filters.Label(dimension), name);
    }
  }
  for (const ExternalLabel& each : external) AppendLabel(each.name, each.value, name);
  name.back() = '}';
  return name;
}

WallTime FirstStep(WallTime from, Seconds step) {
  const WallTime floor = FloorTo(from, step);
  return floor == from ? from : floor + step;
}

// A bucket's samples of one series; how many there were.
std::uint64_t AppendBucket(const std::string& series, double value, const TimeRange& shown,
                           Seconds step, std::string& out) {
  std::string start = series + ' ';
  AppendNumber(value, start);
  start += ' ';
  std::uint64_t samples = 0;
  for (WallTime at = FirstStep(shown.from, step); at < shown.to; at += step) {
    out += start;
    out += std::to_string(std::chrono::floor<Seconds>(at).time_since_epoch().count());
    out += '\n';
    ++samples;
  }
  return samples;
}

std::uint64_t WriteSeries(const WrittenMetric& written, const QueryHistory& history,
                          const std::string& series, Seconds step, std::ostream& out) {
  std::uint64_t samples = 0;
  std::string lines;
  for (const ShownBucket& bucket : history.buckets) {
    const std::optional<double> value = written.value(bucket);
    if (!value) continue;
    lines.clear();
    samples += AppendBucket(series, *value, bucket.shown, step, lines);
    out << lines;
  }
  return samples;
}

}  // namespace

bool IsExternalLabelName(const std::string& name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const bool well_formed = !name.empty() && is_letter(name.front()) && !name.starts_with("__") &&
                           std::all_of(name.begin(), name.end(), [&](char c) {
                             return is_letter(c) || (c >= '0' && c <= '9');
                           });
  const auto own = Describe(Metric::kSpoofRatio).labels;
  return well_formed && std::find(own.begin(), own.end(), name) == own.end();
}

HistoryTextSize WriteHistory(const std::vector<QueryHistory>& queries,
                             const std::vector<ExternalLabel>& labels, Seconds step,
                             std::ostream& out) {
  HistoryTextSize size;
  for (const WrittenMetric& written : kWritten) {
    const MetricDescription& description = Describe(written.metric);
    bool has_head = false;
    for (const QueryHistory& history : queries) {
      const bool has_any = std::any_of(
          history.buckets.begin(), history.buckets.end(),
          [&written](const ShownBucket& bucket) { return written.value(bucket).has_value(); });
      if (!has_any) continue;
      if (!std::exchange(has_head, true)) out << Head(description);
      const std::uint64_t samples =
          WriteSeries(written, history, SeriesName(description, history.query, labels), step, out);
      size.samples += samples;
      if (samples > 0) ++size.series;
    }
  }
  out << "# EOF\n";
  return size;
}

}  // namespace radar_spoof
