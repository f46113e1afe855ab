// What the exporter relies on, and whether that was found: `doctor`'s rows, and their judges.
//
// docs/api.md has the same rows, with the source of each fact; a test compares them. The table of
// the rows is in checks.cpp; their judges stand in five files, by what they look at.
// Thread rule: pure.
#pragma once

#include "examination.h"
#include "radar_spoof/poll/redaction.h"

namespace radar_spoof {

enum class Verdict {
  kOk,
  kDifferent,  // from what the exporter relies on
  kRefused,    // by the API
  kNotSeen,    // the answers did not show it, which is no fault
  kNotAsked,
};

inline constexpr std::array kAllVerdicts = {Verdict::kOk, Verdict::kDifferent, Verdict::kRefused,
                                            Verdict::kNotSeen, Verdict::kNotAsked};

// "ok", "different", "refused", "not seen", "not asked".
std::string_view Name(Verdict verdict);

// Texts are one line each.
struct Judgement {
  Verdict verdict;
  std::string found;
  std::string change;  // what to change, or that nothing need be; "" where all is well

  bool IsOtherwise() const {
    return verdict == Verdict::kDifferent || verdict == Verdict::kRefused;
  }
};

// In its texts nothing names a credential, an account or a person.
struct CheckRow : Judgement {
  std::string name;
  std::string expected;  // what the exporter relies on
};

std::vector<CheckRow> Judge(const Examination& examination, const Redactor& redactor);

// All was asked and answered, and nothing is different or refused.
bool IsAllWell(const Examination& examination, std::span<const CheckRow> rows);

// The rest is for the judges.

inline constexpr const char* kNoChange = "Nothing: the exporter copes with it.";
inline constexpr const char* kOpenAnIssue =
    "No key of the configuration helps: please open an issue with a --report.";

inline Judgement Ok(std::string found) { return {Verdict::kOk, std::move(found), ""}; }
inline Judgement NotSeen(std::string found) { return {Verdict::kNotSeen, std::move(found), ""}; }
inline Judgement Different(std::string found, std::string change) {
  return {Verdict::kDifferent, std::move(found), std::move(change)};
}
// With why nothing more was asked.
Judgement NotAsked(const Examination& exam);
// No answer shows what the row is about.
Judgement NothingSeen(const Examination& exam);
// Of a request whose queries have no value.
Judgement Failed(const Examination& exam, const AskedRequest& asked, const Failure& failure);
// The same where it was to find something else out: what ended the examination says nothing of it.
Judgement Unanswered(const Examination& exam, const AskedRequest& asked, const Failure& failure);
// As Unanswered(), but with this to change where it is the request that was refused, and nothing
// simpler: what that is made of was accepted.
Judgement UnansweredWith(const std::string& change, const Examination& exam,
                         const AskedRequest& asked);

// `change` and behind it "a, b and 3 more": the configured queries for which `is` holds; `nothing`
// where there is none.
std::string ChangeOf(const Examination& exam, const std::function<bool(const Query&)>& is,
                     const std::string& change, const std::string& nothing);
// "interval, values", the rows about what answers hold that are different in what the exporter
// cannot cope with, as their advice says; "": none.
std::string OtherwiseInAnswers(const Examination& exam);
// Appends the item to the list, and before it a comma if the list is not empty.
void AppendTo(std::string& list, std::string_view item);
// Whether some filter has several values.
bool HasList(const Query& query);
// ".../spoof", of a path.
std::string Shortened(const RadarEndpoint& endpoint);
// The numbers that the query in that place was answered with; empty where there are none.
const SeenNumbers& NumbersAt(const AskedRequest* asked, std::size_t place);
// How many series a request may have, as far as was tried.
int MostSeries(const Examination& exam);
// Of the requests for several series, the row of the smallest that is different, though accepted;
// "": none.
std::string DifferentSeries(const Examination& exam);
// What is different in the series of that query in a shared answer; "": nothing is seen to be.
std::string SharedProblem(const Examination& exam, const AskedRequest& asked, std::size_t place);
// What is different in the query's control period; "": nothing is seen to be.
std::string ControlProblem(const AskedRequest& asked, std::size_t place);
// SPOOF of all mail on average, in percent, if it is no such part as it is known to be: the classes
// may be exchanged.
std::optional<double> ExchangedMean(const Examination& exam);

// Of a row about all that came, and of one about the answer to one request.
using JudgeAll = Judgement(const Examination&);
using JudgeRequest = Judgement(const Examination&, const AskedRequest&);

// The way to the API: connection_checks.cpp.
JudgeAll JudgeAddress, JudgeProxy, JudgeTls, JudgeClock, JudgeLatency, JudgeToken, JudgeRateLimit,
    JudgeBudget;
// What may be asked: request_checks.cpp.
JudgeAll JudgePath, JudgeOtherPath;
JudgeRequest JudgePair;
Judgement JudgeQuery(const Examination& exam, const Query& query);
// Several series in a request, and what makes one: series_checks.cpp.
JudgeAll JudgeNames;
JudgeRequest JudgeFilter, JudgeSeries, JudgeValueList, JudgeControl;
// What stands around the series: meta_checks.cpp.
JudgeAll JudgeEnvelope, JudgeDateRange, JudgeInterval, JudgeNormalization, JudgeUnits,
    JudgeConfidence, JudgeAnnotations, JudgeLag;
// The series' buckets: bucket_checks.cpp.
JudgeAll JudgeTimestamps, JudgeNewestBucket, JudgeValues, JudgeSums, JudgeClasses,
    JudgeEmptyBuckets;

}  // namespace radar_spoof
