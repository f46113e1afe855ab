#include <algorithm>
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
    const JsonValue* const value = answer.InMeta(key);
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
    const JsonValue* const info = answer.InMeta("confidenceInfo");
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
