// What the judges of the rows have in common; they stand in five files, by what they look at.
//
// Thread rule: pure.
#pragma once

#include "checks.h"
#include "seen_answers.h"

namespace radar_spoof {

struct Judgement {
  Verdict verdict = Verdict::kNotSeen;
  std::string found;
  std::string change;
};

// What was seen, as the judges read it.
struct Evidence {
  const Examination& examination;
  std::vector<SeenAnswer> answers;
  // The rows about what answers hold that are different in what the exporter cannot cope with.
  std::vector<std::string_view> otherwise = {};

  const Subject& subject() const { return examination.subject; }
  // The last request of that step; nullptr when there was none.
  const AskedRequest* Last(Step step) const;
  // What came of it; nullptr without an object `result`.
  const SeenAnswer* AnswerTo(const AskedRequest* asked) const;
  // All mail, 1h over 7d: at the configured path, or at the other one if only that answers.
  const AskedRequest* AllMail() const;
  // Every series of every answer.
  std::vector<const SeenSeries*> AllSeries() const;
};

inline constexpr std::string_view kNoChange = "Nothing: the exporter copes with it.";
inline constexpr std::string_view kOpenAnIssue =
    "No key of the configuration helps: please open an issue with a --report.";

Judgement NotAsked(const Evidence& evidence);
// No answer shows what the row is about.
Judgement NothingSeen(const Evidence& evidence);
// Of a request whose queries have no value.
Judgement Failed(const Evidence& evidence, const AskedRequest& asked, const Failure& failure);
// The same where it was to find something else out: what ended the examination says nothing of it.
Judgement Unanswered(const Evidence& evidence, const AskedRequest& asked, const Failure& failure);
// As Unanswered(), but with this to change where it is the request that was refused, and nothing
// simpler: what that is made of was accepted.
Judgement UnansweredWith(const std::string& change, const Evidence& evidence,
                         const AskedRequest& asked);
// `change`, or `nothing` where no query is concerned: "".
std::string Unless(const std::string& queries, std::string_view nothing, std::string change);
// Whether some filter has several values.
bool HasList(const Query& query);
// How many series a request may have, as far as was tried.
int MostSeries(const Evidence& evidence);
// Of the requests for several series, the row of the smallest that is different, though accepted;
// "": none.
std::string_view DifferentSeries(const Evidence& evidence);
// What is different in the series of that query in a shared answer; "": nothing is seen to be.
std::string SharedProblem(const Evidence& evidence, const SeenAnswer& answer, std::size_t place);
// What is different in the query's control period; "": nothing is seen to be.
std::string ControlProblem(const SeenAnswer& answer, std::size_t place);
// SPOOF of all mail on average, in percent, if it is no such part as it is known to be: the classes
// may be exchanged.
std::optional<double> ExchangedMean(const Evidence& evidence);
// ".../spoof", of a path.
std::string Shortened(const RadarEndpoint& endpoint);
// "a, b and 3 more", of the configured queries for which `is` holds; "" when there is none.
std::string QueriesFor(const Evidence& evidence, const std::function<bool(const Query&)>& is);

// The way to the API: connection_checks.cpp.
Judgement JudgeAddress(const Evidence& evidence);
Judgement JudgeProxy(const Evidence& evidence);
Judgement JudgeTls(const Evidence& evidence);
Judgement JudgeClock(const Evidence& evidence);
Judgement JudgeLatency(const Evidence& evidence);
Judgement JudgeToken(const Evidence& evidence);
Judgement JudgeRateLimit(const Evidence& evidence);
Judgement JudgeBudget(const Evidence& evidence);

// What may be asked: request_checks.cpp.
Judgement JudgePath(const Evidence& evidence);
Judgement JudgeOtherPath(const Evidence& evidence);
Judgement Judge15mOver1d(const Evidence& evidence);
Judgement Judge1hOver7d(const Evidence& evidence);
Judgement Judge1hOver28d(const Evidence& evidence);
Judgement Judge1dOver28d(const Evidence& evidence);
Judgement Judge1wOver52w(const Evidence& evidence);
Judgement JudgeQuery(const Evidence& evidence, const Query& query);

// Several series in a request, and what makes one: series_checks.cpp.
Judgement JudgeNames(const Evidence& evidence);
Judgement JudgeFilter(const Evidence& evidence);
Judgement JudgeTwoSeries(const Evidence& evidence);
Judgement JudgeTenSeries(const Evidence& evidence);
Judgement JudgeFiftySeries(const Evidence& evidence);
Judgement JudgeValueList(const Evidence& evidence);
Judgement JudgeControl(const Evidence& evidence);

// What stands around the series: meta_checks.cpp.
Judgement JudgeEnvelope(const Evidence& evidence);
Judgement JudgeDateRange(const Evidence& evidence);
Judgement JudgeInterval(const Evidence& evidence);
Judgement JudgeNormalization(const Evidence& evidence);
Judgement JudgeUnits(const Evidence& evidence);
Judgement JudgeConfidence(const Evidence& evidence);
Judgement JudgeAnnotations(const Evidence& evidence);
Judgement JudgeLag(const Evidence& evidence);

// The series' buckets: bucket_checks.cpp.
Judgement JudgeTimestamps(const Evidence& evidence);
Judgement JudgeNewestBucket(const Evidence& evidence);
Judgement JudgeValues(const Evidence& evidence);
Judgement JudgeSums(const Evidence& evidence);
Judgement JudgeClasses(const Evidence& evidence);
Judgement JudgeEmptyBuckets(const Evidence& evidence);

}  // namespace radar_spoof
