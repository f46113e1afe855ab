#include "checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

struct Check {
  std::string_view name;
  std::string_view expected;
  JudgeAll* judge;             // nullptr: JudgeQuery(), a row for each configured query
  bool is_of_answers = false;  // of what they hold, whatever was asked
};

// Of the last request of that step.
template <Step step, JudgeRequest* judge>
Judgement OfStep(const Examination& exam) {
  const AskedRequest* const asked = step == Step::kFirst ? exam.AllMail() : exam.Last(step);
  return asked == nullptr ? NotAsked(exam) : judge(exam, *asked);
}

constexpr std::array<std::string_view, kAllVerdicts.size()> kVerdictNames = {
    "ok", "different", "refused", "not seen", "not asked"};  // by Verdict

constexpr Check kChecks[] = {
    {"address", "The host of api.base_url has an address that takes connections.", JudgeAddress},
    {"proxy", "A proxy only as api.proxy says; never for plain HTTP.", JudgeProxy},
    {"TLS", "1.2 or 1.3 and a certificate that is trusted; plain HTTP only to this machine.",
     JudgeTls},
    {"clock", "This host's clock is within 30 seconds of the Date header.", JudgeClock},
    {"latency", "Each answer comes within half of api.timeout.", JudgeLatency},
    {"token", "It is accepted and may read Radar.", JudgeToken},
    {"path", "The configured api.path answers, without redirects or errors.", JudgePath},
    {"other path", "The path's other spelling answers with the same numbers.", JudgeOtherPath},
    {"15m over 1d", "Accepted, with all its buckets.", OfStep<Step::k15mOver1d, JudgePair>},
    {"1h over 7d", "Accepted, with all its buckets.", OfStep<Step::kFirst, JudgePair>},
    {"1h over 28d", "Accepted, with all its buckets.", OfStep<Step::k1hOver28d, JudgePair>},
    {"1d over 28d", "Accepted, with all its buckets.", OfStep<Step::k1dOver28d, JudgePair>},
    {"1w over 52w", "Accepted, with all its buckets.", OfStep<Step::k1wOver52w, JudgePair>},
    {"query NAME", "The exporter gets a value, of the query's own filters.", nullptr},
    {"names", "A series comes back under the name it was asked for.", JudgeNames, true},
    {"filter", "spf=FAIL selects a part of the mail.", OfStep<Step::kOneFilter, JudgeFilter>},
    {"two series", "Both come back, each with its own filters.",
     OfStep<Step::kTwoSeries, JudgeSeries>},
    {"ten series", "All come back, each with its own filters.",
     OfStep<Step::kTenSeries, JudgeSeries>},
    {"fifty series", "All come back, each with its own filters.",
     OfStep<Step::kFiftySeries, JudgeSeries>},
    {"comma list", "spf=PASS,FAIL selects mail with either.",
     OfStep<Step::kValueList, JudgeValueList>},
    {"control period", "7dcontrol gives the same buckets a week earlier.",
     OfStep<Step::kControl, JudgeControl>},
    {"envelope", "JSON with success: true and an object result, as documented.", JudgeEnvelope,
     true},
    {"timestamps",
     "One for each value, in order, in UTC, the start of its bucket; weeks begin on Monday.",
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

// The row of what such a request is made of, if that was refused, too.
std::string SimplerRefused(const Examination& exam, Step step) {
  const bool is_hour_there = exam.AllMail()->HasSucceeded();
  const bool is_day_refused = exam.WasRefused(Step::k1dOver28d);
  if (!is_hour_there && is_day_refused && exam.WasRefused(Step::k15mOver1d) &&
      exam.WasRefused(Step::k1wOver52w)) {
    return "path";
  }
  if (step == Step::kControl) return is_hour_there ? "" : "1h over 7d";
  const bool is_shared = step == Step::kTwoSeries || step == Step::kTenSeries ||
                         step == Step::kFiftySeries || step == Step::kValueList;
  if (!is_shared && step != Step::kOneFilter) return "";
  if (is_day_refused) return "1d over 28d";
  return is_shared && exam.WasRefused(Step::kOneFilter) ? "filter" : "";
}

std::string WhereTo(const AskedRequest& asked) {
  const std::string location = asked.Header("location");
  const std::string host = HostAndPort(location);
  if (location.empty()) return "";
  return ", to " + (host.empty() ? "another path" : ForLog(host, 60));
}

}  // namespace

std::string_view Name(Verdict verdict) { return kVerdictNames[static_cast<std::size_t>(verdict)]; }

std::vector<CheckRow> Judge(const Examination& examination, const Redactor& redactor) {
  std::vector<CheckRow> rows;
  const auto add = [&](std::string name, const Check& check, Judgement judgement) {
    judgement.found = WithoutIdentity(redactor.Redacted(judgement.found));
    rows.push_back({std::move(judgement), std::move(name), std::string(check.expected)});
  };
  for (const Check& check : kChecks) {
    if (check.judge != nullptr) {
      add(std::string(check.name), check, check.judge(examination));
      continue;
    }
    for (const Query& query : examination.plan.queries) {
      add("query " + ForMessage(query.name), check, JudgeQuery(examination, query));
    }
  }
  return rows;
}

bool IsAllWell(const Examination& examination, std::span<const CheckRow> rows) {
  return examination.stopped.empty() && std::ranges::all_of(rows, [](const CheckRow& row) {
           return row.verdict == Verdict::kOk || row.verdict == Verdict::kNotSeen;
         });
}

Judgement NotAsked(const Examination& exam) {
  return {Verdict::kNotAsked, exam.stopped.empty() ? "not asked" : "not asked: " + exam.stopped,
          ""};
}

Judgement NothingSeen(const Examination& exam) {
  return exam.stopped.empty() ? NotSeen("no answer shows it") : NotAsked(exam);
}

Judgement Failed(const Examination& exam, const AskedRequest& asked, const Failure& failure) {
  if (asked.IsRedirected()) {
    return {Verdict::kRefused, failure.detail + WhereTo(asked),
            "Set api.base_url and api.path to where it leads, if that is Cloudflare's."};
  }
  std::string change(WhatToDo(failure.reason));
  if (failure.reason == FailureReason::kValidation || failure.reason == FailureReason::kEmpty) {
    const std::string rows = OtherwiseInAnswers(exam);
    if (!rows.empty()) change = "See " + rows + '.';
  }
  if (asked.status() == 0) {
    return Different(std::string(InPlainWords(failure.reason)) + ": " + failure.detail, change);
  }
  return {asked.HasSucceeded() ? Verdict::kDifferent : Verdict::kRefused, failure.detail, change};
}

Judgement Unanswered(const Examination& exam, const AskedRequest& asked, const Failure& failure) {
  const bool ended_it =
      &asked == &exam.asked.back() || failure.reason == FailureReason::kUnauthorized;
  if (ended_it && !exam.stopped.empty()) return NotAsked(exam);
  if (failure.reason == FailureReason::kNotFound) {
    return {Verdict::kNotAsked, "not asked: the path was not found", ""};
  }
  return Failed(exam, asked, failure);
}

Judgement UnansweredWith(const std::string& change, const Examination& exam,
                         const AskedRequest& asked) {
  Judgement judgement = Unanswered(exam, asked, *asked.failure());
  if (judgement.verdict != Verdict::kRefused || asked.IsRedirected()) return judgement;
  const std::string simpler = SimplerRefused(exam, asked.step);
  judgement.change = simpler.empty() ? change : "See " + simpler + '.';
  return judgement;
}

std::string OtherwiseInAnswers(const Examination& exam) {
  std::string names;
  for (const Check& check : kChecks) {
    if (!check.is_of_answers) continue;
    const auto [verdict, found, change] = check.judge(exam);
    // Advice begins so where the exporter copes, or where another row says what is the matter.
    const bool copes = change.starts_with("Nothing:") || change.starts_with("See ");
    if (verdict == Verdict::kDifferent && !copes) AppendTo(names, check.name);
  }
  return names;
}

std::string ChangeOf(const Examination& exam, const std::function<bool(const Query&)>& is,
                     const std::string& change, const std::string& nothing) {
  constexpr std::size_t kShown = 3;
  std::string names;
  std::size_t count = 0;
  for (const Query& query : exam.subject.queries) {
    if (is(query) && ++count <= kShown) AppendTo(names, ForMessage(query.name));
  }
  if (count == 0) return nothing;
  return change + names + (count > kShown ? fmt::format(" and {} more", count - kShown) : "");
}

void AppendTo(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

bool HasList(const Query& query) {
  return FilterText(query.filters).find(',') != std::string::npos;
}

std::string Shortened(const RadarEndpoint& endpoint) {
  const std::string& path = endpoint.path();
  return "..." + ForMessage(path.substr(std::min(path.rfind('/'), path.size())));
}

}  // namespace radar_spoof
