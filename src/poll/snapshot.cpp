#include "radar_spoof/poll/snapshot.h"

#include <algorithm>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// The last moment at which the last good poll is recent. REQUIRES: there was one.
SteadyTime PollIsRecentTo(const QueryState& state, const PollingConfig& polling) {
  const Seconds failing_limit = state.query.poll_interval * polling.stale_after;
  return state.last_success->steady +
         (state.success() ? failing_limit + kPollGrace : failing_limit);
}

// The last moment at which the sample's data are recent.
WallTime DataAreRecentTo(const QueryState& state, const PollingConfig& polling) {
  return state.BucketEnd().value_or(state.sample->last_updated) + MaxDataAge(state.query, polling);
}

}  // namespace

Snapshot FirstSnapshot(const Config& config, WallTime now) {
  Snapshot first;
  for (const Query& query : config.queries()) {
    first.queries.push_back({.query = query, .next_poll = now});
  }
  first.api.host = HostAndPort(config.api().base_url);
  first.api.path = config.api().path;
  first.reload = {.successful = true, .last_success = now};
  first.polling = config.polling();
  return first;
}

Snapshot SnapshotAfterReload(const Snapshot& before, const Config& config, const KeptPlaces& kept,
                             bool same_api, WallTime now) {
  Snapshot next = FirstSnapshot(config, now);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    Query query = std::move(next.queries[i].query);
    next.queries[i] = before.queries[*kept[i]];
    next.queries[i].query = std::move(query);
  }
  if (same_api) {
    ApiState api = before.api;
    api.host = std::move(next.api.host);
    api.path = std::move(next.api.path);
    next.api = std::move(api);
  }
  return next;
}

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

SnapshotStore::SnapshotStore(Snapshot first)
    : current_(std::make_shared<Snapshot>(std::move(first))) {}

std::shared_ptr<const Snapshot> SnapshotStore::Load() const {
  const std::lock_guard lock(mutex_);
  loaded_ = true;
  return current_;
}

void SnapshotStore::Publish(Snapshot next) {
  auto published = std::make_shared<Snapshot>(std::move(next));
  const std::lock_guard lock(mutex_);
  current_.swap(published);
  loaded_ = false;
}

void SnapshotStore::Publish(SnapshotChange change) {
  const auto apply = [&change](Snapshot& snapshot) noexcept {
    for (auto& [place, state] : change.queries) snapshot.queries[place] = std::move(state);
    snapshot.api = std::move(change.api);
  };
  {
    const std::lock_guard lock(mutex_);
    if (!loaded_) return apply(*current_);
  }
  // From here on it is not written to, and only this thread replaces it.
  Snapshot next = *current_;
  apply(next);
  Publish(std::move(next));
}

}  // namespace radar_spoof
