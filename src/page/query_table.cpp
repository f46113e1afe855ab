#include "radar_spoof/page/query_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace radar_spoof {
namespace {

// An estimate; what of it is not used is never touched.
constexpr std::size_t kBytesPerQuery = 4096;
constexpr double kNoSeries = std::numeric_limits<double>::quiet_NaN();

std::size_t RowsPerQuery(Metric metric) {
  return metric == Metric::kQueryAnnotations ? kEventTypeCount : 1;
}

double Number(std::optional<WallTime> time) { return time ? UnixSeconds(*time) : kNoSeries; }

}  // namespace

QueryTable::QueryTable(const Snapshot& snapshot, Instant now)
    : queries_(snapshot.queries.size()),
      blocks_per_family_((queries_ + kQueriesPerBlock - 1) / kQueriesPerBlock) {
  label_ends_.reserve(queries_);
  for (std::size_t family = 0; family < kQueryFamilies; ++family) {
    numbers_[family].assign(queries_ * RowsPerQuery(static_cast<Metric>(family)), kNoSeries);
  }
  for (std::size_t query = 0; query < queries_; ++query) {
    AddLabels(snapshot.queries[query].query);
    SetNumbers(snapshot.queries[query], snapshot.polling, now, query);
  }
  for (std::size_t family = 0; family < kQueryFamilies; ++family) {
    has_series_[family] =
        std::ranges::any_of(numbers_[family], [](double number) { return !std::isnan(number); });
  }
}

void QueryTable::AddLabels(const Query& query) {
  const auto names = Describe(Metric::kQueryInfo).labels;
  LabelEnds ends{};
  AppendLabel(names[0], query.name, labels_);
  ends.name = labels_.size();
  for (const Dimension dimension : kAllDimensions) {
    AppendLabel(names[1 + static_cast<std::size_t>(dimension)], query.filters.Label(dimension),
                labels_);
  }
  ends.identity = labels_.size();
  AppendLabel(names[1 + kDimensionCount], RequestName(query.agg_interval), labels_);
  AppendLabel(names[2 + kDimensionCount], query.date_range.Text(), labels_);
  AppendLabel(names[3 + kDimensionCount], "ratio", labels_);
  ends.info = labels_.size();
  AppendLabel(Describe(Metric::kQueryAlertInfo).labels[1], Name(query.alert.severity), labels_);
  for (const StaticLabel& label : query.alert.labels) AppendLabel(label.name, label.value, labels_);
  ends.alert = labels_.size();
  label_ends_.push_back(ends);
}

void QueryTable::Set(Metric metric, std::size_t query, double value) {
  numbers_[static_cast<std::size_t>(metric)][query] = value;
}

void QueryTable::SetNumbers(const QueryState& state, const PollingConfig& polling, Instant now,
                            std::size_t query) {
  const bool fresh = IsFresh(state, polling, now);
  if (fresh) SetSample(*state.sample, query);
  double* const annotations =
      &numbers_[static_cast<std::size_t>(Metric::kQueryAnnotations)][query * kEventTypeCount];
  for (std::size_t type = 0; type < kEventTypeCount; ++type) {
    annotations[type] = fresh ? state.sample->annotations[type] : 0;
  }
  Set(Metric::kQueryInfo, query, 1);
  Set(Metric::kQueryAlertInfo, query, 1);
  Set(Metric::kQuerySuccess, query, state.success() ? 1 : 0);
  Set(Metric::kQueryLastSuccess, query,
      UnixSeconds(state.last_success ? state.last_success->wall : WallTime()));
  if (state.sample) Set(Metric::kQueryLastUpdated, query, Number(state.sample->last_updated));
  Set(Metric::kQueryNextPoll, query, Number(state.next_poll));
  Set(Metric::kQueryPollInterval, query, static_cast<double>(state.query.poll_interval.count()));
  Set(Metric::kQueryAggregationInterval, query,
      static_cast<double>(Length(state.query.agg_interval).count()));
  Set(Metric::kQueryPolls, query, static_cast<double>(state.polls));
  Set(Metric::kQueryFailures, query, static_cast<double>(state.failures));
}

void QueryTable::SetSample(const SpoofSample& sample, std::size_t query) {
  Set(Metric::kSpoofRatio, query, sample.spoof.value());
  Set(Metric::kNotSpoofRatio, query, sample.not_spoof.value());
  if (sample.window) {
    Set(Metric::kSpoofWindowMeanRatio, query, sample.window->mean);
    Set(Metric::kSpoofWindowStddevRatio, query, sample.window->standard_deviation);
  }
  if (sample.control) Set(Metric::kSpoofControlRatio, query, sample.control->value());
  if (sample.expectation) {
    Set(Metric::kSpoofExpectedRatio, query, sample.expectation->ratio);
    Set(Metric::kSpoofExpectedUpperRatio, query, sample.expectation->upper);
    Set(Metric::kSpoofBucketsAbove, query, sample.expectation->buckets_above);
  }
  Set(Metric::kQuerySample, query, Number(sample.bucket_start));
  if (sample.confidence_level) Set(Metric::kQueryConfidenceLevel, query, *sample.confidence_level);
}

QueryTable::Rows QueryTable::RowsOf(std::size_t block) const {
  const std::size_t first = block % blocks_per_family_ * kQueriesPerBlock;
  const std::size_t last = std::min(first + kQueriesPerBlock, queries_);
  const std::size_t rows = RowsPerQuery(static_cast<Metric>(block / blocks_per_family_));
  return {first * rows, last * rows};
}

void QueryTable::AppendLabels(const MetricDescription& description, std::size_t query,
                              std::string& out) const {
  const std::size_t begin = query == 0 ? 0 : label_ends_[query - 1].alert;
  const LabelEnds& ends = label_ends_[query];
  const bool has_filters = description.labels.size() == 1 + kDimensionCount;
  const std::size_t end = description.metric == Metric::kQueryInfo
                              ? ends.info
                              : (has_filters ? ends.identity : ends.name);
  out.append(labels_, begin, end - begin);
  if (description.metric == Metric::kQueryAlertInfo) {
    out.append(labels_, ends.info, ends.alert - ends.info);
  }
}

bool QueryTable::HasHead(std::size_t block) const {
  return block % blocks_per_family_ == 0 && has_series_[block / blocks_per_family_];
}

void QueryTable::AppendBlock(std::size_t block, ExpositionFormat format, std::string& out) const {
  const std::size_t family = block / blocks_per_family_;
  const auto metric = static_cast<Metric>(family);
  const MetricDescription& description = Describe(metric);
  if (HasHead(block)) {
    AppendHead(description.name, Name(description.type), description.help, format, out);
  }
  const Rows rows = RowsOf(block);
  const std::size_t per_query = RowsPerQuery(metric);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const double number = numbers_[family][row];
    if (std::isnan(number)) continue;
    out += description.name;
    out += '{';
    AppendLabels(description, row / per_query, out);
    if (per_query > 1) {
      AppendLabel(description.labels[1], Name(static_cast<EventType>(row % per_query)), out);
    }
    out.back() = '}';
    out += ' ';
    AppendNumber(number, out);
    out += '\n';
  }
}

std::string QueryTable::Text(ExpositionFormat format) const {
  std::string text;
  text.reserve(queries_ * kBytesPerQuery);
  for (std::size_t block = 0; block < blocks(); ++block) AppendBlock(block, format, text);
  return text;
}

bool QueryTable::SameQueriesAs(const QueryTable& other) const {
  return labels_ == other.labels_ && label_ends_ == other.label_ends_;
}

bool QueryTable::SameBlockAs(const QueryTable& other, std::size_t block) const {
  if (HasHead(block) != other.HasHead(block)) return false;
  const std::size_t family = block / blocks_per_family_;
  const auto [begin, end] = RowsOf(block);
  // By their bits, as NaN is not equal to itself.
  return std::memcmp(&numbers_[family][begin], &other.numbers_[family][begin],
                     (end - begin) * sizeof(double)) == 0;
}

}  // namespace radar_spoof
