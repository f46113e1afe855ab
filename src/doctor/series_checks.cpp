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

// Of series with different filters: which have the same numbers as another, or as all mail. "":
// none.
std::string SameNumbersIn(const Evidence& evidence, const SeenAnswer& answer) {
  std::vector<SeenNumbers> all;
  for (const SeenSeries& series : answer.series) all.push_back(NumbersOf(series));
  const SeenAnswer* const unfiltered = evidence.AnswerTo(evidence.Last(Step::k1dOver28d));
  const bool is_there = unfiltered != nullptr && !unfiltered->series.empty();
  const auto mail = is_there ? NumbersOf(unfiltered->series.front()) : SeenNumbers();
  std::size_t as_another = 0;
  std::size_t as_all_mail = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (SeemTheSame(all[i], mail)) ++as_all_mail;
    const auto before = std::span(all).first(i);
    if (std::ranges::any_of(before, [&](const auto& one) { return SeemTheSame(one, all[i]); })) {
      ++as_another;
    }
  }
  if (as_another > 0 && as_another + 1 == all.size()) return "all with the same numbers";
  if (as_all_mail > 0) return fmt::format("{} with the numbers of all mail", as_all_mail);
  return as_another == 0 ? "" : fmt::format("{} with the numbers of another", as_another);
}

Judgement JudgeSeries(const Evidence& evidence, Step step) {
  const AskedRequest* const asked = evidence.Last(step);
  if (asked == nullptr) return NotAsked(evidence);
  const int configured = evidence.subject().api.max_series_per_request;
  const int most = MostSeries(evidence);
  const std::string change =
      configured > most ? fmt::format("Set api.max_series_per_request: {}.", most)
                        : fmt::format("Nothing: api.max_series_per_request is {}.", configured);
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer == nullptr) {
    return UnansweredWith(change, evidence, *asked);
  }
  const std::size_t named = CountNamed(*answer);
  const std::string found = fmt::format("{} of {} came back", named, asked->queries.size());
  if (named < asked->queries.size()) return {Verdict::kDifferent, found, change};
  const std::string same = SameNumbersIn(evidence, *answer);
  if (!same.empty()) return {Verdict::kDifferent, fmt::format("{}, {}", found, same), change};
  return {Verdict::kOk, found, ""};
}

}  // namespace

int MostSeries(const Evidence& evidence) {
  int most = 1;
  for (const Step step : {Step::kTwoSeries, Step::kTenSeries, Step::kFiftySeries}) {
    const AskedRequest* const asked = evidence.Last(step);
    const SeenAnswer* const answer = evidence.AnswerTo(asked);
    if (answer == nullptr || CountNamed(*answer) < asked->queries.size() ||
        !SameNumbersIn(evidence, *answer).empty()) {
      return most;
    }
    most = static_cast<int>(asked->queries.size());
  }
  return most;
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
    for (const SeriesNames& names : asked.names) {
      if (answer->Find(names.own) != nullptr) continue;
      const std::string_view other = answer->series.front().key;
      return {
          Verdict::kDifferent,
          fmt::format("asked for {}, and it came back as {}", names.own, ForLog(other, 40)),
          other.starts_with("serie_")
              ? "Nothing: the exporter asks without names, each time on a connection of its own."
              : std::string(kOpenAnIssue)};
    }
  }
  if (any) return {Verdict::kOk, "every series has its name", ""};
  return evidence.examination.stopped.empty()
             ? Judgement{Verdict::kNotSeen, "no answer to a request with names", ""}
             : NotAsked(evidence);
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
  const AskedRequest* const two_asked = evidence.Last(Step::kTwoSeries);
  const SeenAnswer* const two = evidence.AnswerTo(two_asked);
  if (two == nullptr || CountNamed(*two) < two_asked->names.size()) {
    return {Verdict::kNotSeen, "accepted; nothing to compare it with, without two series", ""};
  }
  const auto either = NumbersOf(list->series.front());
  const auto passed = NumbersOf(*two->Find(two_asked->names[0].own));
  const auto failed = NumbersOf(*two->Find(two_asked->names[1].own));
  const SeenAnswer* const all = evidence.AnswerTo(evidence.Last(Step::k1dOver28d));
  if (all != nullptr && !all->series.empty() && AreAlike(either, NumbersOf(all->series.front()))) {
    return {Verdict::kDifferent, "the filter is ignored: the numbers are those of all mail",
            change};
  }
  if (AreAlike(either, passed) || AreAlike(either, failed)) {
    return {
        Verdict::kDifferent,
        fmt::format("only {} of the two values counts", AreAlike(either, passed) ? "PASS" : "FAIL"),
        change};
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
  const SeenSeries* const own = answer->Find(asked->names.front().own);
  const SeenSeries* const control = answer->Find(asked->names.front().control);
  if (own == nullptr || control == nullptr) {
    return {Verdict::kDifferent, "the answer has no series for it", change};
  }
  if (own->buckets.empty() || control->buckets.empty()) {
    return {Verdict::kNotSeen, "a series without buckets", ""};
  }
  if (!own->buckets.front().start || !control->buckets.front().start) {
    return AreAlike(NumbersOf(*own), NumbersOf(*control))
               ? Judgement{Verdict::kDifferent, "the same numbers as without control", change}
               : Judgement{Verdict::kNotSeen, "without timestamps there is no telling", ""};
  }
  const Milliseconds shift = *own->buckets.front().start - *control->buckets.front().start;
  const std::string found = fmt::format("{} buckets, {} earlier", control->buckets.size(),
                                        shift > Milliseconds(0) ? InWords(shift) : "not");
  if (shift != asked->queries.front().date_range.ControlShift()) {
    return {Verdict::kDifferent, found, change};
  }
  return {Verdict::kOk, found, ""};
}

}  // namespace radar_spoof
