#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "checks.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/answer_meta.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Kind = JsonValue::Kind;

// By the API's clock, if the answer tells it.
WallTime ReceivedAt(const AskedRequest& asked) {
  return ParseHttpDate(asked.Header("date"), asked.received.wall).value_or(asked.received.wall);
}

// What is wrong with a member of an answer's `meta`; "" where it is as expected.
using ProblemOf = std::string(const AskedRequest&, const JsonValue&);

Judgement JudgeMember(const Examination& exam, std::string_view key, ProblemOf* problem_of,
                      const char* change) {
  std::size_t wrong = 0;
  std::string example;
  const auto all = exam.Seen();
  for (const AskedRequest* const asked : all) {
    const JsonValue* const value = asked->seen->InMeta(key);
    const std::string problem = value == nullptr ? "missing" : problem_of(*asked, *value);
    if (!problem.empty() && wrong++ == 0) example = problem;
  }
  if (all.empty()) return NothingSeen(exam);
  if (wrong == 0) return Ok(fmt::format("in all of {} answers", all.size()));
  return Different(fmt::format("{}, in {} of {} answers", ForLog(example, 120), wrong, all.size()),
                   change);
}

// Of the first range of an answer, in a list or alone.
std::string RangeProblem(const AskedRequest& asked, const JsonValue& value) {
  const bool is_list = value.Is(Kind::kArray) && !value.items.empty();
  const JsonValue& range = is_list ? value.items.front() : value;
  const auto from = ReadTime(range.Find("startTime"));
  const auto to = ReadTime(range.Find("endTime"));
  if (!from || !to) return ShapeOf(range);
  const Query& query = asked.queries.front();
  // It is widened to whole hours and buckets.
  const Milliseconds margin = 2 * Length(query.agg_interval) + 2h;
  const Milliseconds off = *to - *from - query.date_range.Length();
  const WallTime now = ReceivedAt(asked);
  const WallTime earliest = std::min(asked.seen->LastUpdated().value_or(now), now) - margin;
  if (std::chrono::abs(off) <= margin && *to >= earliest && *to <= now + margin) return "";
  return MinuteText(*from) + " to " + MinuteText(*to) + " for " + query.date_range.Text();
}

std::string DateRangeProblem(const AskedRequest& asked, const JsonValue& value) {
  std::string problem = RangeProblem(asked, value);
  const int series = asked.CountSeries();
  if (!problem.empty() || value.items.empty() || !value.Is(Kind::kArray) ||
      std::ssize(value.items) == series) {
    return problem;
  }
  return fmt::format("{} for {} series", value.items.size(), series);
}

std::string IntervalProblem(const AskedRequest& asked, const JsonValue& value) {
  const AggInterval interval = asked.queries.front().agg_interval;
  return value.text == MetaName(interval)
             ? ""
             : fmt::format("{} for {}", Describe(&value), RequestName(interval));
}

std::string UnitsProblem(const AskedRequest&, const JsonValue& value) {
  if (!value.Is(Kind::kArray) || value.items.empty()) return ShapeOf(value);
  for (const JsonValue& unit : value.items) {
    const JsonValue* const name = unit.Find("value");
    if (name == nullptr) return ShapeOf(value);
    if (name->text != "requests") return Describe(name);
  }
  return "";
}

// Of an answer with another status than 2xx: the API's own errors have codes that are numbers.
bool HasErrorsAsDocumented(const JsonValue& root) {
  const JsonValue* const errors = root.Find("errors");
  return errors != nullptr && errors->Is(Kind::kArray) &&
         std::ranges::all_of(errors->items, [](const JsonValue& error) {
           const JsonValue* const code = error.Find("code");
           const JsonValue* const message = error.Find("message");
           return (code == nullptr || code->Is(Kind::kNumber)) && message != nullptr &&
                  message->Is(Kind::kString);
         });
}

// The first error with a status of 4xx that has another shape; "": none.
std::string ErrorProblem(const Examination& exam) {
  for (const AskedRequest& each : exam.asked) {
    if (each.status() < 400 || each.status() >= 500) continue;
    const auto parsed = ParseJson(each.answer.value().body);
    if (parsed && HasErrorsAsDocumented(parsed.value().root)) continue;
    return fmt::format("HTTP {} with {}", each.status(),
                       parsed ? ForLog(ShapeOf(parsed.value().root), 120) : "what is not JSON");
  }
  return "";
}

// What answers have that is not documented, and not of a series.
std::string Additions(const Examination& exam) {
  std::set<std::string> additions;
  if (std::string problem = ErrorProblem(exam); !problem.empty()) additions.insert(problem);
  for (const AskedRequest* const asked : exam.Seen()) {
    const JsonValue* const errors = asked->seen->document.root.Find("errors");
    if (errors != nullptr && !errors->items.empty()) additions.insert("`errors` is not empty");
    if (asked->seen->meta == nullptr) continue;
    for (const std::string_view key : asked->seen->meta->keys) {
      constexpr std::array<std::string_view, 6> kDocumented = {
          "dateRange", "aggInterval", "confidenceInfo", "lastUpdated", "normalization", "units"};
      if (std::ranges::count(kDocumented, key) > 0) continue;
      additions.insert("`meta` also has " + ForLog(key, 40));
    }
  }
  return fmt::format("{}", fmt::join(additions, "; "));
}

const JsonValue* InConfidence(const AskedRequest& asked, std::string_view key) {
  const JsonValue* const info = asked.seen->InMeta("confidenceInfo");
  return info == nullptr ? nullptr : info->Find(key);
}

}  // namespace

Judgement JudgeEnvelope(const Examination& exam) {
  std::size_t answers = 0;
  for (const AskedRequest& each : exam.asked) {
    const Failure* const failure = each.failure();
    if (each.status() == 0 &&
        (each.FailedFor(FailureReason::kParse) || each.FailedFor(FailureReason::kTooLarge))) {
      return Different(failure->detail, std::string(WhatToDo(failure->reason)));
    }
    if (!each.HasSucceeded()) continue;
    ++answers;
    const bool is_error = each.FailedFor(FailureReason::kApiError);
    if (each.seen && each.seen->series.empty() && !is_error) {
      return Different("`result` has no series that is an object", kOpenAnIssue);
    }
    if (is_error || (failure != nullptr && !each.seen)) {
      return Different(failure->detail, failure->reason == FailureReason::kValidation
                                            ? kOpenAnIssue
                                            : std::string(WhatToDo(failure->reason)));
    }
  }
  const std::string others = Additions(exam);
  if (!others.empty()) return Different(ForLog(others, 300), kNoChange);
  return answers == 0 ? NothingSeen(exam) : Ok(fmt::format("in all of {} answers", answers));
}

Judgement JudgeDateRange(const Examination& exam) {
  Judgement judgement = JudgeMember(exam, "dateRange", DateRangeProblem,
                                    "Nothing: it is needed only for answers without timestamps.");
  bool any_object = false;
  for (const AskedRequest* const asked : exam.Seen()) {
    const JsonValue* const value = asked->seen->InMeta("dateRange");
    any_object = any_object || (value != nullptr && value->Is(Kind::kObject));
    const auto& window = asked->outcome.windows.front();
    // The exporter refuses the buckets of a longer one.
    if (!window && value != nullptr && !RangeProblem(*asked, *value).empty() &&
        window.error().detail.find("expected a range of ") != std::string::npos) {
      judgement.change = kOpenAnIssue;
    }
  }
  if (judgement.verdict != Verdict::kOk || !any_object) return judgement;
  return Different("one object, and no list of them", kNoChange);
}

Judgement JudgeInterval(const Examination& exam) {
  Judgement judgement = JudgeMember(exam, "aggInterval", IntervalProblem, kOpenAnIssue);
  std::set<AggInterval> refused;
  std::string instead;  // what the API says that it gives, where that is an interval
  for (const AskedRequest* const asked : exam.Seen()) {
    const JsonValue* const value = asked->seen->InMeta("aggInterval");
    if (value == nullptr || IntervalProblem(*asked, *value).empty()) continue;
    refused.insert(asked->queries.front().agg_interval);
    for (const AggInterval each : kAllAggIntervals) {
      if (instead.empty() && MetaName(each) == value->text) instead = RequestName(each);
    }
  }
  if (!instead.empty()) {
    judgement.change = ChangeOf(
        exam, [&](const Query& query) { return refused.contains(query.agg_interval); },
        "Give agg_interval: " + instead + " to: ",
        "No configured query asks for such an interval.");
  }
  return judgement;
}

Judgement JudgeNormalization(const Examination& exam) {
  const auto problem_of = [](const AskedRequest&, const JsonValue& value) {
    return value.text == "PERCENTAGE" ? "" : Describe(&value);
  };
  return JudgeMember(exam, "normalization", problem_of, kOpenAnIssue);
}

Judgement JudgeUnits(const Examination& exam) {
  return JudgeMember(exam, "units", UnitsProblem, "Nothing: a share has no unit.");
}

Judgement JudgeConfidence(const Examination& exam) {
  std::map<std::string, std::size_t> levels;
  std::size_t legal = 0;
  std::size_t quoted = 0;
  std::size_t wrong = 0;
  for (const AskedRequest* const asked : exam.Seen()) {
    if (asked->seen->meta == nullptr) continue;
    const JsonValue* const level = InConfidence(*asked, "level");
    ++levels[IsAbsent(level) ? "none" : Describe(level)];
    if (IsAbsent(level)) continue;
    const auto number = ReadDecimal(*level);
    const bool is_legal = number && *number >= 1 && *number <= 5 && std::floor(*number) == *number;
    ++(is_legal ? legal : wrong);
    if (is_legal && level->Is(Kind::kString)) ++quoted;
  }
  if (levels.empty()) return NothingSeen(exam);
  std::string found;
  for (const auto& [level, count] : levels) {
    AppendTo(found, fmt::format("{} in {}", level, count));
  }
  found += levels.size() == 1 && levels.begin()->second == 1 ? " answer" : " answers";
  if (wrong > 0 || legal == 0) {
    return Different(found,
                     "The shipped alerts on the numbers need a level of 3 or more: without one "
                     "they do not fire.");
  }
  return quoted > 0 ? Different(found, kNoChange) : Ok(found);
}

Judgement JudgeAnnotations(const Examination& exam) {
  std::map<std::string, std::size_t> types;
  std::set<std::string> unknown;
  std::size_t lists = 0;
  std::size_t lacking = 0;
  for (const AskedRequest* const asked : exam.Seen()) {
    if (asked->seen->meta == nullptr) continue;
    const auto read = ReadConfidence(*asked->seen->meta);
    if (!read) return Different(read.error().detail, kOpenAnIssue);
    const JsonValue* const list = InConfidence(*asked, "annotations");
    if (IsAbsent(list)) {
      if (!IsAbsent(asked->seen->InMeta("confidenceInfo"))) ++lacking;
      continue;
    }
    ++lists;
    for (const Annotation& annotation : read.value().annotations) {
      const JsonValue& item = list->items[annotation.position];
      const JsonValue* const type = item.Find("eventType");
      const std::string name = IsAbsent(type) ? "none" : ForLog(type->text, 30);
      ++types[name];
      if (annotation.type == EventType::kOther) unknown.insert(name);
      if (annotation.start && annotation.end) continue;
      return Different("one has times that cannot be read: " + ForLog(ShapeOf(item), 120),
                       "Nothing: a projection whose times cannot be read is taken for one of the "
                       "last bucket.");
    }
  }
  if (lacking > 0) {
    return Different(
        fmt::format("{} answers with `confidenceInfo` and without `annotations`", lacking),
        kNoChange);
  }
  if (lists == 0) return NothingSeen(exam);
  if (!unknown.empty()) {
    return Different(fmt::format("event types that are new: {}", fmt::join(unknown, ", ")),
                     "Nothing: they are counted as OTHER.");
  }
  std::string found = fmt::format("a list in {} answers", lists);
  for (const auto& [type, count] : types) found += fmt::format(", {} {}", count, type);
  return Ok(found);
}

Judgement JudgeLag(const Examination& exam) {
  const AskedRequest* worst = nullptr;
  for (const AskedRequest* const asked : exam.Seen()) {
    const auto updated = asked->seen->LastUpdated();
    if (!updated) {
      return Different("it is " + Describe(asked->seen->InMeta("lastUpdated")),
                       "Nothing helps: the exporter refuses such answers. Please open an issue "
                       "with a --report.");
    }
    if (worst == nullptr || *updated < *worst->seen->LastUpdated()) worst = asked;
  }
  if (worst == nullptr) return NothingSeen(exam);
  const WallTime updated = *worst->seen->LastUpdated();
  const Milliseconds lag = ReceivedAt(*worst) - updated;
  const bool is_clock = JudgeClock(exam).verdict == Verdict::kDifferent;
  if (lag < 0ms) {
    return Different(
        MinuteText(updated) + ", which is " + InWords(-lag) + " ahead",
        is_clock
            ? "See clock."
            : "Look at this host's clock; over an hour ahead, the exporter refuses the answer.");
  }
  const std::string found = MinuteText(updated) + ", " + InWords(lag) + " ago";
  if (lag <= 75min) {
    const std::string text(worst->seen->InMeta("lastUpdated")->text);
    if (FloorTo(updated, 15min) != updated) {
      return Different(found + ", which is no quarter hour", kNoChange);
    }
    if (text == FormatRfc3339(updated)) return Ok(found);
    return Different(found + ", written " + ForLog(text, 40), kNoChange);
  }
  if (is_clock) return Different(found, "See clock.");
  const auto is_too_old_for = [&](const Query& query) {
    return MaxDataAge(query, exam.subject.polling) < lag + Length(query.agg_interval);
  };
  return Different(found, ChangeOf(exam, is_too_old_for,
                                   "To see values that old, raise polling.max_data_age; too old "
                                   "for: ",
                                   "Nothing: the exporter asks when the data are there."));
}

}  // namespace radar_spoof
