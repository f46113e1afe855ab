#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "judgement.h"
#include "radar_spoof/config/request_plan.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/answer_meta.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Kind = JsonValue::Kind;

// By the API's clock, if the answer tells it.
WallTime ReceivedAt(const AskedRequest& asked) {
  const auto date = ParseHttpDate(asked.answer.value().Header("date"), asked.received.wall);
  return date.value_or(asked.received.wall);
}

// `problem_of` an answer is "" where the member is as expected.
Judgement JudgeMeta(
    const Evidence& evidence, std::string_view key,
    const std::function<std::string(const SeenAnswer&, const JsonValue*)>& problem_of,
    std::string_view change) {
  std::size_t wrong = 0;
  std::string example;
  for (const SeenAnswer& answer : evidence.answers) {
    const JsonValue* const value = answer.InMeta(key);
    const std::string problem = value == nullptr ? "missing" : problem_of(answer, value);
    if (!problem.empty() && wrong++ == 0) example = problem;
  }
  const std::size_t count = evidence.answers.size();
  if (count == 0) return NothingSeen(evidence);
  if (wrong == 0) return {Verdict::kOk, fmt::format("in all of {} answers", count), ""};
  return {Verdict::kDifferent,
          fmt::format("{}, in {} of {} answers", ForLog(example, 120), wrong, count),
          std::string(change)};
}

std::size_t SeriesIn(const AskedRequest& asked) {
  int count = 0;
  for (const Query& query : asked.queries) count += SeriesOf(query);
  return static_cast<std::size_t>(count);
}

// Of the first range of an answer.
std::string RangeProblem(const SeenAnswer& answer, const JsonValue& range) {
  const auto time = [&range](std::string_view key) {
    const JsonValue* const found = range.Find(key);
    return found == nullptr ? std::nullopt : ParseRfc3339(found->text);
  };
  const auto from = time("startTime");
  const auto to = time("endTime");
  if (!from || !to) return ShapeOf(range);
  const Query& query = answer.asked->queries.front();
  // It is widened to whole hours and buckets.
  const Milliseconds margin = 2 * Length(query.agg_interval) + 2h;
  const Milliseconds off = *to - *from - query.date_range.Length();
  const WallTime latest = ReceivedAt(*answer.asked) + margin;
  const auto updated = answer.LastUpdated();
  const WallTime earliest = std::min(updated.value_or(latest), latest - margin) - margin;
  if (std::chrono::abs(off) <= margin && *to >= earliest && *to <= latest) return "";
  return fmt::format("{} to {} for {}", MinuteText(*from), MinuteText(*to),
                     query.date_range.Text());
}

// Of an answer with another status than 2xx: the API's own errors have codes that are numbers.
bool HasErrorsAsDocumented(const JsonValue& root) {
  const JsonValue* const errors = root.Find("errors");
  return errors != nullptr && errors->Is(Kind::kArray) &&
         std::ranges::all_of(errors->items, [](const JsonValue& error) {
           const JsonValue* const code = error.Find("code");
           const JsonValue* const message = error.Find("message");
           return error.Is(Kind::kObject) && (code == nullptr || code->Is(Kind::kNumber)) &&
                  message != nullptr && message->Is(Kind::kString);
         });
}

// What an answer has that is not documented, and not of a series.
void AddAdditionsOf(const SeenAnswer& answer, std::set<std::string>& additions) {
  constexpr std::array<std::string_view, 6> kMembers = {
      "dateRange", "aggInterval", "confidenceInfo", "lastUpdated", "normalization", "units"};
  const JsonValue* const errors = answer.document.root.Find("errors");
  if (errors != nullptr && !errors->items.empty()) additions.insert("`errors` is not empty");
  if (answer.meta == nullptr) return;
  for (const std::string_view key : answer.meta->keys) {
    if (std::ranges::find(kMembers, key) != kMembers.end()) continue;
    additions.insert("`meta` also has " + ForLog(key, 40));
  }
}

// The first error with a status of 4xx that has another shape; "": none.
std::string ErrorProblem(const Evidence& evidence) {
  for (const AskedRequest& each : evidence.examination.asked) {
    if (each.status() < 400 || each.status() >= 500) continue;
    const auto parsed = ParseJson(each.answer.value().body);
    if (parsed && HasErrorsAsDocumented(parsed.value().root)) continue;
    return fmt::format("HTTP {} with {}", each.status(),
                       parsed ? ForLog(ShapeOf(parsed.value().root), 120) : "what is not JSON");
  }
  return "";
}

// "agg_interval: 1d" for what the API says instead of an interval; "" where that is none.
std::string IntervalInstead(std::string_view word) {
  for (const AggInterval interval : kAllAggIntervals) {
    if (MetaName(interval) == word) return fmt::format("agg_interval: {}", RequestName(interval));
  }
  return "";
}

}  // namespace

Judgement JudgeEnvelope(const Evidence& evidence) {
  std::size_t answers = 0;
  for (const AskedRequest& each : evidence.examination.asked) {
    const Failure* const failure = each.failure();
    const bool undecoded = each.status() == 0 && (failure->reason == FailureReason::kParse ||
                                                  failure->reason == FailureReason::kTooLarge);
    if (undecoded) {
      return {Verdict::kDifferent, failure->detail, std::string(WhatToDo(failure->reason))};
    }
    if (each.status() < 200 || each.status() >= 300) continue;
    ++answers;
    const SeenAnswer* const answer = evidence.AnswerTo(&each);
    if (answer != nullptr && answer->series.empty() &&
        (failure == nullptr || failure->reason != FailureReason::kApiError)) {
      return {Verdict::kDifferent, "`result` has no series that is an object",
              std::string(kOpenAnIssue)};
    }
    if (failure == nullptr) continue;
    if (failure->reason == FailureReason::kApiError || answer == nullptr) {
      return {Verdict::kDifferent, failure->detail,
              failure->reason == FailureReason::kValidation
                  ? std::string(kOpenAnIssue)
                  : std::string(WhatToDo(failure->reason))};
    }
  }
  std::set<std::string> others;
  if (const std::string problem = ErrorProblem(evidence); !problem.empty()) others.insert(problem);
  for (const SeenAnswer& answer : evidence.answers) AddAdditionsOf(answer, others);
  if (!others.empty()) {
    return {Verdict::kDifferent, ForLog(fmt::format("{}", fmt::join(others, "; ")), 300),
            std::string(kNoChange)};
  }
  if (answers == 0) return NothingSeen(evidence);
  return {Verdict::kOk, fmt::format("in all of {} answers", answers), ""};
}

Judgement JudgeDateRange(const Evidence& evidence) {
  bool is_longer = false;
  const auto problem_of = [&](const SeenAnswer& answer, const JsonValue* value) -> std::string {
    const bool is_list = value->Is(Kind::kArray) && !value->items.empty();
    std::string problem = RangeProblem(answer, is_list ? value->items.front() : *value);
    const Query& query = answer.asked->queries.front();
    const auto& window = answer.asked->outcome.windows.front();
    is_longer = is_longer ||
                (!problem.empty() && !window.ok() &&
                 window.error().detail.find("expected a range of " + query.date_range.Text()) !=
                     std::string::npos);
    if (!problem.empty()) return problem;
    const std::size_t series = SeriesIn(*answer.asked);
    if (is_list && value->items.size() != series) {
      return fmt::format("{} for {} series", value->items.size(), series);
    }
    return "";
  };
  Judgement judgement = JudgeMeta(evidence, "dateRange", problem_of,
                                  "Nothing: it is needed only for answers without timestamps.");
  if (is_longer) judgement.change = kOpenAnIssue;
  if (judgement.verdict != Verdict::kOk) return judgement;
  const auto is_object = [](const SeenAnswer& answer) {
    return answer.InMeta("dateRange")->Is(Kind::kObject);
  };
  if (std::ranges::none_of(evidence.answers, is_object)) return judgement;
  return {Verdict::kDifferent, "one object, and no list of them", std::string(kNoChange)};
}

Judgement JudgeInterval(const Evidence& evidence) {
  std::set<AggInterval> refused;
  std::string instead;
  const auto problem_of = [&](const SeenAnswer& answer, const JsonValue* value) -> std::string {
    const AggInterval asked = answer.asked->queries.front().agg_interval;
    if (value->text == MetaName(asked)) return "";
    refused.insert(asked);
    if (instead.empty()) instead = IntervalInstead(value->text);
    return fmt::format("{} for {}", Describe(value), RequestName(asked));
  };
  Judgement judgement = JudgeMeta(evidence, "aggInterval", problem_of, kOpenAnIssue);
  const std::string queries = QueriesFor(
      evidence, [&](const Query& query) { return refused.contains(query.agg_interval); });
  if (!instead.empty()) {
    judgement.change = Unless(queries, "No configured query asks for such an interval.",
                              fmt::format("Give {} to: {}", instead, queries));
  }
  return judgement;
}

Judgement JudgeNormalization(const Evidence& evidence) {
  const auto problem_of = [](const SeenAnswer&, const JsonValue* value) {
    return value->text == "PERCENTAGE" ? "" : Describe(value);
  };
  return JudgeMeta(evidence, "normalization", problem_of, kOpenAnIssue);
}

Judgement JudgeUnits(const Evidence& evidence) {
  const auto problem_of = [](const SeenAnswer&, const JsonValue* value) -> std::string {
    if (!value->Is(Kind::kArray) || value->items.empty()) return ShapeOf(*value);
    for (const JsonValue& unit : value->items) {
      const JsonValue* const name = unit.Find("value");
      if (name == nullptr) return ShapeOf(*value);
      if (name->text != "requests") return Describe(name);
    }
    return "";
  };
  return JudgeMeta(evidence, "units", problem_of, "Nothing: a share has no unit.");
}

Judgement JudgeConfidence(const Evidence& evidence) {
  std::map<std::string, std::size_t> levels;
  std::size_t legal = 0;
  std::size_t quoted = 0;
  std::size_t wrong = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    if (answer.meta == nullptr) continue;
    const JsonValue* const info = answer.InMeta("confidenceInfo");
    const JsonValue* const level = info == nullptr ? nullptr : info->Find("level");
    ++levels[IsAbsent(level) ? "none" : Describe(level)];
    if (IsAbsent(level)) continue;
    const auto number = ReadDecimal(*level);
    const bool is_legal = number && *number >= 1 && *number <= 5 && std::floor(*number) == *number;
    ++(is_legal ? legal : wrong);
    if (is_legal && level->Is(Kind::kString)) ++quoted;
  }
  if (levels.empty()) return NothingSeen(evidence);
  std::string found;
  for (const auto& [level, count] : levels) {
    found += fmt::format("{}{} in {}", found.empty() ? "" : ", ", level, count);
  }
  found += levels.size() == 1 && levels.begin()->second == 1 ? " answer" : " answers";
  if (wrong > 0 || legal == 0) {
    return {Verdict::kDifferent, found,
            "The shipped alerts on the numbers need a level of 3 or more: without one they do not "
            "fire."};
  }
  if (quoted > 0) return {Verdict::kDifferent, found, std::string(kNoChange)};
  return {Verdict::kOk, found, ""};
}

Judgement JudgeAnnotations(const Evidence& evidence) {
  std::map<std::string, std::size_t> types;
  std::set<std::string> unknown;
  std::size_t lists = 0;
  std::size_t lacking = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    const JsonValue* const info = answer.InMeta("confidenceInfo");
    const JsonValue* const list = info == nullptr ? nullptr : info->Find("annotations");
    if (answer.meta == nullptr) continue;
    const auto read = ReadConfidence(*answer.meta);
    if (!read) return {Verdict::kDifferent, read.error().detail, std::string(kOpenAnIssue)};
    if (IsAbsent(list)) {
      if (!IsAbsent(info)) ++lacking;
      continue;
    }
    ++lists;
    for (const Annotation& annotation : read.value().annotations) {
      const JsonValue& item = list->items[annotation.position];
      const JsonValue* const type = item.Find("eventType");
      ++types[IsAbsent(type) ? "none" : ForLog(type->text, 30)];
      if (annotation.type == EventType::kOther)
        unknown.insert(IsAbsent(type) ? "none" : ForLog(type->text, 30));
      if (annotation.start && annotation.end) continue;
      return {Verdict::kDifferent,
              "one has times that cannot be read: " + ForLog(ShapeOf(item), 120),
              "Nothing: a projection whose times cannot be read is taken for one of the last "
              "bucket."};
    }
  }
  if (lacking > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} answers with `confidenceInfo` and without `annotations`", lacking),
            std::string(kNoChange)};
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
    const auto updated = answer.LastUpdated();
    if (!updated) {
      const JsonValue* const value = answer.InMeta("lastUpdated");
      return {Verdict::kDifferent, fmt::format("it is {}", Describe(value)),
              "Nothing helps: the exporter refuses such answers. Please open an issue with a "
              "--report."};
    }
    if (worst == nullptr || *updated < *worst->LastUpdated()) worst = &answer;
  }
  if (worst == nullptr) return NothingSeen(evidence);
  const WallTime updated = *worst->LastUpdated();
  const Milliseconds lag = ReceivedAt(*worst->asked) - updated;
  const bool is_clock = JudgeClock(evidence).verdict == Verdict::kDifferent;
  if (lag < Milliseconds(0)) {
    return {
        Verdict::kDifferent,
        fmt::format("{}, which is {} ahead", MinuteText(updated), InWords(-lag)),
        is_clock
            ? "See clock."
            : "Look at this host's clock; over an hour ahead, the exporter refuses the answer."};
  }
  const std::string found = fmt::format("{}, {} ago", MinuteText(updated), InWords(lag));
  if (lag <= kUsual) {
    const std::string_view text = worst->InMeta("lastUpdated")->text;
    if (FloorTo(updated, 15min) != updated) {
      return {Verdict::kDifferent, found + ", which is no quarter hour", std::string(kNoChange)};
    }
    if (text == FormatRfc3339(updated)) return {Verdict::kOk, found, ""};
    return {Verdict::kDifferent, fmt::format("{}, written {}", found, ForLog(text, 40)),
            std::string(kNoChange)};
  }
  if (is_clock) return {Verdict::kDifferent, found, "See clock."};
  const std::string queries = QueriesFor(evidence, [&](const Query& query) {
    return MaxDataAge(query, evidence.subject().polling) < lag + Length(query.agg_interval);
  });
  return {Verdict::kDifferent, found,
          queries.empty()
              ? "Nothing: the exporter asks when the data are there."
              : "To see values that old, raise polling.max_data_age; too old for: " + queries};
}

}  // namespace radar_spoof
