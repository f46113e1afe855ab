#include "api_record.h"

#include <chrono>

namespace radar_spoof {

void NoteAnswer(const HttpClient::Finished& finished, ApiState& api) {
  ++api.requests[finished.result ? finished.result.value().status : 0];
  api.duration.Observe(std::chrono::duration<double>(finished.duration).count());
}

void NoteRateLimits(const std::map<std::string, RateLimitHeader>& policies, WallTime now,
                    ApiState& api) {
  for (const auto& [name, header] : policies) {
    auto& published = api.rate_limit;
    if (!published.contains(name) && published.size() >= kMaxRateLimitPolicies) continue;
    RateLimitPolicy& policy = published[name];
    if (header.quota) policy.limit = header.quota;
    if (header.remaining) policy.remaining = header.remaining;
    if (header.reset_in) policy.reset = now + *header.reset_in;
  }
}

}  // namespace radar_spoof
