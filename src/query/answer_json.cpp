#include "answer_json.h"

#include "explanation.h"
#include "radar_spoof/core/json_writer.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

void WriteQuery(JsonWriter& json, const Query& query) {
  json.Object([&] {
    json.Member("name", query.name);
    for (const Dimension dimension : kAllDimensions) {
      json.Member(LabelName(dimension), query.filters.Label(dimension));
    }
    json.Member("agg_interval", RequestName(query.agg_interval));
    json.Member("date_range", query.date_range.Text());
    json.Member("control", query.control);
  });
}

void WriteBucketTimes(JsonWriter& json, const QueryState& state) {
  const auto end = state.BucketEnd();
  if (!end) return json.Null();
  json.Object([&] {
    json.Member("start", *state.sample->bucket_start);
    json.Member("end", *end);
  });
}

void WriteWindow(JsonWriter& json, const SpoofSample& sample) {
  if (!sample.window) return json.Null();
  const double deviation = sample.window->standard_deviation;
  const double away = sample.spoof.value() - sample.window->mean;
  json.Object([&] {
    json.Member("mean_ratio", sample.window->mean);
    json.Member("stddev_ratio", deviation);
    json.Member("deviations", deviation > 0 ? std::optional(away / deviation) : std::nullopt);
  });
}

void WriteExpected(JsonWriter& json, const std::optional<Expectation>& expectation) {
  if (!expectation) return json.Null();
  json.Object([&] {
    json.Member("ratio", expectation->ratio);
    json.Member("upper_ratio", expectation->upper);
    json.Member("buckets_above", expectation->buckets_above);
  });
}

void WriteAnnotations(JsonWriter& json, const AnsweredQuery& answer) {
  json.Array([&] {
    for (const Annotation& each : answer.window.confidence.annotations) {
      json.Object([&] {
        json.Member("event_type", Name(each.type));
        json.Member("start", each.start);
        json.Member("end", each.end);
        json.Member("concerns_bucket", ConcernsNewest(answer.state.query, answer.window, each));
      });
    }
  });
}

void WriteBuckets(JsonWriter& json, const std::vector<SpoofBucket>& buckets) {
  json.Array([&] {
    for (const SpoofBucket& bucket : buckets) {
      json.Object([&] {
        json.Member("start", bucket.start);
        json.Member("spoof_ratio", bucket.spoof.value());
        json.Member("not_spoof_ratio", bucket.not_spoof.value());
      });
    }
  });
}

void WriteSeries(JsonWriter& json, const AnsweredQuery& answer) {
  json.Array([&] {
    for (const ExplainedSeries& each : Explain(answer)) {
      json.Object([&] {
        json.Member("series", each.series);
        json.Key("value");
        each.value.empty() ? json.Null() : json.Number(each.value);
        json.Member("source", each.source);
      });
    }
  });
}

}  // namespace

std::string AnswerJson(const AnsweredQuery& answer, Explained explained) {
  const SpoofSample& sample = *answer.state.sample;
  const Query& query = answer.state.query;
  JsonWriter json;
  json.Object([&] {
    json.Key("query");
    WriteQuery(json, query);
    json.Member("host", HostAndPort(answer.url));
    json.Member("received", answer.received.wall);
    json.Member("spoof_ratio", sample.spoof.value());
    json.Member("not_spoof_ratio", sample.not_spoof.value());
    json.Key("bucket");
    WriteBucketTimes(json, answer.state);
    json.Key("window");
    WriteWindow(json, sample);
    json.Key("expected");
    WriteExpected(json, sample.expectation);
    json.Member("control_ratio",
                sample.control ? std::optional(sample.control->value()) : std::nullopt);
    json.Member("confidence_level", sample.confidence_level);
    json.Key("annotations");
    WriteAnnotations(json, answer);
    json.Member("last_updated", sample.last_updated);
    json.Key("buckets");
    WriteBuckets(json, answer.window.buckets);
    if (explained == Explained::kYes) {
      json.Key("series");
      WriteSeries(json, answer);
      json.Member("url", answer.url);
    }
  });
  return json.Text() + '\n';
}

}  // namespace radar_spoof
