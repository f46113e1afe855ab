#include <algorithm>

#include <fmt/format.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"
#include "seen_numbers.h"

namespace radar_spoof {
namespace {

// Which of the names that were asked for came back.
std::size_t CountNamed(const SeenAnswer& answer) {
  return static_cast<std::size_t>(std::ranges::count_if(
      answer.asked->names,
      [&answer](const SeriesNames& names) { return answer.Find(names.own) != nullptr; }));
}

// The first series that was not asked for by its name; nullptr: none.
const SeenSeries* ForeignIn(const SeenAnswer& answer) {
  const auto is_foreign = [&answer](const SeenSeries& series) {
    return std::ranges::none_of(answer.asked->names, [&series](const SeriesNames& names) {
      return series.key == names.own || series.key == names.control;
    });
  };
  const auto found = std::ranges::find_if(answer.series, is_foreign);
  return found == answer.series.end() ? nullptr : &*found;
}

// The numbers that the query in that place was answered with; empty where there are none.
const SeenNumbers& NumbersAt(const SeenAnswer* answer, std::size_t place) {
  static const SeenNumbers kNone;
  if (answer == nullptr) return kNone;
  const SeenSeries* const own = answer->Find(answer->asked->names[place].own);
  if (own != nullptr) return own->numbers;
  // Under whatever name.
  return answer->series.size() == 1 ? answer->series.front().numbers : kNone;
}

const SeenNumbers& AllMailIn(const Evidence& evidence) {
  return NumbersAt(evidence.AnswerTo(evidence.Last(Step::k1dOver28d)), 0);
}

bool IsFilterIgnored(const Evidence& evidence) {
  return SeemTheSame(NumbersAt(evidence.AnswerTo(evidence.Last(Step::kOneFilter)), 0),
                     AllMailIn(evidence));
}

// Whether the query got other numbers than in a smaller request; {of one series, of several}.
std::pair<bool, bool> IsOtherwiseElsewhere(const Evidence& evidence, const SeenAnswer& answer,
                                           std::size_t place) {
  constexpr std::size_t kTelling = 3;
  const Query& query = answer.asked->queries[place];
  const SeenNumbers& own = NumbersAt(&answer, place);
  std::pair<bool, bool> otherwise{false, false};
  for (const SeenAnswer& other : evidence.answers) {
    const auto& queries = other.asked->queries;
    if (queries.size() >= answer.asked->queries.size()) continue;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const bool is_same = queries[i].filters == query.filters &&
                           queries[i].agg_interval == query.agg_interval &&
                           queries[i].date_range == query.date_range;
      if (!is_same) continue;
      const Likeness likeness = Compare(own, NumbersAt(&other, i));
      if (likeness.compared < kTelling || likeness.IsOfTheSame()) continue;
      (queries.size() == 1 ? otherwise.first : otherwise.second) = true;
    }
  }
  return otherwise;
}

// The place of another query with other filters and the same numbers.
std::optional<std::size_t> PlaceOfSame(const SeenAnswer& answer, std::size_t place) {
  const auto& queries = answer.asked->queries;
  const SeenNumbers& own = NumbersAt(&answer, place);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (i == place || queries[i].filters == queries[place].filters ||
        queries[i].date_range != queries[place].date_range) {
      continue;
    }
    if (SeemTheSame(own, NumbersAt(&answer, i))) return i;
  }
  return std::nullopt;
}

// What is different in an answer to series of different filters; "": nothing is seen to be.
std::string SeriesProblem(const Evidence& evidence, const SeenAnswer& answer) {
  const SeenNumbers& mail = AllMailIn(evidence);
  const std::size_t count = answer.asked->queries.size();
  std::size_t as_another = 0;
  std::size_t as_all_mail = 0;
  std::size_t not_as_alone = 0;
  std::size_t not_as_among_fewer = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (SeemTheSame(NumbersAt(&answer, i), mail)) ++as_all_mail;
    const auto same = PlaceOfSame(answer, i);
    if (same && *same < i) ++as_another;
    const auto [alone, among_fewer] = IsOtherwiseElsewhere(evidence, answer, i);
    if (alone) ++not_as_alone;
    if (among_fewer) ++not_as_among_fewer;
  }
  if (as_another > 0 && as_another + 1 == count) return "all with the same numbers";
  if (as_all_mail > 0) return fmt::format("{} with the numbers of all mail", as_all_mail);
  if (as_another > 0) return fmt::format("{} with the numbers of another", as_another);
  if (not_as_alone > 0) return fmt::format("{} with other numbers than alone", not_as_alone);
  return not_as_among_fewer == 0
             ? ""
             : fmt::format("{} with other numbers than among fewer", not_as_among_fewer);
}

struct SeveralSeries {
  Step step;
  std::string_view row;
};
constexpr SeveralSeries kSeveralSeries[] = {{Step::kTwoSeries, "two series"},
                                            {Step::kTenSeries, "ten series"},
                                            {Step::kFiftySeries, "fifty series"}};

bool IsAsAsked(const Evidence& evidence, const SeenAnswer& answer) {
  return CountNamed(answer) == answer.asked->queries.size() &&
         SeriesProblem(evidence, answer).empty();
}

Judgement JudgeSeries(const Evidence& evidence, Step step) {
  const AskedRequest* const asked = evidence.Last(step);
  if (asked == nullptr) return NotAsked(evidence);
  const int configured = evidence.subject().api.max_series_per_request;
  const int most = MostSeries(evidence);
  std::string change = configured > most
                           ? fmt::format("Set api.max_series_per_request: {}.", most)
                           : fmt::format("Nothing: api.max_series_per_request is {}.", configured);
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer == nullptr) return UnansweredWith(change, evidence, *asked);
  const std::size_t named = CountNamed(*answer);
  std::string found = fmt::format("{} of {} came back", named, asked->queries.size());
  if (named == 0 && asked->failure() != nullptr) {
    change = Unanswered(evidence, *asked, *asked->failure()).change;
  }
  if (named < asked->queries.size()) return {Verdict::kDifferent, found, change};
  const std::string problem = SeriesProblem(evidence, *answer);
  const std::string_view other =
      most < static_cast<int>(asked->queries.size()) ? DifferentSeries(evidence) : "";
  if (problem.empty() && other.empty()) return {Verdict::kOk, found, ""};
  found += problem.empty() ? fmt::format("; but see {}", other) : ", " + problem;
  return {Verdict::kDifferent, found, IsFilterIgnored(evidence) ? "See filter." : change};
}

Milliseconds ShiftOf(const SeenSeries& own, const SeenSeries& control) {
  const auto first = [](const SeenSeries& series) {
    return *std::ranges::min(series.buckets, {}, &SeenBucket::start).start;
  };
  return first(own) - first(control);
}

// How many buckets the control period has, and how much earlier they are.
std::string ControlText(const SeenSeries& own, const SeenSeries& control) {
  const Milliseconds shift = ShiftOf(own, control);
  return fmt::format("{} buckets, {} earlier", control.buckets.size(),
                     shift > Milliseconds(0) ? InWords(shift) : "not");
}

bool HasStarts(const SeenSeries* series) {
  return series != nullptr && !series->buckets.empty() &&
         std::ranges::all_of(series->buckets,
                             [](const SeenBucket& bucket) { return bucket.start.has_value(); });
}

}  // namespace

int MostSeries(const Evidence& evidence) {
  int most = 1;
  for (const auto& [step, row] : kSeveralSeries) {
    const AskedRequest* const asked = evidence.Last(step);
    const SeenAnswer* const answer = evidence.AnswerTo(asked);
    if (answer == nullptr || CountNamed(*answer) < asked->queries.size()) return most;
    // Which of two requests is wrong is not to be told: what more than two get is not relied on.
    if (!SeriesProblem(evidence, *answer).empty()) return std::min(most, 2);
    most = static_cast<int>(asked->queries.size());
  }
  return most;
}

std::string_view DifferentSeries(const Evidence& evidence) {
  if (IsFilterIgnored(evidence)) return "";
  for (const auto& [step, row] : kSeveralSeries) {
    const SeenAnswer* const answer = evidence.AnswerTo(evidence.Last(step));
    if (answer != nullptr && !IsAsAsked(evidence, *answer)) return row;
  }
  return "";
}

std::string SharedProblem(const Evidence& evidence, const SeenAnswer& answer, std::size_t place) {
  const auto& queries = answer.asked->queries;
  if (const auto same = PlaceOfSame(answer, place)) {
    return "with the numbers of " + ForMessage(queries[*same].name);
  }
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto [alone, among_fewer] = IsOtherwiseElsewhere(evidence, answer, i);
    if (!alone && !among_fewer) continue;
    return fmt::format("from a request that gives {} other numbers than {}",
                       ForMessage(queries[i].name), alone ? "it has alone" : "among fewer series");
  }
  return "";
}

std::string ControlProblem(const SeenAnswer& answer, std::size_t place) {
  const SeriesNames& names = answer.asked->names[place];
  const SeenSeries* const own = answer.Find(names.own);
  const SeenSeries* const control = answer.Find(names.control);
  if (own == nullptr || control == nullptr) return "the answer has no series for it";
  if (!HasStarts(own) || !HasStarts(control)) {
    return SeemTheSame(own->numbers, control->numbers) ? "the same numbers as without control" : "";
  }
  const Milliseconds expected = answer.asked->queries[place].date_range.ControlShift();
  const Milliseconds off = std::chrono::abs(ShiftOf(*own, *control) - expected);
  // The first buckets of either may be left out, without mail.
  const bool has_gaps = own->buckets.size() != control->buckets.size();
  const bool is_shifted = has_gaps ? off < expected / 4 : off == Milliseconds(0);
  return is_shifted ? "" : ControlText(*own, *control);
}

Judgement JudgeNames(const Evidence& evidence) {
  const AskedRequest* refused = nullptr;
  bool any = false;
  for (const AskedRequest& asked : evidence.examination.asked) {
    if (!asked.form.named) {
      // What was refused with names and is answered without them.
      if (refused != nullptr && asked.failure() == nullptr) {
        return {Verdict::kRefused, refused->failure()->detail + "; answered without names",
                "Nothing: the exporter asks without names, each time on a connection of its own."};
      }
      continue;
    }
    if (asked.step == Step::kFirst && asked.outcome.form == FormProblem::kMayBeNames)
      refused = &asked;
    const SeenAnswer* const answer = evidence.AnswerTo(&asked);
    if (answer == nullptr || answer->series.empty()) continue;
    any = true;
    const SeenSeries* const foreign = ForeignIn(*answer);
    if (foreign == nullptr) continue;
    const std::string key = ForLog(foreign->key, 40);
    if (CountNamed(*answer) == asked.names.size()) {
      return {Verdict::kDifferent, "there is also " + key, std::string(kNoChange)};
    }
    return {Verdict::kDifferent,
            fmt::format("asked for {}, and it came back as {}", asked.names.front().own, key),
            key.starts_with("serie_")
                ? "Nothing: the exporter asks without names, each time on a connection of its own."
                : "No key of the configuration helps: the exporter refuses series under other "
                  "names. Please open an issue with a --report."};
  }
  if (any) return {Verdict::kOk, "every series has its name", ""};
  return evidence.examination.stopped.empty()
             ? Judgement{Verdict::kNotSeen, "no answer to a request with names", ""}
             : NotAsked(evidence);
}

Judgement JudgeFilter(const Evidence& evidence) {
  const AskedRequest* const asked = evidence.Last(Step::kOneFilter);
  if (asked == nullptr) return NotAsked(evidence);
  const std::string queries =
      QueriesFor(evidence, [](const Query& query) { return query.filters != Filters(); });
  const std::string_view nothing = "Nothing: no configured query has a filter.";
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer == nullptr) {
    return UnansweredWith(Unless(queries, nothing, "Remove the filters from: " + queries), evidence,
                          *asked);
  }
  const SeenNumbers& numbers = NumbersAt(answer, 0);
  if (Compare(numbers, AllMailIn(evidence)).compared == 0) {
    return {Verdict::kNotSeen, "accepted; there was nothing to compare", ""};
  }
  if (IsFilterIgnored(evidence)) {
    return {Verdict::kDifferent, "the filter is ignored: the numbers are those of all mail",
            Unless(queries, nothing, "Do not use the numbers of: " + queries)};
  }
  return {Verdict::kOk,
          fmt::format("on average {:.2f}; all mail {:.2f}",
                      MeanOf(numbers, AllMailIn(evidence)).value_or(0),
                      MeanOf(AllMailIn(evidence), numbers).value_or(0)),
          ""};
}

Judgement JudgeTwoSeries(const Evidence& evidence) {
  return JudgeSeries(evidence, Step::kTwoSeries);
}
Judgement JudgeTenSeries(const Evidence& evidence) {
  return JudgeSeries(evidence, Step::kTenSeries);
}
Judgement JudgeFiftySeries(const Evidence& evidence) {
  return JudgeSeries(evidence, Step::kFiftySeries);
}

Judgement JudgeValueList(const Evidence& evidence) {
  const AskedRequest* const asked = evidence.Last(Step::kValueList);
  if (asked == nullptr) return NotAsked(evidence);
  const std::string queries = QueriesFor(evidence, HasList);
  const std::string change =
      Unless(queries, "Nothing: no configured query has several values in a filter.",
             "Write one query for each value instead of: " + queries);
  const SeenAnswer* const list = evidence.AnswerTo(asked);
  if (list == nullptr || list->series.empty()) {
    return UnansweredWith(change, evidence, *asked);
  }
  const SeenNumbers& either = list->series.front().numbers;
  if (SeemTheSame(either, AllMailIn(evidence))) {
    return {Verdict::kDifferent, "the filter is ignored: the numbers are those of all mail",
            IsFilterIgnored(evidence) ? "See filter." : change};
  }
  const SeenAnswer* const two = evidence.AnswerTo(evidence.Last(Step::kTwoSeries));
  const SeenNumbers& failed = NumbersAt(evidence.AnswerTo(evidence.Last(Step::kOneFilter)), 0);
  const auto passed =
      two != nullptr && IsAsAsked(evidence, *two) ? NumbersAt(two, 0) : SeenNumbers();
  if (SeemTheSame(either, passed) || SeemTheSame(either, failed)) {
    return {Verdict::kDifferent,
            fmt::format("only {} of the two values counts",
                        SeemTheSame(either, passed) ? "PASS" : "FAIL"),
            change};
  }
  if (passed.empty()) {
    return {Verdict::kNotSeen, "accepted; nothing to compare it with, without two series", ""};
  }
  const auto one = MeanOf(passed, either);
  const auto other = MeanOf(failed, either);
  const auto mean = MeanOf(either, either);
  if (!one || !other || !mean) {
    return {Verdict::kNotSeen, "accepted, without buckets to compare", ""};
  }
  const auto [low, high] = std::minmax(*one, *other);
  // Numbers that are sampled are a little off.
  const double margin = 0.05 + (high - low) / 10;
  const bool is_between = *mean >= low - margin && *mean <= high + margin;
  const std::string found =
      fmt::format("on average {:.2f}; PASS alone {:.2f}, FAIL alone {:.2f}", *mean, *one, *other);
  if (is_between) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found, change};
}

Judgement JudgeControl(const Evidence& evidence) {
  const AskedRequest* const asked = evidence.Last(Step::kControl);
  if (asked == nullptr) return NotAsked(evidence);
  const std::string queries =
      QueriesFor(evidence, [](const Query& query) { return query.control; });
  const std::string change = Unless(queries, "Nothing: no configured query has control: true.",
                                    "Remove control: true from: " + queries);
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer == nullptr) {
    return UnansweredWith(change, evidence, *asked);
  }
  const std::string problem = ControlProblem(*answer, 0);
  if (!problem.empty()) {
    const bool is_named = answer->Find(asked->names.front().own) != nullptr;
    return {Verdict::kDifferent, problem,
            is_named ? change : Unanswered(evidence, *asked, *asked->failure()).change};
  }
  const SeenSeries& own = *answer->Find(asked->names.front().own);
  const SeenSeries& control = *answer->Find(asked->names.front().control);
  if (own.buckets.empty() || control.buckets.empty()) {
    return {Verdict::kNotSeen, "a series without buckets", ""};
  }
  if (!HasStarts(&own) || !HasStarts(&control)) {
    return {Verdict::kNotSeen, "without timestamps there is no telling", ""};
  }
  return {Verdict::kOk, ControlText(own, control), ""};
}

}  // namespace radar_spoof
