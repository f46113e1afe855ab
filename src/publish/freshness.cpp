#include "radar_spoof/publish/freshness.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

bool IsRecentlyPolled(const QueryState& state, const PollingConfig& polling, Instant now) {
  if (!state.last_success) return false;
  const Milliseconds age = now.steady - state.last_success->steady;
  const Seconds failing_limit = state.query.poll_interval * polling.stale_after;
  return age <= (state.success() ? failing_limit + kOverdue : failing_limit);
}

std::optional<WallTime> DataTime(const QueryState& state) {
  if (state.sample->bucket_start) {
    return *state.sample->bucket_start + Length(state.query.agg_interval);
  }
  return state.sample->last_updated;
}

bool IsRecentData(const QueryState& state, const PollingConfig& polling, Instant now) {
  const std::optional<WallTime> data_time = DataTime(state);
  return !data_time || now.wall - *data_time <= MaxDataAge(state.query, polling);
}

}  // namespace

Seconds MaxDataAge(const Query& query, const PollingConfig& polling) {
  return polling.max_data_age.value_or(std::max<Seconds>(6h, 3 * Length(query.agg_interval)));
}

bool IsFresh(const QueryState& state, const PollingConfig& polling, Instant now) {
  return state.sample && IsRecentlyPolled(state, polling, now) && IsRecentData(state, polling, now);
}

}  // namespace radar_spoof
