#include <algorithm>

#include <fmt/format.h>

#include "checks.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr const char* kAsWithoutNames =
    "Nothing: the exporter asks without names, each time on a connection of its own.";
constexpr const char* kFilterIgnored = "the filter is ignored: the numbers are those of all mail";

// Which of the names that were asked for came back.
std::size_t CountNamed(const AskedRequest& asked) {
  return static_cast<std::size_t>(std::ranges::count_if(asked.names, [&](const SeriesNames& names) {
    return asked.seen->Find(names.own) != nullptr;
  }));
}

// The first series that was not asked for by its name; nullptr: none.
const SeenSeries* ForeignIn(const AskedRequest& asked) {
  for (const SeenSeries& series : asked.seen->series) {
    const auto is_its_name = [&series](const SeriesNames& names) {
      return series.key == names.own || series.key == names.control;
    };
    if (std::ranges::none_of(asked.names, is_its_name)) return &series;
  }
  return nullptr;
}

const SeenNumbers& AllMailOver28d(const Examination& exam) {
  return NumbersAt(exam.Last(Step::k1dOver28d), 0);
}

bool IsFilterIgnored(const Examination& exam) {
  return SeemTheSame(NumbersAt(exam.Last(Step::kOneFilter), 0), AllMailOver28d(exam));
}

// What tells the numbers of one query of a request from those that it should have.
struct Mix {
  bool not_as_alone = false;        // other numbers than in a request of one series
  bool not_as_among_fewer = false;  // than in a smaller request of several
  std::optional<std::size_t> same;  // another query, with other filters and the same numbers
};

Mix MixAt(const Examination& exam, const AskedRequest& asked, std::size_t place) {
  constexpr std::size_t kTelling = 3;
  const Query& query = asked.queries[place];
  const SeenNumbers& own = NumbersAt(&asked, place);
  Mix mix;
  for (std::size_t i = 0; i < asked.queries.size() && !mix.same; ++i) {
    const Query& other = asked.queries[i];
    const bool is_other = i != place && other.filters != query.filters;
    if (is_other && other.date_range == query.date_range && SeemTheSame(own, NumbersAt(&asked, i)))
      mix.same = i;
  }
  for (const AskedRequest& other : exam.asked) {
    if (!other.seen || other.queries.size() >= asked.queries.size()) continue;
    for (std::size_t i = 0; i < other.queries.size(); ++i) {
      const Query& its = other.queries[i];
      if (its.filters != query.filters || its.agg_interval != query.agg_interval ||
          its.date_range != query.date_range) {
        continue;
      }
      const Likeness likeness = Compare(own, NumbersAt(&other, i));
      if (likeness.compared < kTelling || likeness.IsOfTheSame()) continue;
      (other.queries.size() == 1 ? mix.not_as_alone : mix.not_as_among_fewer) = true;
    }
  }
  return mix;
}

// What is different in an answer to series of different filters; "": nothing is seen to be.
std::string SeriesProblem(const Examination& exam, const AskedRequest& asked) {
  const SeenNumbers& mail = AllMailOver28d(exam);
  const std::size_t count = asked.queries.size();
  std::size_t as_another = 0;
  std::size_t as_all_mail = 0;
  std::size_t not_as_alone = 0;
  std::size_t not_as_among_fewer = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Mix mix = MixAt(exam, asked, i);
    if (SeemTheSame(NumbersAt(&asked, i), mail)) ++as_all_mail;
    if (mix.same && *mix.same < i) ++as_another;
    if (mix.not_as_alone) ++not_as_alone;
    if (mix.not_as_among_fewer) ++not_as_among_fewer;
  }
  if (as_another > 0 && as_another + 1 == count) return "all with the same numbers";
  for (const auto& [number, what] :
       {std::pair(as_all_mail, "the numbers of all mail"),
        std::pair(as_another, "the numbers of another"),
        std::pair(not_as_alone, "other numbers than alone"),
        std::pair(not_as_among_fewer, "other numbers than among fewer")}) {
    if (number > 0) return fmt::format("{} with {}", number, what);
  }
  return "";
}

constexpr Step kSeveralSeries[] = {Step::kTwoSeries, Step::kTenSeries, Step::kFiftySeries};

bool IsAsAsked(const Examination& exam, const AskedRequest& asked) {
  return CountNamed(asked) == asked.queries.size() && SeriesProblem(exam, asked).empty();
}

bool HasStarts(const SeenSeries& series) {
  return !series.buckets.empty() &&
         std::ranges::all_of(series.buckets, [](const auto& bucket) { return !!bucket.start; });
}

// REQUIRES: both have starts.
Milliseconds ShiftOf(const SeenSeries& own, const SeenSeries& control) {
  return *own.FirstStart() - *control.FirstStart();
}

// How many buckets the control period has, and how much earlier they are.
std::string ControlText(const SeenSeries& own, const SeenSeries& control) {
  const Milliseconds shift = ShiftOf(own, control);
  return fmt::format("{} buckets, {} earlier", control.buckets.size(),
                     shift > Milliseconds(0) ? InWords(shift) : "not");
}

}  // namespace

const SeenNumbers& NumbersAt(const AskedRequest* asked, std::size_t place) {
  static const SeenNumbers kNone;
  if (asked == nullptr || !asked->seen) return kNone;
  if (const SeenSeries* const own = asked->seen->Find(asked->names[place].own)) return own->numbers;
  // Under whatever name.
  return asked->seen->series.size() == 1 ? asked->seen->series.front().numbers : kNone;
}

int MostSeries(const Examination& exam) {
  int most = 1;
  for (const Step step : kSeveralSeries) {
    const AskedRequest* const asked = exam.Last(step);
    if (asked == nullptr || !asked->seen || CountNamed(*asked) < asked->queries.size()) break;
    // Which of two requests is wrong is not to be told: what more than two get is not relied on.
    if (!SeriesProblem(exam, *asked).empty()) return std::min(most, 2);
    most = static_cast<int>(asked->queries.size());
  }
  return most;
}

std::string DifferentSeries(const Examination& exam) {
  if (IsFilterIgnored(exam)) return "";
  for (const Step step : kSeveralSeries) {
    const AskedRequest* const asked = exam.Last(step);
    if (asked != nullptr && asked->seen && !IsAsAsked(exam, *asked)) return asked->title;
  }
  return "";
}

std::string SharedProblem(const Examination& exam, const AskedRequest& asked, std::size_t place) {
  if (const auto same = MixAt(exam, asked, place).same) {
    return "with the numbers of " + ForMessage(asked.queries[*same].name);
  }
  for (std::size_t i = 0; i < asked.queries.size(); ++i) {
    const Mix mix = MixAt(exam, asked, i);
    if (!mix.not_as_alone && !mix.not_as_among_fewer) continue;
    return "from a request that gives " + ForMessage(asked.queries[i].name) +
           " other numbers than " + (mix.not_as_alone ? "it has alone" : "among fewer series");
  }
  return "";
}

std::string ControlProblem(const AskedRequest& asked, std::size_t place) {
  const SeenSeries* const own = asked.seen->Find(asked.names[place].own);
  const SeenSeries* const control = asked.seen->Find(asked.names[place].control);
  if (own == nullptr || control == nullptr) return "the answer has no series for it";
  if (!HasStarts(*own) || !HasStarts(*control)) {
    return SeemTheSame(own->numbers, control->numbers) ? "the same numbers as without control" : "";
  }
  const Milliseconds expected = asked.queries[place].date_range.ControlShift();
  const Milliseconds off = std::chrono::abs(ShiftOf(*own, *control) - expected);
  // The first buckets of either may be left out, without mail.
  const bool has_gaps = own->buckets.size() != control->buckets.size();
  const bool is_shifted = has_gaps ? off < expected / 4 : off == Milliseconds(0);
  return is_shifted ? "" : ControlText(*own, *control);
}

Judgement JudgeNames(const Examination& exam) {
  const AskedRequest* refused = nullptr;
  bool any = false;
  for (const AskedRequest& asked : exam.asked) {
    if (!asked.form.named) {
      // What was refused with names and is answered without them.
      if (refused == nullptr || asked.failure() != nullptr) continue;
      return {Verdict::kRefused, refused->failure()->detail + "; answered without names",
              kAsWithoutNames};
    }
    if (asked.step == Step::kFirst && asked.outcome.form == FormProblem::kMayBeNames)
      refused = &asked;
    if (!asked.seen || asked.seen->series.empty()) continue;
    any = true;
    const SeenSeries* const foreign = ForeignIn(asked);
    if (foreign == nullptr) continue;
    const std::string key = ForLog(foreign->key, 40);
    if (CountNamed(asked) == asked.names.size()) {
      return Different("there is also " + key, kNoChange);
    }
    return Different("asked for " + asked.names.front().own + ", and it came back as " + key,
                     key.starts_with("serie_")
                         ? kAsWithoutNames
                         : "No key of the configuration helps: the exporter refuses series under "
                           "other names. Please open an issue with a --report.");
  }
  if (any) return Ok("every series has its name");
  return exam.stopped.empty() ? NotSeen("no answer to a request with names") : NotAsked(exam);
}

Judgement JudgeFilter(const Examination& exam, const AskedRequest& asked) {
  const auto change = [&exam](const std::string& what) {
    return ChangeOf(
        exam, [](const Query& query) { return query.filters != Filters(); }, what,
        "Nothing: no configured query has a filter.");
  };
  if (!asked.seen) return UnansweredWith(change("Remove the filters from: "), exam, asked);
  const SeenNumbers& numbers = NumbersAt(&asked, 0);
  const SeenNumbers& mail = AllMailOver28d(exam);
  if (Compare(numbers, mail).compared == 0) {
    return NotSeen("accepted; there was nothing to compare");
  }
  if (IsFilterIgnored(exam)) {
    return Different(kFilterIgnored, change("Do not use the numbers of: "));
  }
  return Ok(fmt::format("on average {:.2f}; all mail {:.2f}", MeanOf(numbers, mail).value_or(0),
                        MeanOf(mail, numbers).value_or(0)));
}

Judgement JudgeSeries(const Examination& exam, const AskedRequest& asked) {
  const int configured = exam.subject.api.max_series_per_request;
  const int most = MostSeries(exam);
  std::string change = configured > most
                           ? fmt::format("Set api.max_series_per_request: {}.", most)
                           : fmt::format("Nothing: api.max_series_per_request is {}.", configured);
  if (!asked.seen) return UnansweredWith(change, exam, asked);
  const std::size_t named = CountNamed(asked);
  const std::size_t count = asked.queries.size();
  std::string found = fmt::format("{} of {} came back", named, count);
  if (named == 0 && asked.failure() != nullptr) {
    change = Unanswered(exam, asked, *asked.failure()).change;
  }
  if (named < count) return Different(found, change);
  const std::string problem = SeriesProblem(exam, asked);
  const std::string other = most < static_cast<int>(count) ? DifferentSeries(exam) : "";
  if (problem.empty() && other.empty()) return Ok(found);
  return Different(found + (problem.empty() ? "; but see " + other : ", " + problem),
                   IsFilterIgnored(exam) ? "See filter." : change);
}

Judgement JudgeValueList(const Examination& exam, const AskedRequest& asked) {
  const std::string change =
      ChangeOf(exam, HasList, "Write one query for each value instead of: ",
               "Nothing: no configured query has several values in a filter.");
  if (!asked.seen || asked.seen->series.empty()) return UnansweredWith(change, exam, asked);
  const SeenNumbers& either = asked.seen->series.front().numbers;
  if (SeemTheSame(either, AllMailOver28d(exam))) {
    return Different(kFilterIgnored, IsFilterIgnored(exam) ? "See filter." : change);
  }
  const AskedRequest* const two = exam.Last(Step::kTwoSeries);
  const bool has_two = two != nullptr && two->seen && IsAsAsked(exam, *two);
  const SeenNumbers& passed = NumbersAt(has_two ? two : nullptr, 0);
  const SeenNumbers& failed = NumbersAt(exam.Last(Step::kOneFilter), 0);
  if (SeemTheSame(either, passed)) return Different("only PASS of the two values counts", change);
  if (SeemTheSame(either, failed)) return Different("only FAIL of the two values counts", change);
  if (passed.empty()) {
    return NotSeen("accepted; nothing to compare it with, without two series");
  }
  const auto one = MeanOf(passed, either);
  const auto other = MeanOf(failed, either);
  const auto mean = MeanOf(either, either);
  if (!one || !other || !mean) return NotSeen("accepted, without buckets to compare");
  const auto [low, high] = std::minmax(*one, *other);
  // Numbers that are sampled are a little off.
  const double margin = 0.05 + (high - low) / 10;
  const bool is_between = *mean >= low - margin && *mean <= high + margin;
  const std::string found =
      fmt::format("on average {:.2f}; PASS alone {:.2f}, FAIL alone {:.2f}", *mean, *one, *other);
  return is_between ? Ok(found) : Different(found, change);
}

Judgement JudgeControl(const Examination& exam, const AskedRequest& asked) {
  const std::string change = ChangeOf(
      exam, [](const Query& query) { return query.control; },
      "Remove control: true from: ", "Nothing: no configured query has control: true.");
  if (!asked.seen) return UnansweredWith(change, exam, asked);
  const SeenSeries* const own = asked.seen->Find(asked.names.front().own);
  const SeenSeries* const control = asked.seen->Find(asked.names.front().control);
  const std::string problem = ControlProblem(asked, 0);
  if (!problem.empty()) {
    return Different(problem,
                     own != nullptr ? change : Unanswered(exam, asked, *asked.failure()).change);
  }
  if (own->buckets.empty() || control->buckets.empty()) {
    return NotSeen("a series without buckets");
  }
  if (!HasStarts(*own) || !HasStarts(*control)) {
    return NotSeen("without timestamps there is no telling");
  }
  return Ok(ControlText(*own, *control));
}

}  // namespace radar_spoof
