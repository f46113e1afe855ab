#include "radar_spoof/report/answer_json.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "radar_spoof/parse/json.h"
#include "radar_spoof/report/explanation.h"
#include "radar_spoof/report/terminal.h"
#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

JsonValue Text(std::string_view text) { return {.kind = Kind::kString, .text = std::string(text)}; }
JsonValue Number(double number) {
  return {.kind = Kind::kNumber, .text = fmt::format("{}", number)};
}
JsonValue Number(int number) { return {.kind = Kind::kNumber, .text = fmt::format("{}", number)}; }
JsonValue Number(Ratio ratio) { return Number(ratio.value()); }
JsonValue Boolean(bool value) { return {.kind = Kind::kBool, .boolean = value}; }
JsonValue Time(WallTime time) { return Text(FormatRfc3339(time)); }

template <typename T, typename Write>
JsonValue OrNull(const std::optional<T>& value, Write write) {
  return value ? write(*value) : JsonValue();
}

struct Member {
  std::string_view key;
  JsonValue value;
};

JsonValue Object(std::initializer_list<Member> members) {
  JsonValue object{.kind = Kind::kObject};
  for (const Member& member : members) {
    object.keys.emplace_back(member.key);
    object.items.push_back(member.value);
  }
  return object;
}

void Append(JsonValue& object, std::string_view key, JsonValue value) {
  object.keys.emplace_back(key);
  object.items.push_back(std::move(value));
}

JsonValue QueryJson(const Query& query) {
  JsonValue json = Object({{"name", Text(query.name)}});
  for (const Dimension dimension : kAllDimensions) {
    Append(json, LabelName(dimension), Text(query.filters.Label(dimension)));
  }
  Append(json, "agg_interval", Text(RequestName(query.agg_interval)));
  Append(json, "date_range", Text(query.date_range.Text()));
  Append(json, "control", Boolean(query.control));
  return json;
}

JsonValue BucketTimes(const std::optional<WallTime>& start, Seconds interval) {
  return OrNull(start, [&](WallTime time) {
    return Object({{"start", Time(time)}, {"end", Time(time + interval)}});
  });
}

JsonValue WindowJson(const SpoofSample& sample) {
  return OrNull(sample.window, [&](const WindowStatistics& window) {
    const double deviation = window.standard_deviation;
    const double away = sample.spoof.value() - window.mean;
    return Object({{"mean_ratio", Number(window.mean)},
                   {"stddev_ratio", Number(deviation)},
                   {"deviations", deviation > 0 ? Number(away / deviation) : JsonValue()}});
  });
}

JsonValue AnnotationsJson(const AnsweredQuery& answer) {
  JsonValue list{.kind = Kind::kArray};
  for (const Annotation& each : answer.window.confidence.annotations) {
    const bool concerns = ConcernsNewest(answer.state.query, answer.window, each);
    list.items.push_back(Object({{"event_type", Text(Name(each.type))},
                                 {"start", OrNull(each.start, Time)},
                                 {"end", OrNull(each.end, Time)},
                                 {"concerns_bucket", Boolean(concerns)}}));
  }
  return list;
}

JsonValue BucketsJson(const std::vector<SpoofBucket>& buckets) {
  JsonValue list{.kind = Kind::kArray};
  for (const SpoofBucket& bucket : buckets) {
    list.items.push_back(Object({{"start", OrNull(bucket.start, Time)},
                                 {"spoof_ratio", Number(bucket.spoof)},
                                 {"not_spoof_ratio", Number(bucket.not_spoof)}}));
  }
  return list;
}

JsonValue SeriesJson(const AnsweredQuery& answer) {
  JsonValue list{.kind = Kind::kArray};
  for (const ExplainedSeries& each : Explain(answer)) {
    const JsonValue value =
        each.value.empty() ? JsonValue() : JsonValue{.kind = Kind::kNumber, .text = each.value};
    list.items.push_back(
        Object({{"series", Text(each.series)}, {"value", value}, {"source", Text(each.source)}}));
  }
  return list;
}

std::string ErrorJson(std::string_view reason, std::string_view detail) {
  const JsonValue error = Object({{"reason", Text(reason)}, {"detail", Text(detail)}});
  return WriteJson(Object({{"error", error}})) + '\n';
}

}  // namespace

std::string AnswerJson(const AnsweredQuery& answer, Explained explained) {
  const SpoofSample& sample = *answer.state.sample;
  const Query& query = answer.state.query;
  const auto number = [](auto value) { return Number(value); };
  JsonValue json = Object({
      {"query", QueryJson(query)},
      {"received", Time(answer.received.wall)},
      {"spoof_ratio", Number(sample.spoof)},
      {"not_spoof_ratio", Number(sample.not_spoof)},
      {"bucket", BucketTimes(sample.bucket_start, Length(query.agg_interval))},
      {"window", WindowJson(sample)},
      {"control_ratio", OrNull(sample.control, number)},
      {"confidence_level", OrNull(sample.confidence_level, number)},
      {"annotations", AnnotationsJson(answer)},
      {"last_updated", OrNull(sample.last_updated, Time)},
      {"buckets", BucketsJson(answer.window.buckets)},
  });
  if (explained == Explained::kYes) {
    Append(json, "series", SeriesJson(answer));
    Append(json, "url", Text(answer.url));
  }
  return WriteJson(json) + '\n';
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
