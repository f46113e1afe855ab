// What one ended transfer means for each of the queries it was for.
//
// Used by: the poller. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/schedule/schedule.h"
#include "radar_spoof/words/result.h"

namespace radar_spoof {

struct SharedJudgement {
  // One a query, in their order. A failure of the whole answer is that of every query; its detail
  // is without the credentials.
  std::vector<Result<SpoofSample, Failure>> outcomes = {};
  std::vector<PollReport> reports = {};
  std::map<std::string, RateLimitHeader> rate_limits = {};  // by policy
};

// REQUIRES: `asked` is not empty.
SharedJudgement JudgeShared(std::span<const Query* const> asked,
                            const HttpClient::Finished& finished, const Credentials& credentials,
                            Instant now);

}  // namespace radar_spoof
