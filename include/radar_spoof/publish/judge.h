// Publish: what one ended transfer for one query means: a window or the reason why not, and what
// the API says of its rate limits.
//
// Used by: shared_judge for the poller; backfill, report. Thread rule: pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/words/result.h"

namespace radar_spoof {

struct WindowJudgement {
  Result<SpoofWindow, Failure> outcome;  // the failure's detail is without the credentials
  std::optional<Seconds> retry_after;
  std::map<std::string, RateLimitHeader> rate_limits;  // by policy
};

WindowJudgement JudgeWindow(const Query& asked, const HttpClient::Finished& finished,
                            const Credentials& credentials, Instant now);

}  // namespace radar_spoof
