// How many requests may be sent, and when the next one may.
//
// Four rules, each with its own reason:
//  - a window: never more than `limit` requests in any 5 minutes, retries included. Cloudflare
//    counts 1,200 per user over everything that user runs, and blocks all of it for 5 minutes on
//    overrun (API reference, "Rate limits"); ours is the share we allow ourselves.
//  - a pace: after a burst of a sixtieth of the limit, requests are spaced so that just the limit
//    fits into the window.
//  - what the API itself says is left (its `Ratelimit` header): no more than that before the reset,
//    and the last of them spread over the time until then. Of several policies the strictest holds.
//  - a retry share: retries stay within a tenth of the last hour's other requests, but 3 are always
//    allowed, so that a dying upstream is not asked more than a healthy one. Beyond that one retry,
//    of whatever query, in each `retry_gap`, so that the end of an outage is noticed.
//
// Pure: time is passed in. Every call costs at most the logarithm of the number of requests in an
// hour. Thread rule: confined to its owner's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

class RequestBudget {
 public:
  // REQUIRES: limit >= 1. Without `retry_gap` the share is all there is.
  explicit RequestBudget(int limit, Milliseconds retry_gap = Milliseconds::max());

  // A reload may change both; what was sent still counts.
  void SetLimits(int limit, Milliseconds retry_gap);

  // The earliest moment, not before `now`, at which a request (a retry: and it may be one) fits.
  SteadyTime EarliestRequest(SteadyTime now) const;
  SteadyTime EarliestRetry(SteadyTime now) const;

  // What a request is sent for: a query's slot; a bucket that was not there yet, which takes from
  // what retries may have, but is not put off; or a query that failed.
  enum class Kind { kSlot, kAgain, kRetry };
  // Counts one request sent at `now`, and numbers it. REQUIRES: `now` never goes back.
  std::uint64_t Spend(SteadyTime now, Kind kind);

  // How many were sent after `time`, which is at most an hour ago.
  int SentSince(SteadyTime time) const;

  // What is asked from now on is asked of another API: what the old one said does not count.
  void ForgetApi() { advice_.clear(); }

  // The answer to the request of that number said, at `now`, that by this policy `remaining`
  // requests are left until `reset_in` is over, of which 900 s are believed. Requests that were
  // sent after that one are taken off. Stands until the reset, or until the answer to a later
  // request says otherwise.
  void Advise(const std::string& policy, std::uint64_t remaining, Seconds reset_in,
              std::uint64_t number, SteadyTime now);

 private:
  // Of requests or of retries, in the last hour; oldest first.
  using Times = std::deque<SteadyTime>;

  static Times::difference_type CountAfter(const Times& times, SteadyTime time);
  static void Forget(Times& times, SteadyTime now);
  Milliseconds Space() const;
  double TokensAt(SteadyTime now) const;

  int limit_;
  Milliseconds retry_gap_;
  Times requests_;  // retries too
  Times retries_;
  Times again_;
  double tokens_;
  SteadyTime tokens_at_{};
  std::uint64_t spent_ = 0;  // ever
  struct Advice {
    std::uint64_t number = 0;  // of the request it answered
    std::uint64_t last = 0;    // request that may be sent before the reset
    SteadyTime reset{};
  };
  std::map<std::string, Advice> advice_;  // by policy
};

}  // namespace radar_spoof
