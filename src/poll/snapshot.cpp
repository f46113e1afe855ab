#include "radar_spoof/poll/snapshot.h"

#include "radar_spoof/core/text.h"

namespace radar_spoof {

Snapshot FirstSnapshot(const Config& config, WallTime now) {
  Snapshot first;
  for (const Query& query : config.queries()) {
    first.queries.push_back(
        {.query = query, .sample = {}, .last_success = {}, .last_failure = {}, .next_poll = now});
  }
  first.api.host = HostAndPort(config.api().base_url);
  first.api.path = config.api().path;
  first.reload = {.successful = true, .last_success = now};
  first.polling = config.polling();
  return first;
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
