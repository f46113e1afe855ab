// What one ended transfer means: a sample or the reason why not, when to ask again, and what the
// API says of its rate limits.
//
// Used by: the poller, backfill, report. Pure.
#pragma once

#include <map>
#include <string>

#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/schedule/schedule.h"
#include "radar_spoof/words/result.h"

namespace radar_spoof {

struct Judgement {
  Result<SpoofSample, Failure> outcome;  // the failure's detail is without the credentials
  PollReport report;
  std::map<std::string, RateLimitHeader> rate_limits;  // by policy
};

// The same of an answer whose buckets all count.
struct WindowJudgement {
  Result<SpoofWindow, Failure> outcome;  // the failure's detail is without the credentials
  std::optional<Seconds> retry_after;
  std::map<std::string, RateLimitHeader> rate_limits;  // by policy
};

WindowJudgement JudgeWindow(const Query& asked, const HttpClient::Finished& finished,
                            const Credentials& credentials, Instant now);

Judgement Judge(const Query& asked, const HttpClient::Finished& finished,
                const Credentials& credentials, Instant now);

}  // namespace radar_spoof
