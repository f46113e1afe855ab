// What one ended transfer means: for each of the queries it was for a window or the reason
// why not, and what the API says of how it may be asked.
//
// Thread rule: pure.
#pragma once

#include <map>

#include "radar_spoof/core/error.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/poll/redaction.h"

namespace radar_spoof {

struct AnswerOutcome {
  // One a query, in their order; a failure of the whole answer is that of each. No failure's detail
  // holds the credentials. Where the API refuses an interval for a range, it also says which range
  // is known to work.
  std::vector<Result<SpoofWindow, Failure>> windows = {};
  FormProblem form = FormProblem::kNone;
  std::optional<Seconds> retry_after = {};
  std::map<std::string, RateLimitHeader> rate_limits = {};  // by policy
};

// The request was sent for `asked`, with the credentials of `redactor`; its series have `names`.
// `finished` is redacted before it is read, and again what is told of it.
// REQUIRES: `asked` is not empty, and as long as `names`.
AnswerOutcome OutcomeOf(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                        HttpClient::Finished& finished, const Redactor& redactor, Instant now);

// The longest range that the API was seen to accept at each interval, on this endpoint or on those
// of the same family: 1d and 7d are those for which it chooses 15m and 1h by itself. Longer ones
// may be accepted, too; the limits are not documented, and differ from data set to data set.
DateRange KnownRange(AggInterval interval);

// The sample of each window, in their order. REQUIRES: `windows` is as long as `asked`.
std::vector<Result<SpoofSample, Failure>> SamplesOf(
    std::span<const Query* const> asked, std::span<const Result<SpoofWindow, Failure>> windows);

}  // namespace radar_spoof
