#include "answer_json.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "explanation.h"
#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/core/json_text.h"
#include "radar_spoof/core/rfc3339.h"
#include "radar_spoof/core/url_host.h"

namespace radar_spoof {
namespace {

JsonText Number(Ratio ratio) { return JsonNumber(ratio.value()); }
JsonText Level(int level) { return JsonNumber(std::int64_t{level}); }
JsonText Time(WallTime time) { return JsonString(FormatRfc3339(time)); }

template <typename T, typename Write>
JsonText OrNull(const std::optional<T>& value, Write write) {
  return value ? write(*value) : JsonText();
}

struct Member {
  std::string_view key;
  JsonText value;
};

JsonText Object(std::initializer_list<Member> members) {
  JsonObject object;
  for (const auto& [key, value] : members) object.Add(key, value);
  return object.Text();
}

JsonText QueryJson(const Query& query) {
  JsonObject json;
  json.Add("name", JsonString(query.name));
  for (const Dimension dimension : kAllDimensions) {
    json.Add(LabelName(dimension), JsonString(query.filters.Label(dimension)));
  }
  json.Add("agg_interval", JsonString(RequestName(query.agg_interval)));
  json.Add("date_range", JsonString(query.date_range.Text()));
  json.Add("control", JsonBool(query.control));
  return json.Text();
}

JsonText BucketTimes(const std::optional<WallTime>& start, Seconds interval) {
  return OrNull(start, [&](WallTime time) {
    return Object({{"start", Time(time)}, {"end", Time(time + interval)}});
  });
}

JsonText WindowJson(const SpoofSample& sample) {
  return OrNull(sample.window, [&](const WindowStatistics& window) {
    const double deviation = window.standard_deviation;
    const double away = sample.spoof.value() - window.mean;
    return Object({{"mean_ratio", JsonNumber(window.mean)},
                   {"stddev_ratio", JsonNumber(deviation)},
                   {"deviations", deviation > 0 ? JsonNumber(away / deviation) : JsonText()}});
  });
}

JsonText ExpectedJson(const SpoofSample& sample) {
  return OrNull(sample.expectation, [](const Expectation& expectation) {
    return Object({{"ratio", JsonNumber(expectation.ratio)},
                   {"upper_ratio", JsonNumber(expectation.upper)},
                   {"buckets_above", JsonNumber(std::int64_t{expectation.buckets_above})}});
  });
}

JsonText AnnotationsJson(const AnsweredQuery& answer) {
  JsonArray list;
  for (const Annotation& each : answer.window.confidence.annotations) {
    const bool concerns = ConcernsNewest(answer.state.query, answer.window, each);
    list.Add(Object({{"event_type", JsonString(Name(each.type))},
                     {"start", OrNull(each.start, Time)},
                     {"end", OrNull(each.end, Time)},
                     {"concerns_bucket", JsonBool(concerns)}}));
  }
  return list.Text();
}

JsonText BucketsJson(const std::vector<SpoofBucket>& buckets) {
  JsonArray list;
  for (const SpoofBucket& bucket : buckets) {
    list.Add(Object({{"start", OrNull(bucket.start, Time)},
                     {"spoof_ratio", Number(bucket.spoof)},
                     {"not_spoof_ratio", Number(bucket.not_spoof)}}));
  }
  return list.Text();
}

JsonText SeriesJson(const AnsweredQuery& answer) {
  JsonArray list;
  for (const ExplainedSeries& each : Explain(answer)) {
    const JsonText value = each.value.empty() ? JsonText() : JsonText{each.value};
    list.Add(Object({{"series", JsonString(each.series)},
                     {"value", value},
                     {"source", JsonString(each.source)}}));
  }
  return list.Text();
}

std::string ErrorJson(std::string_view reason, std::string_view detail) {
  const JsonText error = Object({{"reason", JsonString(reason)}, {"detail", JsonString(detail)}});
  return Object({{"error", error}}).text + '\n';
}

}  // namespace

std::string AnswerJson(const AnsweredQuery& answer, Explained explained) {
  const SpoofSample& sample = *answer.state.sample;
  const Query& query = answer.state.query;
  JsonObject json;
  json.Add("query", QueryJson(query));
  json.Add("host", JsonString(HostAndPort(answer.url)));
  json.Add("received", Time(answer.received.wall));
  json.Add("spoof_ratio", Number(sample.spoof));
  json.Add("not_spoof_ratio", Number(sample.not_spoof));
  json.Add("bucket", BucketTimes(sample.bucket_start, Length(query.agg_interval)));
  json.Add("window", WindowJson(sample));
  json.Add("expected", ExpectedJson(sample));
  json.Add("control_ratio", OrNull(sample.control, Number));
  json.Add("confidence_level", OrNull(sample.confidence_level, Level));
  json.Add("annotations", AnnotationsJson(answer));
  json.Add("last_updated", OrNull(sample.last_updated, Time));
  json.Add("buckets", BucketsJson(answer.window.buckets));
  if (explained == Explained::kYes) {
    json.Add("series", SeriesJson(answer));
    json.Add("url", JsonString(answer.url));
  }
  return json.Text().text + '\n';
}

std::string FailureJson(const Failure& failure) {
  return ErrorJson(Name(failure.reason), failure.detail);
}

std::string UnusableJson(std::string_view detail) {
  std::string harmless;
  for (;;) {
    const std::size_t end = std::min(detail.find('\n'), detail.size());
    harmless += Harmless(detail.substr(0, end), {.unicode = true});
    if (end == detail.size()) return ErrorJson("unusable", harmless);
    harmless += '\n';
    detail.remove_prefix(end + 1);
  }
}

}  // namespace radar_spoof
