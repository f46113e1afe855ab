#include "radar_spoof/parse/radar_response.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "answer_envelope.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/json.h"
#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

Failure Invalid(std::string detail) { return {FailureReason::kValidation, std::move(detail)}; }

// What `meta` must say for the numbers to be the ones that were asked for.
std::optional<Failure> CheckMeta(const JsonValue& meta, const Query& query) {
  const auto check = [&meta](std::string_view key,
                             std::string_view expected) -> std::optional<Failure> {
    const JsonValue* const value = meta.Find(key);
    if (value != nullptr && value->Is(Kind::kString) && value->text == expected)
      return std::nullopt;
    return Invalid(fmt::format("result.meta.{} is {}; expected {}", key, Shown(value), expected));
  };
  if (auto problem = check("normalization", "PERCENTAGE")) return problem;
  return check("aggInterval", MetaName(query.agg_interval));
}

std::optional<Failure> CheckIsThere(const JsonValue& result, std::string_view name) {
  const JsonValue* const series = result.Find(name);
  if (series != nullptr && series->Is(Kind::kObject)) return std::nullopt;
  Failure missing =
      Invalid(fmt::format("result.{} is {}; expected an object", name, Shown(series)));
  missing.fewer_series = FewerSeries::kHelp;
  return missing;
}

Result<std::vector<SpoofBucket>, Failure> FindSeries(const JsonValue& result,
                                                     std::string_view name) {
  if (auto problem = CheckIsThere(result, name)) return *problem;
  return ReadSeries(*result.Find(name), name);
}

// Everything that decides whether a bucket is complete.
struct Completeness {
  Seconds interval;
  WallTime now;
  std::optional<WallTime> last_updated;
  const std::vector<Annotation>& annotations;

  bool Covers(const SpoofBucket& bucket, bool newest) const {
    const WallTime end = *bucket.start + interval;
    if (end > now || (last_updated && end > *last_updated)) return false;
    return std::none_of(annotations.begin(), annotations.end(), [&](const Annotation& annotation) {
      if (annotation.type != EventType::kPartialProjection) return false;
      // A projection without a beginning can only be of the last bucket.
      return annotation.start ? annotation.Overlaps(*bucket.start, end) : newest;
    });
  }
};

void KeepComplete(std::vector<SpoofBucket>& buckets, const Completeness& complete) {
  if (buckets.empty() || !buckets.front().start) return;
  const WallTime newest = *buckets.back().start;
  std::erase_if(buckets, [&](const SpoofBucket& bucket) {
    return !complete.Covers(bucket, *bucket.start == newest);
  });
}

Failure SumIsOff(const SpoofBucket& bucket, std::string_view name) {
  return Invalid(fmt::format("SPOOF and NOT_SPOOF of {} do not add up to 100{}", name,
                             bucket.start ? " at " + FormatRfc3339(*bucket.start) : ""));
}

Result<std::optional<Ratio>, Failure> ControlOf(const SpoofWindow& window, const Query& query) {
  const SpoofBucket* const same = ControlBucket(query, window);
  if (same == nullptr) return std::optional<Ratio>();
  if (!same->adds_up) return SumIsOff(*same, "the control period");
  return std::optional(same->spoof);
}

AnnotationCounts CountAnnotations(const Query& query, const SpoofWindow& window) {
  AnnotationCounts counts{};
  for (const Annotation& annotation : window.confidence.annotations) {
    if (!ConcernsNewest(query, window, annotation)) continue;
    ++counts[static_cast<std::size_t>(annotation.type)];
  }
  return counts;
}

// What is common to all series of an answer.
struct Common {
  Confidence confidence;
  std::optional<WallTime> last_updated;
};

Result<Common, Failure> ReadCommon(const JsonValue& result, const Query& query) {
  const JsonValue* const meta = result.Find("meta");
  if (meta == nullptr || !meta->Is(Kind::kObject)) {
    return Invalid(fmt::format("result.meta is {}; expected an object", Shown(meta)));
  }
  if (auto problem = CheckMeta(*meta, query)) return *problem;
  Common common{ReadConfidence(*meta), std::nullopt};
  const JsonValue* const updated = meta->Find("lastUpdated");
  if (updated != nullptr && updated->Is(Kind::kString)) {
    common.last_updated = ParseRfc3339(updated->text);
  }
  return common;
}

Result<SpoofWindow, Failure> ReadQuery(const Query& query, const SeriesNames& names,
                                       const JsonValue& result, const Common& common,
                                       WallTime now) {
  const Completeness complete{Length(query.agg_interval), now, common.last_updated,
                              common.confidence.annotations};
  auto read = FindSeries(result, names.own);
  if (!read) return read.error();
  SpoofWindow window{.buckets = std::move(read).value(),
                     .control = {},
                     .confidence = common.confidence,
                     .last_updated = common.last_updated};
  KeepComplete(window.buckets, complete);
  for (const SpoofBucket& bucket : window.buckets) {
    if (!bucket.adds_up) return SumIsOff(bucket, "result." + names.own);
  }
  if (window.buckets.empty())
    return Failure(FailureReason::kEmpty, "no complete bucket in result." + names.own);
  if (query.control) {
    auto control = FindSeries(result, names.control);
    if (!control) return control.error();
    window.control = std::move(control).value();
    KeepComplete(window.control, complete);
  }
  return window;
}

// One value per interval up to the newest bucket, NaN where the window has none.
std::vector<float> TrendOf(const std::vector<SpoofBucket>& buckets, Seconds interval) {
  const auto places_back = [&](const SpoofBucket& bucket) -> std::size_t {
    if (!bucket.start) return static_cast<std::size_t>(&buckets.back() - &bucket);
    return static_cast<std::size_t>((*buckets.back().start - *bucket.start) / interval);
  };
  const std::size_t length = std::min(places_back(buckets.front()) + 1, kTrendLength);
  std::vector<float> trend(length, std::numeric_limits<float>::quiet_NaN());
  for (const SpoofBucket& bucket : buckets) {
    const std::size_t back = places_back(bucket);
    if (back < length) trend[length - 1 - back] = static_cast<float>(bucket.spoof.value());
  }
  return trend;
}

}  // namespace

Result<SpoofWindow, Failure> ReadWindow(const Query& query, const HttpResponse& response,
                                        WallTime now) {
  const auto answer = ReadResult(response);
  if (!answer) return answer.error();
  const JsonValue& result = answer.value().root;
  const auto common = ReadCommon(result, query);
  if (!common) return common.error();
  return ReadQuery(query, {"serie_0", "serie_1"}, result, common.value(), now);
}

Result<SpoofSample, Failure> SampleOf(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const Seconds interval = Length(query.agg_interval);
  auto control = ControlOf(window, query);
  if (!control) return control.error();
  return SpoofSample{
      .spoof = newest.spoof,
      .not_spoof = newest.not_spoof,
      .bucket_start = newest.start,
      .window = StatisticsOf(std::span(window.buckets).first(window.buckets.size() - 1)),
      .control = control.value(),
      .confidence_level = window.confidence.level,
      .annotations = CountAnnotations(query, window),
      .last_updated = window.last_updated,
      .trend = TrendOf(window.buckets, interval)};
}

const SpoofBucket* ControlBucket(const Query& query, const SpoofWindow& window) {
  if (window.control.empty()) return nullptr;
  const SpoofBucket& newest = window.buckets.back();
  const SpoofBucket& newest_control = window.control.back();
  if (!newest.start || !newest_control.start) {
    return newest.start.has_value() == newest_control.start.has_value() ? &newest_control : nullptr;
  }
  const WallTime wanted = *newest.start - query.date_range.ControlShift();
  const auto found =
      std::find_if(window.control.begin(), window.control.end(),
                   [&](const SpoofBucket& bucket) { return bucket.start == wanted; });
  return found == window.control.end() ? nullptr : &*found;
}

bool ConcernsNewest(const Query& query, const SpoofWindow& window, const Annotation& annotation) {
  const auto start = window.buckets.back().start;
  return !start || annotation.Overlaps(*start, *start + Length(query.agg_interval));
}

Result<std::vector<Result<SpoofSample, Failure>>, Failure> ReadAnswers(
    std::span<const Query* const> queries, const HttpResponse& response, WallTime now) {
  const auto answer = ReadResult(response);
  if (!answer) return answer.error();
  const JsonValue& result = answer.value().root;
  const auto common = ReadCommon(result, *queries.front());
  if (!common) return common.error();
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const SeriesNames names = SharedSeriesNames(place);
    if (auto problem = CheckIsThere(result, names.own)) return *problem;
    if (!queries[place]->control) continue;
    if (auto problem = CheckIsThere(result, names.control)) return *problem;
  }
  std::vector<Result<SpoofSample, Failure>> outcomes;
  outcomes.reserve(queries.size());
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const Query& query = *queries[place];
    const auto window = ReadQuery(query, SharedSeriesNames(place), result, common.value(), now);
    if (window) {
      outcomes.push_back(SampleOf(query, window.value()));
    } else {
      outcomes.emplace_back(window.error());
    }
  }
  return outcomes;
}

}  // namespace radar_spoof
