// What is published of the API's own doings: its answers by status, how long they took, and what it
// says of its rate limits.
//
// Pure.
#pragma once

#include <map>
#include <string>

#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

void NoteAnswer(const HttpClient::Finished& finished, ApiState& api);

// No more than kMaxRateLimitPolicies are kept.
void NoteRateLimits(const std::map<std::string, RateLimitHeader>& policies, WallTime now,
                    ApiState& api);

}  // namespace radar_spoof
