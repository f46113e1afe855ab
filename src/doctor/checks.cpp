#include "checks.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

struct Check {
  std::string_view name;
  std::string_view expected;
  Judgement (*judge)(const Evidence&);  // nullptr: a row a configured query
  bool is_of_answers = false;           // of what they hold, whatever was asked
};

constexpr std::string_view kQueryRow = "query NAME";

constexpr Check kChecks[] = {
    {"address", "The host of api.base_url has an address that takes connections.", JudgeAddress},
    {"proxy", "As api.proxy says; never for plain HTTP.", JudgeProxy},
    {"TLS", "1.2 or 1.3 and a certificate that is trusted; plain HTTP only to this machine.",
     JudgeTls},
    {"clock", "This host's clock is within 30 seconds of the Date header.", JudgeClock},
    {"latency", "Each answer comes within half of api.timeout.", JudgeLatency},
    {"token", "It is accepted and may read Radar.", JudgeToken},
    {"path", "The configured api.path answers, without redirects or errors.", JudgePath},
    {"other path", "The path's other spelling answers with the same numbers.", JudgeOtherPath},
    {"15m over 1d", "Accepted, with all its buckets.", Judge15mOver1d},
    {"1h over 7d", "Accepted, with all its buckets.", Judge1hOver7d},
    {"1h over 28d", "Accepted, with all its buckets.", Judge1hOver28d},
    {"1d over 28d", "Accepted, with all its buckets.", Judge1dOver28d},
    {"1w over 52w", "Accepted, with all its buckets.", Judge1wOver52w},
    {kQueryRow, "The exporter gets a value, of the query's own filters.", nullptr},
    {"names", "A series comes back under the name it was asked for.", JudgeNames, true},
    {"filter", "spf=FAIL selects a part of the mail.", JudgeFilter},
    {"two series", "Both come back, each with its own filters.", JudgeTwoSeries},
    {"ten series", "All come back, each with its own filters.", JudgeTenSeries},
    {"fifty series", "All come back, each with its own filters.", JudgeFiftySeries},
    {"comma list", "spf=PASS,FAIL selects mail with either.", JudgeValueList},
    {"control period", "7dcontrol gives the same buckets a week earlier.", JudgeControl},
    {"envelope", "JSON with success: true and an object result, as documented.", JudgeEnvelope,
     true},
    {"timestamps", "One a value, in order, in UTC, the start of its bucket; weeks begin on Monday.",
     JudgeTimestamps, true},
    {"newest bucket", "None begins after lastUpdated; the last may still be filling.",
     JudgeNewestBucket, true},
    {"date range", "meta.dateRange lists ranges as long as was asked, up to now.", JudgeDateRange,
     true},
    {"interval", "meta.aggInterval is the one that was asked for.", JudgeInterval, true},
    {"normalization", "PERCENTAGE.", JudgeNormalization, true},
    {"units", "requests.", JudgeUnits},
    {"values", "Decimal numbers in quotes, percentages from 0 to 100.", JudgeValues, true},
    {"sums", "SPOOF and NOT_SPOOF add up to 100.", JudgeSums, true},
    {"classes", "SPOOF and NOT_SPOOF, and no others; SPOOF is the smaller.", JudgeClasses, true},
    {"empty buckets", "0 or null in both classes, or left out.", JudgeEmptyBuckets, true},
    {"confidence", "A level from 1 to 5, at least in some answers.", JudgeConfidence},
    {"annotations", "A list, of the event types that are documented, with times.", JudgeAnnotations,
     true},
    {"lag", "meta.lastUpdated is a quarter hour, at most 75 minutes ago.", JudgeLag, true},
    {"rate limit", "Ratelimit and Ratelimit-Policy on every answer.", JudgeRateLimit},
    {"budget", "The API allows as much as api.rate_limit does.", JudgeBudget},
};

CheckRow RowOf(std::string name, std::string_view expected, Judgement judgement,
               const Redactor& redactor) {
  const auto harmless = [&](std::string_view text) {
    return WithoutIdentity(redactor.Redacted(text));
  };
  return {std::move(name), judgement.verdict, std::string(expected), harmless(judgement.found),
          std::move(judgement.change)};
}

std::vector<std::string_view> OtherwiseIn(const Evidence& evidence) {
  std::vector<std::string_view> names;
  for (const Check& check : kChecks) {
    if (!check.is_of_answers) continue;
    const Judgement judgement = check.judge(evidence);
    const bool copes =
        judgement.change.starts_with("Nothing:") || judgement.change.starts_with("See ");
    if (judgement.verdict == Verdict::kDifferent && !copes) names.push_back(check.name);
  }
  return names;
}

// The row of what such a request is made of, if that was refused, too.
std::string_view SimplerRefused(const Evidence& evidence, Step step) {
  const auto refused = [&evidence](Step other) {
    const AskedRequest* const asked = evidence.Last(other);
    return asked != nullptr && asked->failure() != nullptr && !asked->HasSucceeded();
  };
  const bool any_pair =
      evidence.AllMail()->HasSucceeded() ||
      !(refused(Step::k15mOver1d) && refused(Step::k1dOver28d) && refused(Step::k1wOver52w));
  if (!any_pair) return "path";
  switch (step) {
    case Step::kControl: return !evidence.AllMail()->HasSucceeded() ? "1h over 7d" : "";
    case Step::kTwoSeries:
    case Step::kTenSeries:
    case Step::kFiftySeries:
    case Step::kValueList:
      if (refused(Step::kOneFilter) && !refused(Step::k1dOver28d)) return "filter";
      [[fallthrough]];
    case Step::kOneFilter: return refused(Step::k1dOver28d) ? "1d over 28d" : "";
    case Step::kFirst:
    case Step::kOtherPath:
    case Step::k15mOver1d:
    case Step::k1hOver28d:
    case Step::k1dOver28d:
    case Step::k1wOver52w:
    case Step::kNarrow:
    case Step::kConfigured:
    case Step::kAlone: break;
  }
  return "";
}

std::string LocationOf(const AskedRequest& asked) {
  const std::string location = asked.answer.value().Header("location");
  const std::string host = HostAndPort(location);
  return location.empty()
             ? ""
             : fmt::format(", to {}", host.empty() ? "another path" : ForLog(host, 60));
}

}  // namespace

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kDifferent: return "different";
    case Verdict::kRefused: return "refused";
    case Verdict::kNotSeen: return "not seen";
    case Verdict::kNotAsked: return "not asked";
  }
  return "";
}

std::vector<CheckDescription> CheckCatalog() {
  std::vector<CheckDescription> catalog;
  for (const Check& check : kChecks) catalog.push_back({check.name, check.expected});
  return catalog;
}

std::vector<CheckRow> Judge(const Examination& examination, const Redactor& redactor) {
  Evidence evidence{examination, SeenIn(examination)};
  evidence.otherwise = OtherwiseIn(evidence);
  std::vector<CheckRow> rows;
  for (const Check& check : kChecks) {
    if (check.judge != nullptr) {
      rows.push_back(
          RowOf(std::string(check.name), check.expected, check.judge(evidence), redactor));
      continue;
    }
    for (const Query& query : examination.plan.queries) {
      rows.push_back(RowOf("query " + ForMessage(query.name), check.expected,
                           JudgeQuery(evidence, query), redactor));
    }
  }
  return rows;
}

bool IsAllWell(const Examination& examination, std::span<const CheckRow> rows) {
  return examination.stopped.empty() && std::ranges::none_of(rows, [](const CheckRow& row) {
           return row.verdict != Verdict::kOk && row.verdict != Verdict::kNotSeen;
         });
}

const AskedRequest* Evidence::Last(Step step) const {
  const auto& asked = examination.asked;
  const auto found = std::find_if(asked.rbegin(), asked.rend(),
                                  [step](const AskedRequest& each) { return each.step == step; });
  return found == asked.rend() ? nullptr : &*found;
}

const AskedRequest* Evidence::AllMail() const {
  const AskedRequest* const first = Last(Step::kFirst);
  const AskedRequest* const other = Last(Step::kOtherPath);
  const bool only_there =
      first != nullptr && first->failure() != nullptr && other != nullptr &&
      (other->failure() == nullptr || (other->HasSucceeded() && !first->HasSucceeded()));
  return only_there ? other : first;
}

const SeenAnswer* Evidence::AnswerTo(const AskedRequest* asked) const {
  const auto found = std::ranges::find(answers, asked, &SeenAnswer::asked);
  return found == answers.end() ? nullptr : &*found;
}

std::vector<const SeenSeries*> Evidence::AllSeries() const {
  std::vector<const SeenSeries*> all;
  for (const SeenAnswer& answer : answers) {
    for (const SeenSeries& series : answer.series) all.push_back(&series);
  }
  return all;
}

Judgement NotAsked(const Evidence& evidence) {
  const std::string& why = evidence.examination.stopped;
  return {Verdict::kNotAsked, why.empty() ? "not asked" : "not asked: " + why, ""};
}

Judgement Failed(const Evidence& evidence, const AskedRequest& asked, const Failure& failure) {
  if (asked.IsRedirected()) {
    return {Verdict::kRefused, failure.detail + LocationOf(asked),
            "Set api.base_url and api.path to where it leads, if that is Cloudflare's."};
  }
  const bool refused = asked.status() != 0 && (asked.status() < 200 || asked.status() >= 300);
  const bool is_of_answer =
      (failure.reason == FailureReason::kValidation || failure.reason == FailureReason::kEmpty) &&
      !evidence.otherwise.empty();
  const std::string change = is_of_answer
                                 ? fmt::format("See {}.", fmt::join(evidence.otherwise, ", "))
                                 : std::string(WhatToDo(failure.reason));
  return {refused ? Verdict::kRefused : Verdict::kDifferent,
          asked.status() == 0 ? fmt::format("{}: {}", InPlainWords(failure.reason), failure.detail)
                              : failure.detail,
          change};
}

Judgement Unanswered(const Evidence& evidence, const AskedRequest& asked, const Failure& failure) {
  const bool is_last = &asked == &evidence.examination.asked.back();
  const bool ended_it = is_last || failure.reason == FailureReason::kUnauthorized;
  if (ended_it && !evidence.examination.stopped.empty()) return NotAsked(evidence);
  if (failure.reason == FailureReason::kNotFound) {
    return {Verdict::kNotAsked, "not asked: the path was not found", ""};
  }
  return Failed(evidence, asked, failure);
}

Judgement NothingSeen(const Evidence& evidence) {
  if (!evidence.examination.stopped.empty()) return NotAsked(evidence);
  return {Verdict::kNotSeen, "no answer shows it", ""};
}

Judgement UnansweredWith(const std::string& change, const Evidence& evidence,
                         const AskedRequest& asked) {
  Judgement judgement = Unanswered(evidence, asked, *asked.failure());
  if (judgement.verdict != Verdict::kRefused || asked.IsRedirected()) return judgement;
  const std::string_view simpler = SimplerRefused(evidence, asked.step);
  judgement.change = simpler.empty() ? change : fmt::format("See {}.", simpler);
  return judgement;
}

std::string Unless(const std::string& queries, std::string_view nothing, std::string change) {
  return queries.empty() ? std::string(nothing) : std::move(change);
}

bool HasList(const Query& query) {
  return FilterText(query.filters).find(',') != std::string::npos;
}

std::string QueriesFor(const Evidence& evidence, const std::function<bool(const Query&)>& is) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> names;
  for (const Query& query : evidence.subject().queries) {
    if (is(query)) names.push_back(ForMessage(query.name));
  }
  if (names.size() <= kShown) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(std::span(names).first(kShown), ", "),
                     names.size() - kShown);
}

}  // namespace radar_spoof
