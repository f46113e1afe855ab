#include <algorithm>

#include <fmt/format.h>

#include "checks.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

// All mail, in pairs of an interval and a range; fine intervals first, and short ranges.
constexpr Step kPairs[] = {Step::k15mOver1d, Step::kFirst, Step::k1hOver28d, Step::k1dOver28d,
                           Step::k1wOver52w};

// The last request at that endpoint which was to find out whether there is one.
const AskedRequest* LastAt(const Examination& exam, const RadarEndpoint& endpoint) {
  const AskedRequest* last = nullptr;
  for (const AskedRequest& each : exam.asked) {
    const bool is_path = each.step == Step::kFirst || each.step == Step::kOtherPath;
    if (is_path && each.form.endpoint == endpoint) last = &each;
  }
  return last;
}

// "date_range: 7d", or with a coarser interval "agg_interval: 1h and date_range: 7d"; "" where none
// of those that were tried is accepted.
std::string AcceptedInstead(const Examination& exam, const Query& query) {
  for (const Step step : kPairs) {
    const AskedRequest* const asked = exam.Last(step);
    if (asked == nullptr || !asked->HasSucceeded()) continue;
    const Query& pair = asked->queries.front();
    if (pair.agg_interval > query.agg_interval) {
      return fmt::format("agg_interval: {} and date_range: {}", RequestName(pair.agg_interval),
                         pair.date_range.Text());
    }
    if (pair.agg_interval == query.agg_interval &&
        pair.date_range.Length() < query.date_range.Length()) {
      return "date_range: " + pair.date_range.Text();
    }
  }
  return "";
}

// What to change in a configured query that is refused, as far as what else is refused tells it.
std::string CauseOfRefusal(const Examination& exam, const AskedRequest& asked, std::size_t place) {
  const Query& query = asked.queries[place];
  const bool is_accepted = std::ranges::any_of(kPairs, [&](Step step) {
    const AskedRequest* const pair = exam.Last(step);
    return pair != nullptr && pair->HasSucceeded() &&
           pair->queries.front().agg_interval == query.agg_interval &&
           pair->queries.front().date_range.Length() >= query.date_range.Length();
  });
  const std::string instead = AcceptedInstead(exam, query);
  if (!is_accepted && !instead.empty()) return "Give it " + instead + '.';
  if (query.filters != Filters() && exam.WasRefused(Step::kOneFilter)) return "See filter.";
  if (query.control && exam.WasRefused(Step::kControl)) return "Remove control: true from it.";
  if (HasList(query) && exam.WasRefused(Step::kValueList)) {
    return "Write one query for each value of a filter.";
  }
  const int most = MostSeries(exam);
  if (asked.queries.size() > 1 && asked.CountSeries() > most) {
    return fmt::format(
        "Set api.max_series_per_request: {}; until then the exporter halves such requests.", most);
  }
  return std::string(WhatToDo(FailureReason::kRejected));
}

// Whether its filters select all mail, value by value.
bool SelectsAll(const Filters& filters) {
  return std::ranges::all_of(kAllDimensions, [&filters](Dimension dimension) {
    const std::string label = filters.Label(dimension);
    const auto values = static_cast<std::size_t>(std::ranges::count(label, ',')) + 1;
    return filters.IsAny(dimension) || values == LegalValues(dimension).size();
  });
}

// Whether a query with filters got the numbers of all mail.
bool IsAsAllMail(const Examination& exam, const AskedRequest& asked, std::size_t place) {
  const Query& query = asked.queries[place];
  if (SelectsAll(query.filters)) return false;
  return std::ranges::any_of(kPairs, [&](Step step) {
    const AskedRequest* const all = exam.Last(step);
    return all != nullptr && all->queries.front().agg_interval == query.agg_interval &&
           SeemTheSame(NumbersAt(&asked, place), NumbersAt(all, 0));
  });
}

bool SaysItSucceeds(const AskedRequest& asked) {
  const JsonValue* const success = asked.seen ? asked.seen->document.root.Find("success") : nullptr;
  return success != nullptr && success->boolean;
}

// The last request for that query and its place there. What is asked by itself says more of it than
// what tries something out.
std::pair<const AskedRequest*, std::size_t> RequestFor(const Examination& exam,
                                                       const Query& query) {
  std::pair<const AskedRequest*, std::size_t> last{};
  for (const AskedRequest& each : exam.asked) {
    const auto found = std::ranges::find_if(
        each.queries, [&](const Query& other) { return AskTheSame(query, other); });
    const bool tries = each.step == Step::kOtherPath || each.step == Step::kAlone ||
                       each.step == Step::kTenSeries || each.step == Step::kFiftySeries ||
                       each.step == Step::kTwoSeries;
    if (found == each.queries.end() || tries) continue;
    last = {&each, static_cast<std::size_t>(found - each.queries.begin())};
  }
  return last;
}

Judgement JudgeQueryWithout(const Examination& exam, const AskedRequest& asked, std::size_t place) {
  const Failure& failure = asked.outcome.windows[place].error();
  if (failure.reason == FailureReason::kRejected) {
    return UnansweredWith(CauseOfRefusal(exam, asked, place), exam, asked);
  }
  Judgement judgement = Unanswered(exam, asked, failure);
  const std::string row = DifferentSeries(exam);
  if (asked.queries.size() > 1 && !row.empty() && failure.reason == FailureReason::kValidation &&
      OtherwiseInAnswers(exam).empty()) {
    judgement.change =
        fmt::format("Set api.max_series_per_request: {}; see {}.", MostSeries(exam), row);
  }
  return judgement;
}

}  // namespace

Judgement JudgePath(const Examination& exam) {
  const RadarEndpoint configured = exam.subject.endpoint();
  const AskedRequest* const asked = LastAt(exam, configured);
  if (asked == nullptr) return NotAsked(exam);
  const auto other = configured.Alternative();
  const AskedRequest* const other_asked = other ? LastAt(exam, *other) : nullptr;
  const bool other_answers =
      other_asked != nullptr && (other_asked->failure() == nullptr || SaysItSucceeds(*other_asked));
  const std::string use_other =
      other_answers ? "Set api.path: " + ForMessage(other->path(), 200) : "";
  const Failure* const failure = asked->failure();
  if (asked->status() == 0) return Unanswered(exam, *asked, *failure);
  const bool answers_others = std::ranges::any_of(exam.asked, [&](const AskedRequest& each) {
    return each.form.endpoint == configured && each.failure() == nullptr;
  });
  // What the exporter cannot use answers, too, if it says that it succeeded.
  const bool is_refused = failure != nullptr && !SaysItSucceeds(*asked);
  if (is_refused && !(answers_others && failure->reason == FailureReason::kRejected)) {
    if (failure->reason == FailureReason::kRateLimited) return NotAsked(exam);
    if (failure->reason == FailureReason::kUnauthorized && use_other.empty()) {
      return {Verdict::kNotAsked, "not asked: the credential was refused", ""};
    }
    Judgement judgement = Failed(exam, *asked, *failure);
    if (!use_other.empty()) judgement.change = use_other;
    return judgement;
  }
  for (const std::string header : {"sunset", "deprecation"}) {
    const std::string value = asked->Header(header);
    if (value.empty()) continue;
    return Different(Shortened(configured) + " answers, and announces its end: " + header + ' ' +
                         ForLog(value, 60),
                     use_other.empty() ? kNoChange : use_other);
  }
  const auto is_server_error = [](const AskedRequest& each) { return each.status() >= 500; };
  const auto errors = std::ranges::count_if(exam.asked, is_server_error);
  if (errors <= 1) return Ok(Shortened(configured) + " answers");  // one may pass
  return Different(fmt::format("{} of {} requests with HTTP {}", errors, exam.asked.size(),
                               std::ranges::find_if(exam.asked, is_server_error)->status()),
                   std::string(WhatToDo(FailureReason::kServer)));
}

Judgement JudgeOtherPath(const Examination& exam) {
  const RadarEndpoint configured = exam.subject.endpoint();
  const auto other = configured.Alternative();
  if (!other) return NotSeen("the configured path has no other spelling");
  const AskedRequest* const asked = LastAt(exam, *other);
  if (asked == nullptr) return NotAsked(exam);
  if (asked->status() == 0) return Unanswered(exam, *asked, *asked->failure());
  const AskedRequest* const first = LastAt(exam, configured);
  const std::string name = Shortened(*other);
  if (!asked->seen) {
    if (asked->FailedFor(FailureReason::kUnauthorized) && !exam.stopped.empty()) {
      return NotAsked(exam);
    }
    Judgement judgement = Failed(exam, *asked, *asked->failure());
    judgement.found = name + ": " + judgement.found;
    if (first != nullptr && first->failure() != nullptr &&
        first->failure()->detail == asked->failure()->detail &&
        JudgePath(exam).verdict == Verdict::kOk) {
      return NotSeen(name + " refuses the same; nothing to compare");
    }
    if (first != nullptr && first->seen) {
      judgement.change = "Nothing: the configured path answers.";
    }
    return judgement;
  }
  const Likeness likeness = Compare(NumbersAt(first, 0), NumbersAt(asked, 0));
  if (likeness.compared == 0) return NotSeen(name + " answers; there was nothing to compare");
  const std::string found = fmt::format("{} answers; {} of {} numbers are the same", name,
                                        likeness.alike, likeness.compared);
  if (likeness.IsOfTheSame()) return Ok(found);
  return Different(found, "Keep api.path as it is, and compare the numbers before you change it.");
}

Judgement JudgePair(const Examination& exam, const AskedRequest& asked) {
  const Query& pair = asked.queries.front();
  if (const Failure* const failure = asked.failure()) {
    if (failure->reason != FailureReason::kRejected) return Unanswered(exam, asked, *failure);
    const std::string instead = AcceptedInstead(exam, pair);
    const auto asks_for_it = [&](const Query& query) {
      return query.agg_interval == pair.agg_interval &&
             query.date_range.Length() >= pair.date_range.Length();
    };
    return UnansweredWith(
        ChangeOf(exam, asks_for_it,
                 instead.empty() ? "Give a coarser agg_interval to: " : "Give " + instead + " to: ",
                 "Nothing: no configured query asks for it."),
        exam, asked);
  }
  const std::size_t buckets = asked.outcome.windows.front().value().buckets.size();
  const auto wanted =
      static_cast<std::size_t>(pair.date_range.Length() / Length(pair.agg_interval));
  const std::string found = fmt::format("{} complete buckets with mail, of {}", buckets, wanted);
  // The newest may be late, the first cut; of all mail no other is empty.
  if (buckets + 3 >= wanted - wanted / 20) return Ok(found);
  return Different(found,
                   "Nothing: what is missing are gaps, and spikes are judged by fewer buckets.");
}

Judgement JudgeQuery(const Examination& exam, const Query& query) {
  const auto [asked, place] = RequestFor(exam, query);
  if (asked == nullptr) return NotAsked(exam);
  const auto& window = asked->outcome.windows[place];
  if (!window) return JudgeQueryWithout(exam, *asked, place);
  const QueryState state{.query = query,
                         .sample = JudgedSampleOf(query, window.value()),
                         .last_success = asked->received,
                         .polls = 1};
  std::string found = fmt::format("{:.2f} %", state.sample->spoof.value() * 100);
  if (state.sample->bucket_start) found += " from " + MinuteText(*state.sample->bucket_start);
  const auto different = [&found](const std::string& why, std::string change) {
    return Different(found + why, std::move(change));
  };
  if (asked->seen && asked->seen->HasRatios()) {
    return different(", a hundredth of what it should be: see values", kOpenAnIssue);
  }
  if (ExchangedMean(exam)) {
    return different(", of which SPOOF of all mail makes one doubt: see classes", kOpenAnIssue);
  }
  if (IsAsAllMail(exam, *asked, place)) {
    return different(", though its filters are ignored: as of all mail",
                     "Do not use the numbers of queries with filters; please open an issue with a "
                     "--report.");
  }
  if (asked->seen && asked->queries.size() > 1) {
    const std::string problem = SharedProblem(exam, *asked, place);
    if (!problem.empty()) return different(", " + problem, "Set api.max_series_per_request: 1.");
    const std::string row = DifferentSeries(exam);
    const int most = MostSeries(exam);
    const int series = asked->CountSeries();
    if (!row.empty() && series > most) {
      return different(fmt::format(", from a request of {} series: see {}", series, row),
                       fmt::format("Set api.max_series_per_request: {}.", most));
    }
  }
  const RadarEndpoint configured = exam.subject.endpoint();
  const AskedRequest* const there = LastAt(exam, configured);
  if (asked->form.endpoint != configured && there != nullptr &&
      there->outcome.form != FormProblem::kPathNotFound) {
    return different(
        " at " + Shortened(asked->form.endpoint) + ", and refused at " + Shortened(configured),
        "Set api.path: " + ForMessage(asked->form.endpoint.path(), 200));
  }
  const AskedRequest* const list = HasList(query) ? exam.Last(Step::kValueList) : nullptr;
  if (list != nullptr && JudgeValueList(exam, *list).IsOtherwise()) {
    return different(", of a list: see comma list", JudgeValueList(exam, *list).change);
  }
  if (query.control && asked->seen) {
    std::string problem = ControlProblem(*asked, place);
    if (problem.empty() && window.value().control.empty()) problem = "no bucket can be used";
    if (!problem.empty()) {
      return different(", without its control period: " + problem, "Remove control: true from it.");
    }
  }
  if (!IsFresh(state, exam.subject.polling, asked->received)) {
    return different(", too old to be shown",
                     "Wait for newer data, or raise polling.max_data_age.");
  }
  return Ok(found);
}

}  // namespace radar_spoof
