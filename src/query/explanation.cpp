#include "explanation.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/page/query_table.h"

namespace radar_spoof {
namespace {

// "0-2,4": rising numbers, runs of them joined.
std::string Places(std::vector<std::size_t> positions) {
  std::ranges::sort(positions);
  std::string text;
  for (std::size_t i = 0; i < positions.size();) {
    std::size_t last = i;
    while (last + 1 < positions.size() && positions[last + 1] == positions[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", positions[i])
                      : fmt::format("{}-{}", positions[i], positions[last]);
    i = last + 1;
  }
  return text;
}

std::string BeforeLatest(const SpoofWindow& window) {
  std::vector<std::size_t> positions;
  for (const SpoofBucket& bucket : std::span(window.buckets).first(window.buckets.size() - 1)) {
    positions.push_back(bucket.position);
  }
  return Places(std::move(positions));
}

std::string AnnotationsOf(EventType type, const AnsweredQuery& answer) {
  std::vector<std::size_t> positions;
  // Values that are too old are not shown, and their annotations are not counted.
  if (!IsFresh(answer.state, answer.polling, answer.received)) return "";
  for (const Annotation& annotation : answer.window.confidence.annotations) {
    const bool counts =
        annotation.type == type && ConcernsNewest(answer.state.query, answer.window, annotation);
    if (counts) positions.push_back(annotation.position);
  }
  return Places(std::move(positions));
}

// The catalogue calls the series as one is called that was asked for without a name.
std::string SourceOf(Metric metric, const SeriesNames& names) {
  std::string source(Describe(metric).source);
  for (const auto& [place, name] :
       {std::pair("serie_0", names.own), std::pair("serie_1", names.control)}) {
    const std::string_view unnamed = place;
    const std::size_t at = source.find(unnamed);
    if (at != std::string::npos) source.replace(at, unnamed.size(), name);
  }
  return source;
}

// The source of a metric's series number `index`, with its place in the answer.
std::string SourceOf(Metric metric, std::size_t index, const AnsweredQuery& answer) {
  const std::string source = SourceOf(metric, answer.names);
  const SpoofBucket& newest = answer.window.buckets.back();
  const std::string latest = fmt::format("{}[{}]", source, newest.position);
  const std::string before = fmt::format("{}[{}]", source, BeforeLatest(answer.window));
  if (metric == Metric::kSpoofRatio || metric == Metric::kNotSpoofRatio) return latest + " / 100";
  if (metric == Metric::kSpoofWindowMeanRatio) return "mean of " + before + " / 100";
  if (metric == Metric::kSpoofWindowStddevRatio) {
    return "sample standard deviation of " + before + " / 100";
  }
  if (metric == Metric::kSpoofExpectedRatio || metric == Metric::kSpoofExpectedUpperRatio) {
    return "what " + before + " / 100 lead to expect";
  }
  if (metric == Metric::kSpoofBucketsAbove) {
    return "how many of " + latest + " in a row are far above, after " + before;
  }
  if (metric == Metric::kSpoofControlRatio) {
    const SpoofBucket* const control = ControlBucket(answer.state.query, answer.window);
    if (control != nullptr) return fmt::format("{}[{}] / 100", source, control->position);
  }
  if (metric == Metric::kQuerySample && answer.window.placed_by_range) {
    return fmt::format("result.meta.dateRange, whose interval [{}] it is, as Unix time",
                       newest.position);
  }
  if (metric == Metric::kQuerySample && newest.start) return latest + " as Unix time";
  if (metric == Metric::kQueryLastUpdated) return source + " as Unix time";
  if (metric == Metric::kQueryAnnotations) {
    const std::string places = AnnotationsOf(kAllEventTypes.at(index), answer);
    return places.empty() ? fmt::format("none of {}", source)
                          : fmt::format("count of {}[{}]", source, places);
  }
  return source.empty() ? "the exporter itself" : source;
}

}  // namespace

std::vector<ExplainedSeries> Explain(const AnsweredQuery& answer) {
  Snapshot snapshot;
  snapshot.queries = {answer.state};
  snapshot.polling = answer.polling;
  const QueryTable table(snapshot, answer.received);
  std::vector<ExplainedSeries> explained;
  for (const MetricDescription& metric : MetricCatalog().first(kQueryFamilies)) {
    std::string text;
    // Of one query there is one block a family.
    table.AppendBlock(static_cast<std::size_t>(metric.metric), ExpositionFormat::kText, text);
    std::istringstream lines(text);
    std::size_t index = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      const std::size_t space = line.rfind(' ');
      explained.push_back({line.substr(0, space), line.substr(space + 1),
                           SourceOf(metric.metric, index++, answer)});
    }
    if (index == 0) {
      explained.push_back({std::string(metric.name), "", SourceOf(metric.metric, 0, answer)});
    }
  }
  return explained;
}

}  // namespace radar_spoof
