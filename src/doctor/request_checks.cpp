#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

constexpr double kSameNumber = 1e-6;

// ".../spoof"
std::string Shortened(const RadarEndpoint& endpoint) {
  const std::string& path = endpoint.path();
  return "..." + ForMessage(path.substr(std::min(path.rfind('/'), path.size())));
}

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

// SPOOF of the complete buckets, by their start or else by their place.
std::map<std::int64_t, double> Numbers(const SeenSeries& series) {
  std::map<std::int64_t, double> numbers;
  const auto buckets = series.Complete();
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto spoof = buckets[i].Spoof();
    if (!spoof || buckets[i].IsEmpty()) continue;
    const auto& start = buckets[i].start;
    numbers[start ? start->time_since_epoch().count() : static_cast<std::int64_t>(i)] = *spoof;
  }
  return numbers;
}

// Of those that are in both, how many are alike; {compared, alike}.
std::pair<std::size_t, std::size_t> CountAlike(const std::map<std::int64_t, double>& one,
                                               const std::map<std::int64_t, double>& other) {
  std::pair<std::size_t, std::size_t> counts{0, 0};
  for (const auto& [place, number] : one) {
    const auto found = other.find(place);
    if (found == other.end()) continue;
    ++counts.first;
    if (std::abs(found->second - number) < kSameNumber) ++counts.second;
  }
  return counts;
}

bool AreAlike(const std::map<std::int64_t, double>& one,
              const std::map<std::int64_t, double>& other) {
  const auto [compared, alike] = CountAlike(one, other);
  return compared > 0 && alike == compared;
}

// The same mail, though some numbers may have been revised in between and the first cut. Those that
// are 0 or 100 tell nothing, and two may be the same by chance.
bool SeemTheSame(const std::map<std::int64_t, double>& one,
                 const std::map<std::int64_t, double>& other) {
  constexpr std::ptrdiff_t kTelling = 3;
  const auto [compared, alike] = CountAlike(one, other);
  const auto telling = std::ranges::count_if(one, [&other](const auto& each) {
    const auto& [place, number] = each;
    const auto found = other.find(place);
    return number > 0 && number < 100 && found != other.end() &&
           std::abs(found->second - number) < kSameNumber;
  });
  return telling >= kTelling && alike + 1 + compared / 20 >= compared;
}

// The mean of those whose places `as` has, too.
std::optional<double> Mean(const std::map<std::int64_t, double>& numbers,
                           const std::map<std::int64_t, double>& as) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [place, number] : numbers) {
    if (!as.contains(place)) continue;
    sum += number;
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

std::string Unless(const std::string& queries, std::string_view nothing, std::string change) {
  return queries.empty() ? std::string(nothing) : std::move(change);
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
    if (pair.interval < interval || asked == nullptr || asked->failure() != nullptr) continue;
    if (same && DateRange::Parse(pair.range)->Length() >= range) continue;
    return same ? fmt::format("date_range: {}", pair.range)
                : fmt::format("agg_interval: {} and date_range: {}", RequestName(pair.interval),
                              pair.range);
  }
  return "";
}

bool IsRefused(const Evidence& evidence, Step step) {
  const AskedRequest* const asked = evidence.Last(step);
  return asked != nullptr && asked->failure() != nullptr;
}

bool HasList(const Query& query) {
  return FilterText(query.filters).find(',') != std::string::npos;
}

// What to change in a configured query that is refused, as far as what else is refused tells it.
std::string CauseOfRefusal(const Evidence& evidence, const Query& query) {
  if (query.control && IsRefused(evidence, Step::kControl)) return "Remove control: true from it.";
  if (HasList(query) && IsRefused(evidence, Step::kValueList)) {
    return "Write one query for each value of a filter.";
  }
  const bool is_accepted = std::ranges::any_of(kPairs, [&](const Pair& pair) {
    const AskedRequest* const asked = evidence.Last(pair.step);
    return pair.interval == query.agg_interval && asked != nullptr && asked->failure() == nullptr &&
           DateRange::Parse(pair.range)->Length() >= query.date_range.Length();
  });
  const std::string instead =
      AcceptedInstead(evidence, query.agg_interval, query.date_range.Length());
  return is_accepted || instead.empty() ? "" : fmt::format("Give it {}.", instead);
}

Judgement JudgePair(const Evidence& evidence, const Pair& pair) {
  const AskedRequest* const asked = evidence.Last(pair.step);
  if (asked == nullptr) return NotAsked(evidence);
  const DateRange range = DateRange::Parse(pair.range).value();
  if (const Failure* const failure = asked->failure()) {
    Judgement judgement = Unanswered(evidence, *asked, *failure);
    if (failure->reason != FailureReason::kRejected || asked->IsRedirected()) return judgement;
    const std::string queries = QueriesFor(evidence, [&](const Query& query) {
      return query.agg_interval == pair.interval && query.date_range.Length() >= range.Length();
    });
    const std::string instead = AcceptedInstead(evidence, pair.interval, range.Length());
    judgement.change = Unless(queries, "Nothing: no configured query asks for it.",
                              instead.empty() ? "Give a coarser agg_interval to: " + queries
                                              : fmt::format("Give {} to: {}", instead, queries));
    return judgement;
  }
  const std::size_t buckets = asked->outcome.windows.front().value().buckets.size();
  const auto wanted = static_cast<std::size_t>(range.Length() / Length(pair.interval));
  const std::string found = fmt::format("{} complete buckets with mail, of {}", buckets, wanted);
  // The newest may be late, the first cut; of all mail no other is empty.
  if (buckets + 3 >= wanted - wanted / 20) return {Verdict::kOk, found, ""};
  return {Verdict::kDifferent, found,
          "Nothing: what is missing are gaps, and spikes are judged by fewer buckets."};
}

// Which of the names that were asked for came back.
std::size_t CountNamed(const SeenAnswer& answer) {
  return static_cast<std::size_t>(std::ranges::count_if(
      answer.asked->names,
      [&answer](const SeriesNames& names) { return answer.Find(names.own) != nullptr; }));
}

// Of series with different filters: which have the same numbers as another, or as all mail. "":
// none.
std::string SameNumbersIn(const Evidence& evidence, const SeenAnswer& answer) {
  std::vector<std::map<std::int64_t, double>> all;
  for (const SeenSeries& series : answer.series) all.push_back(Numbers(series));
  const SeenAnswer* const unfiltered = evidence.AnswerTo(evidence.Last(Step::k1dOver28d));
  const bool is_there = unfiltered != nullptr && !unfiltered->series.empty();
  const auto mail =
      is_there ? Numbers(unfiltered->series.front()) : std::map<std::int64_t, double>();
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

// How many series a request may have, as far as was tried.
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

// As Unanswered(), but with this to change where it is the request that was refused.
Judgement UnansweredWith(const std::string& change, const Evidence& evidence,
                         const AskedRequest& asked) {
  Judgement judgement = Unanswered(evidence, asked, *asked.failure());
  if (judgement.verdict != Verdict::kNotAsked && !asked.IsRedirected()) judgement.change = change;
  return judgement;
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
           SeemTheSame(Numbers(*own), Numbers(all->series.front()));
  });
}

bool Succeeds(const SeenAnswer* answer) {
  const JsonValue* const success =
      answer == nullptr ? nullptr : answer->document.root.Find("success");
  return success != nullptr && success->boolean;
}

}  // namespace

Judgement JudgePath(const Evidence& evidence) {
  const RadarEndpoint configured = Configured(evidence);
  const AskedRequest* const asked = LastAt(evidence, configured);
  if (asked == nullptr) return NotAsked(evidence);
  const auto other = configured.Alternative();
  const AskedRequest* const other_asked = other ? LastAt(evidence, *other) : nullptr;
  const bool other_answers = other_asked != nullptr && other_asked->failure() == nullptr;
  const std::string use_other =
      other_answers ? fmt::format("Set api.path: {}", ForMessage(other->path(), 200)) : "";
  const Failure* const failure = asked->failure();
  if (asked->status() == 0) return Unanswered(evidence, *asked, *failure);
  // What the exporter cannot use answers, too, if it says that it succeeded.
  if (failure != nullptr && !Succeeds(evidence.AnswerTo(asked))) {
    Judgement judgement = Failed(*asked, *failure);
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
  if (answer == nullptr) {
    Judgement judgement = Failed(*asked, *asked->failure());
    judgement.found = Shortened(*other) + ": " + judgement.found;
    const AskedRequest* const first = LastAt(evidence, configured);
    if (first != nullptr && evidence.AnswerTo(first) != nullptr) {
      judgement.change = "Nothing: the configured path answers.";
    }
    return judgement;
  }
  const SeenAnswer* const first = evidence.AnswerTo(LastAt(evidence, configured));
  const bool both = first != nullptr && !first->series.empty() && !answer->series.empty();
  const auto [compared, alike] =
      both ? CountAlike(Numbers(first->series.front()), Numbers(answer->series.front()))
           : std::pair<std::size_t, std::size_t>();
  if (compared == 0) {
    return {Verdict::kNotSeen, Shortened(*other) + " answers; there was nothing to compare", ""};
  }
  const std::string found =
      fmt::format("{} answers; {} of {} numbers are the same", Shortened(*other), alike, compared);
  // Some may have been revised in between.
  if (alike * 20 >= compared * 19) return {Verdict::kOk, found, ""};
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
    const bool tries = each.step == Step::kOtherPath || each.step == Step::kTenSeries ||
                       each.step == Step::kFiftySeries || each.step == Step::kTwoSeries;
    if (found == each.queries.end() || tries) continue;
    asked = &each;
    place = static_cast<std::size_t>(found - each.queries.begin());
  }
  if (asked == nullptr) return NotAsked(evidence);
  const auto& window = asked->outcome.windows[place];
  if (!window) {
    Judgement judgement = Unanswered(evidence, *asked, window.error());
    if (asked->IsRedirected()) return judgement;
    const std::string cause = CauseOfRefusal(evidence, query);
    const int most = MostSeries(evidence);
    if (window.error().reason == FailureReason::kRejected &&
        asked->queries.size() > static_cast<std::size_t>(most)) {
      judgement.change = fmt::format(
          "Set api.max_series_per_request: {}; until then the exporter halves such requests.",
          most);
    } else if (window.error().reason == FailureReason::kRejected && !cause.empty()) {
      judgement.change = cause;
    }
    return judgement;
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
  if (answer != nullptr && IsAsAllMail(evidence, *answer, place)) {
    return {Verdict::kDifferent, found + ", though its filters are ignored: as of all mail",
            "Do not use the numbers of queries with filters; please open an issue with a "
            "--report."};
  }
  const Judgement list = HasList(query) ? JudgeValueList(evidence) : Judgement();
  if (list.verdict == Verdict::kDifferent) {
    return {Verdict::kDifferent, found + ", of a list: see comma list", list.change};
  }
  if (!IsFresh(state, evidence.subject().polling, asked->received)) {
    return {Verdict::kDifferent, found + ", too old to be shown",
            "Wait for newer data, or raise polling.max_data_age."};
  }
  return {Verdict::kOk, found, ""};
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
  const auto either = Numbers(list->series.front());
  const auto passed = Numbers(*two->Find(two_asked->names[0].own));
  const auto failed = Numbers(*two->Find(two_asked->names[1].own));
  const SeenAnswer* const all = evidence.AnswerTo(evidence.Last(Step::k1dOver28d));
  if (all != nullptr && !all->series.empty() && AreAlike(either, Numbers(all->series.front()))) {
    return {Verdict::kDifferent, "the filter is ignored: the numbers are those of all mail",
            change};
  }
  if (AreAlike(either, passed) || AreAlike(either, failed)) {
    return {
        Verdict::kDifferent,
        fmt::format("only {} of the two values counts", AreAlike(either, passed) ? "PASS" : "FAIL"),
        change};
  }
  const auto one = Mean(passed, either);
  const auto other = Mean(failed, either);
  const auto mean = Mean(either, either);
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
    return AreAlike(Numbers(*own), Numbers(*control))
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
