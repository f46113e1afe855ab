#include "radar_spoof/parse/radar_response.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "answer_envelope.h"
#include "answer_meta.h"
#include "radar_spoof/core/rfc3339.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/json.h"
#include "series_window.h"

namespace radar_spoof {
namespace {

AnnotationCounts CountAnnotations(const Query& query, const SpoofWindow& window) {
  AnnotationCounts counts{};
  for (const Annotation& annotation : window.confidence.annotations) {
    if (!ConcernsNewest(query, window, annotation)) continue;
    ++counts[static_cast<std::size_t>(annotation.type)];
  }
  return counts;
}

Failure Empty(const std::string& name, const SeriesWindow& read, WallTime last_updated) {
  const auto counted = [](std::size_t count) {
    return fmt::format("{} bucket{}", count, count == 1 ? "" : "s");
  };
  return {
      FailureReason::kEmpty,
      read.complete == 0
          ? fmt::format("no complete bucket in result.{}: it has {}, and lastUpdated is {}; ask "
                        "for a longer range",
                        name, counted(read.count), FormatRfc3339(last_updated))
          : fmt::format("no mail in result.{}: its {} up to lastUpdated, {}, hold none; ask for "
                        "a longer range, a coarser interval or fewer filters",
                        name, counted(read.complete), FormatRfc3339(last_updated))};
}

// `place`: of the query's own series among those of the request; its control period's is the next.
Result<SpoofWindow, Failure> ReadQuery(const Query& query, const SeriesNames& names,
                                       std::size_t place, const JsonValue& result,
                                       const AnswerMeta& meta, WallTime now) {
  const WallTime from = now - query.date_range.Length();
  auto own = ReadSeries({query, names.own, place, from}, result, meta, now);
  if (!own) return own.error();
  SeriesWindow& read = own.value();
  if (read.buckets.empty()) return Empty(names.own, read, meta.last_updated);
  SpoofWindow window{.buckets = std::move(read.buckets),
                     .control = {},
                     .confidence = meta.confidence,
                     .last_updated = meta.last_updated,
                     .complete_until = read.complete_until,
                     .placed_by_range = read.placed_by_range};
  if (!query.control) return window;
  const WallTime earlier = from - query.date_range.ControlShift();
  auto control = ReadSeries({query, names.control, place + 1, earlier}, result, meta, now);
  // Without a place in time only equally many buckets can be told to be the same ones.
  const bool comparable =
      window.buckets.front().start || (control && control.value().count == read.count);
  if (control && comparable) window.control = std::move(control.value().buckets);
  return window;
}

FormProblem FormProblemOf(const Failure& failure, int status) {
  if (failure.reason == FailureReason::kNotFound) return FormProblem::kPathNotFound;
  if (failure.reason == FailureReason::kRejected && status == 400) return FormProblem::kMayBeNames;
  return FormProblem::kNone;
}

// Of an answer that lacks a series of its request.
FormProblem WhatIsThereInstead(const JsonValue& result, std::span<const SeriesNames> names) {
  const auto is_there = [&result](const SeriesNames& each) {
    return result.Find(each.own) != nullptr || result.Find(each.control) != nullptr;
  };
  if (std::any_of(names.begin(), names.end(), is_there)) return FormProblem::kNone;
  if (result.Find("serie_0") != nullptr) return FormProblem::kNamesIgnored;
  const bool only_meta = result.keys.size() == (result.Find("meta") == nullptr ? 0U : 1U);
  return only_meta ? FormProblem::kNone : FormProblem::kForeign;
}

// One value per interval up to the newest bucket, NaN where the window has none.
std::vector<float> TrendOf(const std::vector<SpoofBucket>& buckets, Seconds interval) {
  const auto places_back = [&](const SpoofBucket& bucket) -> std::size_t {
    if (!bucket.start) return buckets.back().position - bucket.position;
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

SpoofSample SampleOf(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const Seconds interval = Length(query.agg_interval);
  const SpoofBucket* const control = ControlBucket(query, window);
  return SpoofSample{
      .spoof = newest.spoof,
      .not_spoof = newest.not_spoof,
      .bucket_start = newest.start,
      .window = StatisticsOf(std::span(window.buckets).first(window.buckets.size() - 1)),
      .control = control == nullptr ? std::nullopt : std::optional(control->spoof),
      .confidence_level = window.confidence.level,
      .annotations = CountAnnotations(query, window),
      .last_updated = window.last_updated,
      .trend = TrendOf(window.buckets, interval),
      .complete_until = window.complete_until};
}

const SpoofBucket* ControlBucket(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const auto is_same = [&](const SpoofBucket& bucket) {
    if (newest.start && bucket.start) {
      return *bucket.start == *newest.start - query.date_range.ControlShift();
    }
    return !newest.start && !bucket.start && bucket.position == newest.position;
  };
  const auto found = std::find_if(window.control.begin(), window.control.end(), is_same);
  return found == window.control.end() ? nullptr : &*found;
}

bool ConcernsNewest(const Query& query, const SpoofWindow& window, const Annotation& annotation) {
  const auto start = window.buckets.back().start;
  return !start || annotation.Overlaps(*start, *start + Length(query.agg_interval));
}

Result<std::vector<Result<SpoofWindow, Failure>>, AnswerRefusal> ReadSharedAnswer(
    std::span<const Query* const> queries, std::span<const SeriesNames> names,
    const HttpResponse& response, WallTime now) {
  const auto answer = OpenEnvelope(response);
  if (!answer) {
    return AnswerRefusal{answer.error(), FormProblemOf(answer.error(), response.status)};
  }
  const JsonValue& result = answer.value().root;
  for (const SeriesNames& each : names) {
    if (auto problem = CheckIsThere(result, each.own)) {
      return AnswerRefusal{*std::move(problem), WhatIsThereInstead(result, names)};
    }
  }
  const auto meta = ReadMeta(result, *queries.front(), now);
  if (!meta) return AnswerRefusal{meta.error()};
  std::vector<Result<SpoofWindow, Failure>> windows;
  windows.reserve(queries.size());
  std::size_t series = 0;
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const Query& query = *queries[place];
    windows.push_back(ReadQuery(query, names[place], series, result, meta.value(), now));
    series += query.control ? 2 : 1;
  }
  return windows;
}

}  // namespace radar_spoof
