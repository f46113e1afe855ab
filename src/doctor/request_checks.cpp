#include <algorithm>

#include <fmt/format.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/poll/snapshot.h"
#include "seen_numbers.h"

namespace radar_spoof {
namespace {

RadarEndpoint Configured(const Evidence& evidence) {
  return {evidence.subject().api.base_url, evidence.subject().api.path};
}

// The last request at that endpoint which was to find out whether there is one.
const AskedRequest* LastAt(const Evidence& evidence, const RadarEndpoint& endpoint) {
  const AskedRequest* last = nullptr;
  for (const AskedRequest& each : evidence.examination.asked) {
    const bool is_path = each.step == Step::kFirst || each.step == Step::kOtherPath;
    if (is_path && each.form.endpoint == endpoint) last = &each;
  }
  return last;
}

struct Pair {
  AggInterval interval;
  std::string_view range;
  Step step;
};
constexpr Pair kPairs[] = {{AggInterval::k15m, "1d", Step::k15mOver1d},
                           {AggInterval::k1h, "7d", Step::kFirst},
                           {AggInterval::k1h, "28d", Step::k1hOver28d},
                           {AggInterval::k1d, "28d", Step::k1dOver28d},
                           {AggInterval::k1w, "52w", Step::k1wOver52w}};

// "date_range: 7d", or with a coarser interval "agg_interval: 1h and date_range: 7d"; "" where none
// of those that were tried is accepted.
std::string AcceptedInstead(const Evidence& evidence, AggInterval interval, Seconds range) {
  for (const Pair& pair : kPairs) {
    const AskedRequest* const asked = evidence.Last(pair.step);
    const bool same = pair.interval == interval;
    if (pair.interval < interval || asked == nullptr || !asked->HasSucceeded()) continue;
    if (same && DateRange::Parse(pair.range)->Length() >= range) continue;
    return same ? fmt::format("date_range: {}", pair.range)
                : fmt::format("agg_interval: {} and date_range: {}", RequestName(pair.interval),
                              pair.range);
  }
  return "";
}

bool IsRefused(const Evidence& evidence, Step step) {
  const AskedRequest* const asked = evidence.Last(step);
  return asked != nullptr && !asked->HasSucceeded();
}

// What to change in a configured query that is refused, as far as what else is refused tells it.
std::string CauseOfRefusal(const Evidence& evidence, const Query& query, std::size_t series) {
  const bool is_accepted = std::ranges::any_of(kPairs, [&](const Pair& pair) {
    const AskedRequest* const asked = evidence.Last(pair.step);
    return pair.interval == query.agg_interval && asked != nullptr && asked->HasSucceeded() &&
           DateRange::Parse(pair.range)->Length() >= query.date_range.Length();
  });
  const std::string instead =
      AcceptedInstead(evidence, query.agg_interval, query.date_range.Length());
  if (!is_accepted && !instead.empty()) return fmt::format("Give it {}.", instead);
  if (query.filters != Filters() && IsRefused(evidence, Step::kOneFilter)) return "See filter.";
  const int most = MostSeries(evidence);
  if (series > static_cast<std::size_t>(most)) {
    return fmt::format(
        "Set api.max_series_per_request: {}; until then the exporter halves such requests.", most);
  }
  if (query.control && IsRefused(evidence, Step::kControl)) return "Remove control: true from it.";
  if (HasList(query) && IsRefused(evidence, Step::kValueList)) {
    return "Write one query for each value of a filter.";
  }
  return std::string(WhatToDo(FailureReason::kRejected));
}

Judgement JudgePair(const Evidence& evidence, const Pair& pair) {
  const AskedRequest* const asked =
      pair.step == Step::kFirst ? evidence.AllMail() : evidence.Last(pair.step);
  if (asked == nullptr) return NotAsked(evidence);
  const DateRange range = DateRange::Parse(pair.range).value();
  if (const Failure* const failure = asked->failure()) {
    if (failure->reason != FailureReason::kRejected) {
      return Unanswered(evidence, *asked, *failure);
    }
    const std::string queries = QueriesFor(evidence, [&](const Query& query) {
      return query.agg_interval == pair.interval && query.date_range.Length() >= range.Length();
    });
    const std::string instead = AcceptedInstead(evidence, pair.interval, range.Length());
    const std::string change = instead.empty() ? "Give a coarser agg_interval to: " + queries
                                               : fmt::format("Give {} to: {}", instead, queries);
    return UnansweredWith(Unless(queries, "Nothing: no configured query asks for it.", change),
                          evidence, *asked);
  }
  const std::size_t buckets = asked->outcome.windows.front().value().buckets.size();
  const auto wanted = static_cast<std::size_t>(range.Length() / Length(pair.interval));
  const std::string found = fmt::format("{} complete buckets with mail, of {}", buckets, wanted);
  // The newest may be late, the first cut; of all mail no other is empty.
  if (buckets + 3 >= wanted - wanted / 20) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found,
          "Nothing: what is missing are gaps, and spikes are judged by fewer buckets."};
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
bool IsAsAllMail(const Evidence& evidence, const SeenAnswer& answer, std::size_t place) {
  const Query& query = answer.asked->queries[place];
  const SeenSeries* own = answer.Find(answer.asked->names[place].own);
  if (own == nullptr && answer.series.size() == 1) own = &answer.series.front();
  if (own == nullptr || SelectsAll(query.filters)) return false;
  return std::ranges::any_of(kPairs, [&](const Pair& pair) {
    const SeenAnswer* const all = evidence.AnswerTo(evidence.Last(pair.step));
    return pair.interval == query.agg_interval && all != nullptr && !all->series.empty() &&
           SeemTheSame(own->numbers, all->series.front().numbers);
  });
}

bool Succeeds(const SeenAnswer* answer) {
  const JsonValue* const success =
      answer == nullptr ? nullptr : answer->document.root.Find("success");
  return success != nullptr && success->boolean;
}

}  // namespace

std::string Shortened(const RadarEndpoint& endpoint) {
  const std::string& path = endpoint.path();
  return "..." + ForMessage(path.substr(std::min(path.rfind('/'), path.size())));
}

Judgement JudgePath(const Evidence& evidence) {
  const RadarEndpoint configured = Configured(evidence);
  const AskedRequest* const asked = LastAt(evidence, configured);
  if (asked == nullptr) return NotAsked(evidence);
  const auto other = configured.Alternative();
  const AskedRequest* const other_asked = other ? LastAt(evidence, *other) : nullptr;
  const bool other_answers = other_asked != nullptr && (other_asked->failure() == nullptr ||
                                                        Succeeds(evidence.AnswerTo(other_asked)));
  const std::string use_other =
      other_answers ? fmt::format("Set api.path: {}", ForMessage(other->path(), 200)) : "";
  const Failure* const failure = asked->failure();
  if (asked->status() == 0) return Unanswered(evidence, *asked, *failure);
  // What the exporter cannot use answers, too, if it says that it succeeded.
  const auto& all = evidence.examination.asked;
  const bool answers_others = std::ranges::any_of(all, [&](const AskedRequest& each) {
    return each.form.endpoint == configured && each.failure() == nullptr;
  });
  const bool is_refused = failure != nullptr && !Succeeds(evidence.AnswerTo(asked));
  if (is_refused && !(answers_others && failure->reason == FailureReason::kRejected)) {
    if (failure->reason == FailureReason::kRateLimited) return NotAsked(evidence);
    if (failure->reason == FailureReason::kUnauthorized && use_other.empty()) {
      return {Verdict::kNotAsked, "not asked: the credential was refused", ""};
    }
    Judgement judgement = Failed(evidence, *asked, *failure);
    if (!use_other.empty()) judgement.change = use_other;
    return judgement;
  }
  for (const std::string_view header : {"sunset", "deprecation"}) {
    const std::string value = asked->answer.value().Header(header);
    if (value.empty()) continue;
    return {Verdict::kDifferent,
            fmt::format("{} answers, and announces its end: {} {}", Shortened(configured), header,
                        ForLog(value, 60)),
            use_other.empty() ? std::string(kNoChange) : use_other};
  }
  const auto is_server_error = [](const AskedRequest& each) { return each.status() >= 500; };
  const auto errors = std::ranges::count_if(all, is_server_error);
  // One may pass.
  if (errors > 1) {
    return {Verdict::kDifferent,
            fmt::format("{} of {} requests with HTTP {}", errors, all.size(),
                        std::ranges::find_if(all, is_server_error)->status()),
            std::string(WhatToDo(FailureReason::kServer))};
  }
  return {Verdict::kOk, Shortened(configured) + " answers", ""};
}

Judgement JudgeOtherPath(const Evidence& evidence) {
  const RadarEndpoint configured = Configured(evidence);
  const auto other = configured.Alternative();
  if (!other) return {Verdict::kNotSeen, "the configured path has no other spelling", ""};
  const AskedRequest* const asked = LastAt(evidence, *other);
  if (asked == nullptr) return NotAsked(evidence);
  if (asked->status() == 0) return Unanswered(evidence, *asked, *asked->failure());
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer == nullptr && asked->failure()->reason == FailureReason::kUnauthorized &&
      !evidence.examination.stopped.empty()) {
    return NotAsked(evidence);
  }
  if (answer == nullptr) {
    Judgement judgement = Failed(evidence, *asked, *asked->failure());
    judgement.found = Shortened(*other) + ": " + judgement.found;
    const AskedRequest* const first = LastAt(evidence, configured);
    if (first != nullptr && first->failure() != nullptr &&
        first->failure()->detail == asked->failure()->detail &&
        JudgePath(evidence).verdict == Verdict::kOk) {
      return {Verdict::kNotSeen, Shortened(*other) + " refuses the same; nothing to compare", ""};
    }
    if (first != nullptr && evidence.AnswerTo(first) != nullptr) {
      judgement.change = "Nothing: the configured path answers.";
    }
    return judgement;
  }
  const SeenAnswer* const first = evidence.AnswerTo(LastAt(evidence, configured));
  const bool both = first != nullptr && !first->series.empty() && !answer->series.empty();
  const Likeness likeness =
      both ? Compare(first->series.front().numbers, answer->series.front().numbers) : Likeness();
  if (likeness.compared == 0) {
    return {Verdict::kNotSeen, Shortened(*other) + " answers; there was nothing to compare", ""};
  }
  const std::string found = fmt::format("{} answers; {} of {} numbers are the same",
                                        Shortened(*other), likeness.alike, likeness.compared);
  if (likeness.IsOfTheSame()) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found,
          "Keep api.path as it is, and compare the numbers before you change it."};
}

Judgement Judge15mOver1d(const Evidence& evidence) { return JudgePair(evidence, kPairs[0]); }
Judgement Judge1hOver7d(const Evidence& evidence) { return JudgePair(evidence, kPairs[1]); }
Judgement Judge1hOver28d(const Evidence& evidence) { return JudgePair(evidence, kPairs[2]); }
Judgement Judge1dOver28d(const Evidence& evidence) { return JudgePair(evidence, kPairs[3]); }
Judgement Judge1wOver52w(const Evidence& evidence) { return JudgePair(evidence, kPairs[4]); }

Judgement JudgeQuery(const Evidence& evidence, const Query& query) {
  const AskedRequest* asked = nullptr;
  std::size_t place = 0;
  for (const AskedRequest& each : evidence.examination.asked) {
    const auto found = std::ranges::find_if(
        each.queries, [&](const Query& other) { return AskTheSame(query, other); });
    // What is asked by itself says more of it than what tries something out.
    const bool tries = each.step == Step::kOtherPath || each.step == Step::kAlone ||
                       each.step == Step::kTenSeries || each.step == Step::kFiftySeries ||
                       each.step == Step::kTwoSeries;
    if (found == each.queries.end() || tries) continue;
    asked = &each;
    place = static_cast<std::size_t>(found - each.queries.begin());
  }
  if (asked == nullptr) return NotAsked(evidence);
  const auto& window = asked->outcome.windows[place];
  if (!window) {
    if (window.error().reason != FailureReason::kRejected) {
      Judgement judgement = Unanswered(evidence, *asked, window.error());
      const std::string_view row = DifferentSeries(evidence);
      if (asked->queries.size() > 1 && !row.empty() && evidence.otherwise.empty() &&
          window.error().reason == FailureReason::kValidation) {
        judgement.change =
            fmt::format("Set api.max_series_per_request: {}; see {}.", MostSeries(evidence), row);
      }
      return judgement;
    }
    return UnansweredWith(CauseOfRefusal(evidence, query, asked->queries.size()), evidence, *asked);
  }
  const QueryState state{.query = query,
                         .sample = JudgedSampleOf(query, window.value()),
                         .last_success = asked->received,
                         .polls = 1};
  const auto& sample = *state.sample;
  std::string found = fmt::format("{:.2f} %", sample.spoof.value() * 100);
  if (sample.bucket_start) found += " from " + MinuteText(*sample.bucket_start);
  const SeenAnswer* const answer = evidence.AnswerTo(asked);
  if (answer != nullptr && SeemRatios(answer->series)) {
    return {Verdict::kDifferent, found + ", a hundredth of what it should be: see values",
            std::string(kOpenAnIssue)};
  }
  if (ExchangedMean(evidence)) {
    return {Verdict::kDifferent,
            found + ", of which SPOOF of all mail makes one doubt: see classes",
            std::string(kOpenAnIssue)};
  }
  if (answer != nullptr && IsAsAllMail(evidence, *answer, place)) {
    return {Verdict::kDifferent, found + ", though its filters are ignored: as of all mail",
            "Do not use the numbers of queries with filters; please open an issue with a "
            "--report."};
  }
  if (answer != nullptr && asked->queries.size() > 1) {
    const std::string problem = SharedProblem(evidence, *answer, place);
    if (!problem.empty()) {
      return {Verdict::kDifferent, found + ", " + problem, "Set api.max_series_per_request: 1."};
    }
    const std::string_view row = DifferentSeries(evidence);
    const int most = MostSeries(evidence);
    if (!row.empty() && asked->queries.size() > static_cast<std::size_t>(most)) {
      return {
          Verdict::kDifferent,
          fmt::format("{}, from a request of {} series: see {}", found, asked->queries.size(), row),
          fmt::format("Set api.max_series_per_request: {}.", most)};
    }
  }
  const AskedRequest* const configured = LastAt(evidence, Configured(evidence));
  if (asked->form.endpoint != Configured(evidence) && configured != nullptr &&
      configured->outcome.form != FormProblem::kPathNotFound) {
    return {Verdict::kDifferent,
            fmt::format("{} at {}, and refused at {}", found, Shortened(asked->form.endpoint),
                        Shortened(Configured(evidence))),
            "Set api.path: " + ForMessage(asked->form.endpoint.path(), 200)};
  }
  const Judgement list = HasList(query) ? JudgeValueList(evidence) : Judgement();
  if (list.verdict == Verdict::kDifferent || list.verdict == Verdict::kRefused) {
    return {Verdict::kDifferent, found + ", of a list: see comma list", list.change};
  }
  if (query.control && answer != nullptr) {
    std::string problem = ControlProblem(*answer, place);
    if (problem.empty() && window.value().control.empty()) problem = "no bucket can be used";
    if (!problem.empty()) {
      return {Verdict::kDifferent,
              fmt::format("{}, without its control period: {}", found, problem),
              "Remove control: true from it."};
    }
  }
  if (!IsFresh(state, evidence.subject().polling, asked->received)) {
    return {Verdict::kDifferent, found + ", too old to be shown",
            "Wait for newer data, or raise polling.max_data_age."};
  }
  return {Verdict::kOk, found, ""};
}

}  // namespace radar_spoof
