// The state of the whole exporter at one moment, immutable, and the one object that threads share.
//
// Which values may still be shown depends on the time, so that is decided when they are rendered. A
// value that is too old leaves the page; it is never a flat line. docs/metrics.md has the table for
// users.
#pragma once

#include <map>
#include <mutex>

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

struct QueryState {
  Query query;
  std::optional<SpoofSample> sample{};    // of the last good poll
  std::optional<Instant> last_success{};  // when that answer arrived
  std::optional<Failure> last_failure{};  // of the last poll; nullopt: it was good, or none ended
  std::optional<WallTime> next_poll{};    // nullopt where nothing is scheduled, as in a command
  std::uint64_t polls = 0;           // ended in this run of the program, each with all its requests
  std::uint64_t failures = 0;        // those that gave no usable answer
  std::optional<WallTime> logged{};  // start of the newest bucket that the log told of

  // Of the sample's bucket; nullopt where it has no place in time. REQUIRES: `sample`.
  std::optional<WallTime> BucketEnd() const {
    if (!sample->bucket_start) return std::nullopt;
    return *sample->bucket_start + Length(query.agg_interval);
  }
  bool tried() const { return last_success || last_failure; }
  bool success() const { return tried() && !last_failure.has_value(); }
};

// One policy of the API's `Ratelimit` / `Ratelimit-Policy` headers.
struct RateLimitPolicy {
  std::optional<std::uint64_t> limit;      // q
  std::optional<std::uint64_t> remaining;  // r
  std::optional<WallTime> reset;           // when the answer arrived + t
};

// Requests in the 5 minutes before `at`, of those the configuration allows.
struct BudgetUse {
  int used = 0;
  int limit = 0;
  WallTime at;
};

// What is counted of the API is in api_metrics.h.
struct ApiState {
  bool asked = false;  // a request of this API has ended in this run of the program
  bool up = false;     // the last one was answered well
  std::map<std::string, RateLimitPolicy> rate_limit;  // by policy name, [a-z0-9_-]{1,32}, at most 8
  std::optional<Instant> blocked_until;               // end of the last rate-limit hold
  std::string host;                                   // HOST[:PORT] of the API, as configured
  std::string path;                                   // the endpoint path now in use
  BudgetUse budget;
};

struct ReloadState {
  bool successful = true;
  WallTime last_success;  // at first: when the first configuration was loaded
};

struct Snapshot {
  std::vector<QueryState> queries;  // as configured
  ApiState api;
  ReloadState reload;
  PollingConfig polling;
};

// Nothing asked yet: what is published before the first poll.
Snapshot FirstSnapshot(const Config& config, WallTime now);

// What is published when `config` was taken over: `kept[i]` says where in `before` the state of its
// i-th query is. Nothing is known of another API than `before` was of.
Snapshot SnapshotAfterReload(const Snapshot& before, const Config& config, const KeptPlaces& kept,
                             bool same_api, WallTime now);

// How much later than planned a poll may end though nothing is wrong with it: the longest
// rate-limit hold, which is longer than any request may take.
inline constexpr Seconds kPollGrace{900};

// True when the ratios, window, control, sample time, confidence and annotations of `state.sample`
// may be shown at `now`. False when
// - there was no good poll yet;
// - the query is failing and its last good poll is more than `stale_after` poll intervals ago, by
//   the steady clock, so that a step of the wall clock makes no value young;
// - it is not failing, but no poll has ended for that long and kPollGrace more: polling itself has
//   stopped. Up to then a good value stays, as a slow answer or a rate-limit hold is no failure;
// - the bucket behind it ended more than MaxDataAge ago, by the wall clock. Without timestamps in
//   the answer `last_updated` stands for the bucket's end.
bool IsFresh(const QueryState& state, const PollingConfig& polling, Instant now);

// Until when, on each clock, a page of this snapshot made at `now` still shows what may be shown:
// no value leaves it earlier, no rate-limit hold ends. Both exclusive; a wall clock that goes back
// before `now` makes it void too.
Instant FreshUntil(const Snapshot& snapshot, Instant now);

// What a poll changes.
struct SnapshotChange {
  std::vector<std::pair<std::size_t, QueryState>> queries;  // by place
  ApiState api;
};

// Copies a snapshot only when it was loaded and has then changed: what nobody looks at costs
// nothing. Thread rule: Load() from any thread, the rest from one; none blocks for longer than the
// move of what changes.
class SnapshotStore {
 public:
  explicit SnapshotStore(Snapshot first);

  // Never changes once it is loaded.
  std::shared_ptr<const Snapshot> Load() const;
  void Publish(Snapshot next);
  // What is published, but for `change`. Nothing changes if it throws (out of memory).
  void Publish(SnapshotChange change);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Snapshot> current_;  // guarded by mutex_; what it points at, while !loaded_
  mutable bool loaded_ = false;        // guarded by mutex_
};

}  // namespace radar_spoof
