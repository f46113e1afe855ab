#include "shown_history.h"

#include <algorithm>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/page/exposition.h"

namespace radar_spoof {
namespace {

using History = std::span<const SpoofBucket>;

// The first bucket that starts at `start` or later.
History::iterator FirstFrom(History history, WallTime start) {
  return std::lower_bound(
      history.begin(), history.end(), start,
      [](const SpoofBucket& bucket, WallTime time) { return *bucket.start < time; });
}

// Up to and with `bucket`, as the poller's answer held them: dateRange back from the bucket's end,
// whole buckets.
History WindowUpTo(const Query& query, History history, History::iterator bucket) {
  const Seconds interval = Length(query.agg_interval);
  const auto first =
      FirstFrom(history, FloorTo(*bucket->start + interval - query.date_range.Length(), interval));
  return History(std::min(first, bucket), bucket + 1);
}

std::optional<Ratio> ControlOf(const Query& query, History history, WallTime start) {
  if (!query.control) return std::nullopt;
  const WallTime earlier = start - query.date_range.ControlShift();
  const auto found = FirstFrom(history, earlier);
  if (found == history.end() || *found->start != earlier) return std::nullopt;
  return found->spoof;
}

using Value = std::optional<double>;

template <typename T, typename Projection>
Value Projected(const std::optional<T>& from, Projection projection) {
  return from ? Value(std::invoke(projection, *from)) : std::nullopt;
}

struct WrittenMetric {
  Metric metric;
  Value (*value)(const ShownBucket& bucket);  // nullopt: not there while this bucket is shown
};

constexpr WrittenMetric kWritten[] = {
    {Metric::kSpoofRatio, [](const ShownBucket& b) -> Value { return b.spoof.value(); }},
    {Metric::kNotSpoofRatio, [](const ShownBucket& b) -> Value { return b.not_spoof.value(); }},
    {Metric::kSpoofWindowMeanRatio,
     [](const ShownBucket& b) { return Projected(b.window, &WindowStatistics::mean); }},
    {Metric::kSpoofWindowStddevRatio,
     [](const ShownBucket& b) {
       return Projected(b.window, &WindowStatistics::standard_deviation);
     }},
    {Metric::kSpoofControlRatio,
     [](const ShownBucket& b) { return Projected(b.control, &Ratio::value); }},
    {Metric::kSpoofExpectedRatio,
     [](const ShownBucket& b) { return Projected(b.expectation, &Expectation::ratio); }},
    {Metric::kSpoofExpectedUpperRatio,
     [](const ShownBucket& b) { return Projected(b.expectation, &Expectation::upper); }},
    {Metric::kSpoofBucketsAbove,
     [](const ShownBucket& b) { return Projected(b.expectation, &Expectation::buckets_above); }},
    {Metric::kQuerySample,
     [](const ShownBucket& b) -> Value { return UnixSeconds(b.bucket_start); }},
};

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

// How many samples there were; nullopt: stopped.
std::optional<std::uint64_t> WriteSeries(const WrittenMetric& written, const QueryHistory& history,
                                         const std::string& series, Seconds step,
                                         const std::function<bool()>& stopped, std::ostream& out) {
  std::uint64_t samples = 0;
  for (const ShownBucket& bucket : history.buckets) {
    if (stopped()) return std::nullopt;
    const std::optional<double> value = written.value(bucket);
    if (!value) continue;
    std::string start = series + ' ';
    AppendNumber(*value, start);
    for (WallTime at = CeilTo(bucket.shown.from, step); at < bucket.shown.to; at += step) {
      out << start << ' ' << std::chrono::floor<Seconds>(at).time_since_epoch().count() << '\n';
      ++samples;
    }
  }
  return samples;
}

}  // namespace

std::vector<ShownBucket> ShownHistory(const Query& query, History history, const TimeRange& range,
                                      Seconds max_data_age, WallTime end) {
  const Seconds interval = Length(query.agg_interval);
  std::vector<ShownBucket> shown;
  for (auto bucket = FirstFrom(history, range.from); bucket != history.end(); ++bucket) {
    const WallTime bucket_end = *bucket->start + interval;
    if (bucket_end > range.to) break;
    const auto next = std::next(bucket);
    const WallTime next_end = (next == history.end() ? range.to : *next->start) + interval;
    const TimeRange when{bucket_end + kAssumedLag,
                         std::min({next_end + kAssumedLag, bucket_end + max_data_age, end})};
    if (when.from >= when.to) continue;
    const History window = WindowUpTo(query, history, bucket);
    shown.push_back(
        {.shown = when,
         .bucket_start = *bucket->start,
         .spoof = bucket->spoof,
         .not_spoof = bucket->not_spoof,
         .window = StatisticsOf(window.first(window.size() - 1)),
         .control = ControlOf(query, history, *bucket->start),
         .expectation = ExpectationOf(window, query.agg_interval, query.alert.expected)});
  }
  return shown;
}

bool IsExternalLabelName(const std::string& name) {
  const auto own = Describe(Metric::kSpoofRatio).labels;
  return IsIdentifier(name) && !name.starts_with("__") && std::ranges::find(own, name) == own.end();
}

std::optional<HistoryTextSize> WriteHistory(const std::vector<QueryHistory>& queries,
                                            const std::vector<ExternalLabel>& labels, Seconds step,
                                            const std::function<bool()>& stopped,
                                            std::ostream& out) {
  HistoryTextSize size;
  for (const WrittenMetric& written : kWritten) {
    const MetricDescription& description = Describe(written.metric);
    bool has_head = false;
    for (const QueryHistory& history : queries) {
      const bool has_any = std::ranges::any_of(
          history.buckets,
          [&written](const ShownBucket& bucket) { return written.value(bucket).has_value(); });
      if (!has_any) continue;
      if (!std::exchange(has_head, true)) {
        std::string head;
        AppendHead(description.name, Name(description.type), description.help,
                   ExpositionFormat::kOpenMetrics, head);
        out << head;
      }
      const auto samples = WriteSeries(
          written, history, SeriesName(description, history.query, labels), step, stopped, out);
      if (!samples) return std::nullopt;
      size.samples += *samples;
      if (*samples > 0) ++size.series;
    }
  }
  out << "# EOF\n";
  return size;
}

}  // namespace radar_spoof
