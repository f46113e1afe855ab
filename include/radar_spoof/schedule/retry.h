// Schedule: how long after a failed poll the same query may be asked again.
//
// Used by: Schedule; backfill, which has one of its own. Pure but for `random`, which feeds the
// jitter.
#pragma once

#include <optional>
#include <random>

#include "radar_spoof/words/clock.h"
#include "radar_spoof/words/error.h"

namespace radar_spoof {

struct Retry {
  std::optional<Milliseconds> in{};  // from now; nullopt: not before the next slot
  bool in_budget = false;            // counts against the share of requests that may be retries
  bool refused = false;              // `in` is a wait for the credentials to change
};

// A query is refused once it has failed so often in a row for its credentials.
inline constexpr int kFailuresUntilRefused = 2;

// After the `failures`th failure of that class in a row, 1 or more. `retry_after` is what the API
// asked for and is clamped to 1-900 s. kTransient: twice within seconds, then with delays that
// double up to `longest`; kTransientOnce and kCredentials: once within seconds, the latter then
// every 15 min; kThrottled and kNextSlot: no retry of their own.
Retry RetryAfterFailure(RetryClass failure, int failures, std::optional<Seconds> retry_after,
                        Milliseconds longest, std::minstd_rand& random);

// Retry-After as it is obeyed: 1 to 900 s.
Milliseconds WaitAskedFor(Seconds retry_after);

// How long nothing may be asked after HTTP 429: `retry_after` clamped to 1-900 s, or 300 s, which
// is how long Cloudflare blocks; four times as long for each hold before without a good answer
// since, `before` of them, up to 900 s; plus up to a twentieth.
Milliseconds HoldLength(std::optional<Seconds> retry_after, int before, std::minstd_rand& random);

// `first` grown by `factor` for each of `times`, at most `cap`. Never overflows.
Milliseconds Grown(Milliseconds first, double factor, int times, Milliseconds cap);

}  // namespace radar_spoof
