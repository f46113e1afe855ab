#include "radar_spoof/poll/freshness.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// The last moment at which the last good poll is recent. REQUIRES: there was one.
SteadyTime PollIsRecentTo(const QueryState& state, const PollingConfig& polling) {
  const Seconds failing_limit = state.query.poll_interval * polling.stale_after;
  return state.last_success->steady +
         (state.success() ? failing_limit + kPollGrace : failing_limit);
}

// The last moment at which the sample's data are recent: WallTime::max() if that cannot be told.
WallTime DataAreRecentTo(const QueryState& state, const PollingConfig& polling) {
  const auto bucket_end = state.BucketEnd();
  const auto data_time = bucket_end ? bucket_end : state.sample->last_updated;
  return data_time ? *data_time + MaxDataAge(state.query, polling) : WallTime::max();
}

}  // namespace

bool IsFresh(const QueryState& state, const PollingConfig& polling, Instant now) {
  return state.sample && state.last_success && now.steady <= PollIsRecentTo(state, polling) &&
         now.wall <= DataAreRecentTo(state, polling);
}

Instant FreshUntil(const Snapshot& snapshot, Instant now) {
  Instant last{WallTime::max() - Milliseconds(1), SteadyTime::max() - Milliseconds(1)};
  for (const QueryState& state : snapshot.queries) {
    if (!IsFresh(state, snapshot.polling, now)) continue;
    last.steady = std::min(last.steady, PollIsRecentTo(state, snapshot.polling));
    last.wall = std::min(last.wall, DataAreRecentTo(state, snapshot.polling));
  }
  Instant until{last.wall + Milliseconds(1), last.steady + Milliseconds(1)};
  const auto& held = snapshot.api.blocked_until;
  if (held && now.steady < held->steady) until.steady = std::min(until.steady, held->steady);
  return until;
}

}  // namespace radar_spoof
