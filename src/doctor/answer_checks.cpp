#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/answer_meta.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Kind = JsonValue::Kind;

constexpr std::array kDayNames = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                  "Friday", "Saturday", "Sunday"};

Judgement NothingSeen(const Evidence& evidence) {
  if (!evidence.examination.stopped.empty()) return NotAsked(evidence);
  return {Verdict::kNotSeen, "no answer shows it", ""};
}

std::vector<const SeenBucket*> CompleteBuckets(const Evidence& evidence) {
  std::vector<const SeenBucket*> buckets;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    for (const SeenBucket& bucket : series->Complete()) buckets.push_back(&bucket);
  }
  return buckets;
}

// The name of the weekday in UTC.
std::string_view DayOf(WallTime time) {
  const std::chrono::weekday day(std::chrono::floor<std::chrono::days>(time));
  return kDayNames[day.iso_encoding() - 1];
}

// What is wrong with the first timestamp that is not as it should be; "" when all are.
std::string TimestampProblem(const SeenSeries& series) {
  const JsonValue* const times = series.timestamps();
  if (times == nullptr) return "missing";
  if (!times->Is(Kind::kArray)) return Describe(times);
  const JsonValue* const spoof = series.json->Find("SPOOF");
  if (spoof != nullptr && spoof->items.size() != times->items.size()) {
    return fmt::format("{} of them beside {} values", times->items.size(), spoof->items.size());
  }
  std::set<WallTime> seen;
  for (const JsonValue& time : times->items) {
    const auto start = time.Is(Kind::kString) ? ParseRfc3339(time.text) : std::nullopt;
    if (!start) return Describe(&time) + " is no RFC 3339 time";
    if (!time.text.ends_with('Z')) return Describe(&time) + " is not written in UTC";
    if (FloorTo(*start, series.interval) != *start) {
      const bool midnight = FloorTo(*start, 24h) == *start;
      return midnight ? fmt::format("{} is a {}", Describe(&time), DayOf(*start))
                      : fmt::format("{} is no start of a bucket", Describe(&time));
    }
    if (!seen.insert(*start).second) return Describe(&time) + " stands twice";
  }
  return "";
}

const JsonValue* InMeta(const SeenAnswer& answer, std::string_view key) {
  return answer.meta == nullptr ? nullptr : answer.meta->Find(key);
}

std::optional<WallTime> LastUpdatedOf(const SeenAnswer& answer) {
  const JsonValue* const value = InMeta(answer, "lastUpdated");
  return value != nullptr && value->Is(Kind::kString) ? ParseRfc3339(value->text) : std::nullopt;
}

// meta.dateRange's beginning; nullopt where it cannot be read.
std::optional<WallTime> RangeStartOf(const SeenAnswer& answer) {
  const JsonValue* range = InMeta(answer, "dateRange");
  if (range != nullptr && range->Is(Kind::kArray)) {
    range = range->items.size() == 1 ? &range->items.front() : nullptr;
  }
  const JsonValue* const start = range == nullptr ? nullptr : range->Find("startTime");
  return start == nullptr ? std::nullopt : ParseRfc3339(start->text);
}

// Starts look the same as ends when the bucket that is filling is left out; the beginning of the
// range tells them apart where it is one of a bucket. Of narrower filters the first may be left
// out, without mail.
bool SeemEnds(const Evidence& evidence) {
  bool any = false;
  for (const SeenAnswer& answer : evidence.answers) {
    const Query& query = answer.asked->queries.front();
    const auto range_start = RangeStartOf(answer);
    if (query.filters != Filters() || query.control || !range_start) continue;
    for (const SeenSeries& series : answer.series) {
      if (series.buckets.empty() || FloorTo(*range_start, series.interval) != *range_start)
        continue;
      const auto first = std::ranges::min(series.buckets, {}, &SeenBucket::start).start;
      if (first != *range_start + series.interval) return false;
      any = true;
    }
  }
  return any;
}

// By the API's clock, if the answer tells it.
WallTime ReceivedAt(const AskedRequest& asked) {
  const auto date = ParseHttpDate(asked.answer.value().Header("date"), asked.received.wall);
  return date.value_or(asked.received.wall);
}

// "ONE_HOUR in 3 of 14 answers": of those that `is_right` does not take, the first.
template <typename IsRight>
Judgement JudgeMeta(const Evidence& evidence, std::string_view key, IsRight is_right,
                    std::string_view change) {
  std::size_t wrong = 0;
  std::string example;
  for (const SeenAnswer& answer : evidence.answers) {
    const JsonValue* const value = InMeta(answer, key);
    if (is_right(answer, value)) continue;
    if (wrong++ == 0) example = value == nullptr ? "missing" : ShapeOf(*value);
  }
  const std::size_t count = evidence.answers.size();
  if (count == 0) return NothingSeen(evidence);
  if (wrong == 0) return {Verdict::kOk, fmt::format("in all of {} answers", count), ""};
  return {Verdict::kDifferent,
          fmt::format("{}, in {} of {} answers", ForLog(example, 100), wrong, count),
          std::string(change)};
}

}  // namespace

Judgement JudgeEnvelope(const Evidence& evidence) {
  std::size_t answers = 0;
  for (const AskedRequest& each : evidence.examination.asked) {
    if (each.status() < 200 || each.status() >= 300) continue;
    ++answers;
    const Failure* const failure = each.failure();
    if (failure == nullptr) continue;
    if (failure->reason == FailureReason::kApiError || evidence.AnswerTo(&each) == nullptr) {
      return {Verdict::kDifferent, failure->detail, std::string(WhatToDo(failure->reason))};
    }
  }
  if (answers == 0) return NothingSeen(evidence);
  return {Verdict::kOk, fmt::format("in all of {} answers", answers), ""};
}

Judgement JudgeTimestamps(const Evidence& evidence) {
  std::size_t wrong = 0;
  std::string first;
  bool any_unsorted = false;
  const auto all = evidence.AllSeries();
  for (const SeenSeries* const series : all) {
    const std::string problem = TimestampProblem(*series);
    any_unsorted = any_unsorted || !std::ranges::is_sorted(series->buckets, {}, &SeenBucket::start);
    if (problem.empty()) continue;
    if (wrong++ == 0) first = problem;
  }
  if (all.empty()) return NothingSeen(evidence);
  if (wrong == 0 && SeemEnds(evidence)) {
    return {Verdict::kDifferent,
            "the first begins one bucket after meta.dateRange: they may be the ends of buckets",
            std::string(kOpenAnIssue)};
  }
  if (wrong == 0) {
    return {Verdict::kOk,
            fmt::format("as expected in {} series{}", all.size(),
                        any_unsorted ? ", though not in order" : ""),
            ""};
  }
  const bool harmless = first == "missing" || first.ends_with("in UTC");
  return {Verdict::kDifferent, fmt::format("{}, in {} of {} series", first, wrong, all.size()),
          first == "missing" ? "Nothing: the buckets are then placed by meta.dateRange, or taken "
                               "to end with the latest."
          : harmless         ? std::string(kNoChange)
                             : std::string(kOpenAnIssue)};
}

Judgement JudgeNewestBucket(const Evidence& evidence) {
  std::size_t filling = 0;
  std::size_t complete = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    const auto updated = LastUpdatedOf(answer);
    for (const SeenSeries& series : answer.series) {
      std::optional<WallTime> newest;
      for (const SeenBucket& bucket : series.buckets) newest = std::max(newest, bucket.start);
      if (!updated || !newest || series.control) continue;
      if (*newest > *updated) {
        return {Verdict::kDifferent,
                fmt::format("one begins at {}, after lastUpdated, {}: are these ends?",
                            MinuteText(*newest), MinuteText(*updated)),
                std::string(kOpenAnIssue)};
      }
      // Of narrower filters the newest may be left out, without mail.
      const bool is_all_mail = answer.asked->queries.front().filters == Filters();
      if (is_all_mail && *newest + 2 * series.interval <= *updated - series.interval) {
        return {Verdict::kDifferent,
                fmt::format("the newest of {} begins at {}, though lastUpdated is {}",
                            InWords(series.interval), MinuteText(*newest), MinuteText(*updated)),
                "Nothing: the exporter shows the newest there is, if it is not too old."};
      }
      ++(*newest + series.interval > *updated ? filling : complete);
    }
  }
  if (filling + complete == 0) return NothingSeen(evidence);
  return {Verdict::kOk,
          fmt::format("still filling in {} series, complete in {}", filling, complete), ""};
}

Judgement JudgeDateRange(const Evidence& evidence) {
  const auto is_right = [](const SeenAnswer& answer, const JsonValue* value) {
    if (value == nullptr) return false;
    const JsonValue* const range =
        value->Is(Kind::kArray) && !value->items.empty() ? &value->items.front() : value;
    const auto time = [range](std::string_view key) {
      const JsonValue* const found = range->Find(key);
      return found == nullptr ? std::nullopt : ParseRfc3339(found->text);
    };
    const auto from = time("startTime");
    const auto to = time("endTime");
    if (!from || !to) return false;
    const Query& query = answer.asked->queries.front();
    // It is widened to whole hours and buckets.
    const Milliseconds margin = 2 * Length(query.agg_interval) + 2h;
    return std::chrono::abs(*to - *from - query.date_range.Length()) <= margin;
  };
  return JudgeMeta(evidence, "dateRange", is_right,
                   "Nothing: it is needed only for answers without timestamps.");
}

Judgement JudgeInterval(const Evidence& evidence) {
  const auto is_right = [](const SeenAnswer& answer, const JsonValue* value) {
    return value != nullptr && value->text == MetaName(answer.asked->queries.front().agg_interval);
  };
  return JudgeMeta(
      evidence, "aggInterval", is_right,
      "Ask for an interval that is honoured: the exporter refuses other buckets than it "
      "asked for.");
}

Judgement JudgeNormalization(const Evidence& evidence) {
  const auto is_right = [](const SeenAnswer&, const JsonValue* value) {
    return value != nullptr && value->text == "PERCENTAGE";
  };
  return JudgeMeta(evidence, "normalization", is_right, kOpenAnIssue);
}

Judgement JudgeUnits(const Evidence& evidence) {
  const auto is_right = [](const SeenAnswer&, const JsonValue* value) {
    return value != nullptr && value->Is(Kind::kArray) && !value->items.empty() &&
           std::ranges::all_of(value->items, [](const JsonValue& unit) {
             const JsonValue* const name = unit.Find("value");
             return name != nullptr && name->text == "requests";
           });
  };
  return JudgeMeta(evidence, "units", is_right, "Nothing: a share has no unit.");
}

Judgement JudgeValues(const Evidence& evidence) {
  std::size_t values = 0;
  std::size_t numbers = 0;
  std::size_t unreadable = 0;
  std::size_t beyond = 0;
  std::string example;
  for (const SeenBucket* const bucket : CompleteBuckets(evidence)) {
    if (bucket->IsEmpty()) continue;
    for (const JsonValue* const value : {bucket->spoof, bucket->not_spoof}) {
      constexpr double kHighest = 100.01;
      const auto number = ReadDecimal(*value);
      const bool is_wrong = !number || *number < 0 || *number > kHighest;
      ++values;
      if (value->Is(Kind::kNumber)) ++numbers;
      if (!number) ++unreadable;
      if (number && is_wrong) ++beyond;
      if (is_wrong && example.empty()) example = Describe(value);
    }
  }
  if (values == 0) return NothingSeen(evidence);
  if (unreadable + beyond > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} and {} more of {} are no percentages", example, unreadable + beyond - 1,
                        values),
            std::string(kOpenAnIssue)};
  }
  for (const SeenAnswer& answer : evidence.answers) {
    if (!SeemRatios(answer.series)) continue;
    return {Verdict::kDifferent, "they are from 0 to 1: ratios, not percentages",
            "Do not use the numbers: the exporter would show a hundredth of them. Please open an "
            "issue with a --report."};
  }
  if (numbers > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} of {} are numbers without quotes", numbers, values),
            std::string(kNoChange)};
  }
  return {Verdict::kOk, fmt::format("{} of them", values), ""};
}

Judgement JudgeSums(const Evidence& evidence) {
  constexpr double kRounding = 0.01 + 1e-9;
  std::size_t compared = 0;
  std::size_t off = 0;
  double least = 0;
  double most = 0;
  for (const SeenBucket* const bucket : CompleteBuckets(evidence)) {
    const auto sum = bucket->Sum();
    if (!sum || bucket->IsEmpty()) continue;
    least = compared == 0 ? *sum : std::min(least, *sum);
    most = compared == 0 ? *sum : std::max(most, *sum);
    ++compared;
    if (std::abs(*sum - 100) > kRounding) ++off;
  }
  if (compared == 0) return NothingSeen(evidence);
  if (off == 0) return {Verdict::kOk, fmt::format("in all of {} buckets", compared), ""};
  const bool ratios = std::ranges::any_of(
      evidence.answers, [](const SeenAnswer& answer) { return SeemRatios(answer.series); });
  return {Verdict::kDifferent,
          fmt::format("{:.2f} to {:.2f}, other than 100 in {} of {} buckets", least, most, off,
                      compared),
          ratios ? "See values."
          : most > 100 + kRounding
              ? "Nothing helps: the exporter refuses sums over 100. Please open an "
                "issue with a --report."
              : "Nothing: SPOOF stays the share of all mail."};
}

Judgement JudgeClasses(const Evidence& evidence) {
  std::set<std::string> others;
  std::size_t lacking = 0;
  std::size_t count = 0;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    const bool is_empty = series->json->keys.size() == 1 && series->timestamps() != nullptr;
    ++count;
    if (!is_empty &&
        (series->json->Find("SPOOF") == nullptr || series->json->Find("NOT_SPOOF") == nullptr)) {
      ++lacking;
    }
    for (const std::string_view key : series->json->keys) {
      if (key != "timestamps" && key != "SPOOF" && key != "NOT_SPOOF")
        others.insert(ForLog(key, 30));
    }
  }
  if (count == 0) return NothingSeen(evidence);
  const std::string names = fmt::format("{}", fmt::join(others, ", "));
  if (lacking > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} of {} series lack one of them{}{}", lacking, count,
                        names.empty() ? "" : "; there is also ", names),
            std::string(kOpenAnIssue)};
  }
  if (!names.empty()) {
    return {Verdict::kDifferent, "there is also " + names,
            "Nothing: SPOOF stays the share of all mail."};
  }
  return {Verdict::kOk, fmt::format("in {} series", count), ""};
}

Judgement JudgeEmptyBuckets(const Evidence& evidence) {
  std::size_t empty = 0;
  std::size_t nulls = 0;
  std::size_t half = 0;
  std::size_t without_classes = 0;
  std::size_t gaps = 0;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    std::optional<WallTime> before;
    if (series->json->keys.size() == 1 && series->timestamps() != nullptr) ++without_classes;
    for (const SeenBucket& bucket : series->Complete()) {
      if (before && bucket.start && *bucket.start - *before > series->interval) ++gaps;
      before = bucket.start;
      if (bucket.IsHalf()) ++half;
      if (!bucket.IsEmpty()) continue;
      ++empty;
      if (!ReadDecimal(*bucket.spoof)) ++nulls;
    }
  }
  if (half > 0) {
    return {
        Verdict::kDifferent,
        fmt::format("{} with nothing in one class beside a number in the other", half),
        "Nothing helps: the exporter refuses such answers. Please open an issue with a --report."};
  }
  if (empty + without_classes + gaps == 0) {
    return evidence.answers.empty() ? NothingSeen(evidence)
                                    : Judgement{Verdict::kNotSeen, "no bucket was empty", ""};
  }
  return {Verdict::kOk,
          fmt::format("{} with 0, {} with null, {} left out, {} series without classes",
                      empty - nulls, nulls, gaps, without_classes),
          ""};
}

Judgement JudgeConfidence(const Evidence& evidence) {
  std::map<std::string, std::size_t> levels;
  std::size_t legal = 0;
  std::size_t wrong = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    if (answer.meta == nullptr) continue;
    const JsonValue* const info = answer.meta->Find("confidenceInfo");
    const JsonValue* const level = info == nullptr ? nullptr : info->Find("level");
    const auto confidence = ReadConfidence(*answer.meta);
    const bool is_legal = confidence && confidence.value().level;
    ++levels[IsAbsent(level) ? "none" : Describe(level)];
    if (is_legal) ++legal;
    if (!is_legal && !IsAbsent(level)) ++wrong;
  }
  if (levels.empty()) return NothingSeen(evidence);
  std::string found;
  for (const auto& [level, count] : levels) {
    found += fmt::format("{}{} in {}", found.empty() ? "" : ", ", level, count);
  }
  found += levels.size() == 1 && levels.begin()->second == 1 ? " answer" : " answers";
  if (wrong == 0 && legal > 0) return {Verdict::kOk, found, ""};
  return {
      Verdict::kDifferent, found,
      "The shipped alerts on the numbers need a level of 3 or more: without one they do not fire."};
}

Judgement JudgeAnnotations(const Evidence& evidence) {
  std::map<std::string, std::size_t> types;
  std::set<std::string> unknown;
  std::size_t lists = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    const JsonValue* const info = InMeta(answer, "confidenceInfo");
    const JsonValue* const list = info == nullptr ? nullptr : info->Find("annotations");
    if (answer.meta == nullptr) continue;
    const auto read = ReadConfidence(*answer.meta);
    if (!read) return {Verdict::kDifferent, read.error().detail, std::string(kOpenAnIssue)};
    if (IsAbsent(list)) continue;
    ++lists;
    for (const Annotation& annotation : read.value().annotations) {
      const JsonValue& item = list->items[annotation.position];
      const JsonValue* const type = item.Find("eventType");
      ++types[IsAbsent(type) ? "none" : ForLog(type->text, 30)];
      if (annotation.type == EventType::kOther)
        unknown.insert(IsAbsent(type) ? "none" : ForLog(type->text, 30));
      if (annotation.start && annotation.end) continue;
      return {Verdict::kDifferent, "one has times that cannot be read", std::string(kNoChange)};
    }
  }
  if (lists == 0) return NothingSeen(evidence);
  if (!unknown.empty()) {
    return {Verdict::kDifferent,
            fmt::format("event types that are new: {}", fmt::join(unknown, ", ")),
            "Nothing: they are counted as OTHER."};
  }
  std::string found = fmt::format("a list in {} answers", lists);
  for (const auto& [type, count] : types) found += fmt::format(", {} {}", count, type);
  return {Verdict::kOk, found, ""};
}

Judgement JudgeLag(const Evidence& evidence) {
  constexpr Seconds kUsual = 75min;
  const SeenAnswer* worst = nullptr;
  for (const SeenAnswer& answer : evidence.answers) {
    const auto updated = LastUpdatedOf(answer);
    if (!updated) {
      const JsonValue* const value = InMeta(answer, "lastUpdated");
      return {Verdict::kDifferent, fmt::format("it is {}", Describe(value)),
              "Nothing helps: the exporter refuses such answers. Please open an issue with a "
              "--report."};
    }
    if (worst == nullptr || *updated < *LastUpdatedOf(*worst)) worst = &answer;
  }
  if (worst == nullptr) return NothingSeen(evidence);
  const WallTime updated = *LastUpdatedOf(*worst);
  const Milliseconds lag = ReceivedAt(*worst->asked) - updated;
  if (lag < Milliseconds(0)) {
    return {Verdict::kDifferent,
            fmt::format("{}, which is {} ahead", MinuteText(updated), InWords(-lag)),
            "Check the clocks; over an hour ahead, the exporter refuses the answer."};
  }
  const std::string found = fmt::format("{}, {} ago", MinuteText(updated), InWords(lag));
  if (lag <= kUsual) return {Verdict::kOk, found, ""};
  const std::string queries = QueriesFor(evidence, [&](const Query& query) {
    return MaxDataAge(query, evidence.subject().polling) < lag + Length(query.agg_interval);
  });
  return {Verdict::kDifferent, found,
          queries.empty()
              ? "Nothing: the exporter asks when the data are there."
              : "To see values that old, raise polling.max_data_age; too old for: " + queries};
}

}  // namespace radar_spoof
