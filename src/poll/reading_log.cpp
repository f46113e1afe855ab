#include "reading_log.h"

#include <string>
#include <vector>

namespace radar_spoof {
namespace {

std::string NamesOf(const AnnotationCounts& annotations) {
  std::string names;
  for (const EventType type : kAllEventTypes) {
    if (annotations[static_cast<std::size_t>(type)] == 0) continue;
    if (!names.empty()) names += ',';
    names += Name(type);
  }
  return names;
}

void AddQuery(const Query& query, std::vector<LogField>& fields) {
  fields.emplace_back("query", query.name);
  for (const Dimension dimension : kAllDimensions) {
    fields.emplace_back(LabelName(dimension), query.filters.Label(dimension));
  }
  fields.emplace_back("agg_interval", RequestName(query.agg_interval));
}

// Named as the metrics are, and left out where they are absent.
void AddNumbers(const SpoofSample& sample, std::vector<LogField>& fields) {
  fields.emplace_back("spoof_ratio", sample.spoof.value());
  fields.emplace_back("not_spoof_ratio", sample.not_spoof.value());
  if (const auto& expectation = sample.expectation) {
    fields.emplace_back("expected_ratio", expectation->ratio);
    fields.emplace_back("expected_upper_ratio", expectation->upper);
    fields.emplace_back("buckets_above", expectation->buckets_above);
  }
  if (sample.confidence_level) fields.emplace_back("confidence_level", *sample.confidence_level);
  const std::string annotations = NamesOf(sample.annotations);
  if (!annotations.empty()) fields.emplace_back("annotations", annotations);
}

}  // namespace

void LogReading(QueryState& state, const PollingConfig& polling, Instant now, Log& log) {
  const auto& bucket = state.sample->bucket_start;
  if (!bucket || bucket <= state.logged || !IsFresh(state, polling, now)) return;
  std::vector<LogField> fields;
  AddQuery(state.query, fields);
  fields.emplace_back("bucket", FormatRfc3339(*bucket));
  AddNumbers(*state.sample, fields);
  // A prefix of their own, as the configuration may call one "level" or "bucket".
  for (const StaticLabel& label : state.query.alert.labels) {
    fields.emplace_back("label_" + label.name, label.value);
  }
  state.logged = bucket;
  log.Info("reading", fields);
}

}  // namespace radar_spoof
