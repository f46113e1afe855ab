// Schedule: how many requests may be sent, and when the next one may.
//
// Four rules, each with its own reason:
//  - a window: never more than `limit` requests in any 5 minutes, retries included. Cloudflare
//    counts 1,200 per user over everything that user runs, and blocks all of it for 5 minutes on
//    overrun (API reference, "Rate limits"); ours is the share we allow ourselves.
//  - a bucket: after a burst of a sixtieth of the limit, requests are paced evenly.
//  - a hold: after a 429 nothing is sent until the hold ends.
//  - a retry share: retries stay within 10 % of the last hour's requests, but 3 are always allowed,
//    so that a dying upstream is not asked more than a healthy one. Beyond that one retry, of
//    whatever query, in each `retry_gap`, so that the end of an outage is noticed.
//
// Used by: Schedule, backfill. Pure: time is passed in. Every call costs at most the logarithm of
// the number of requests in an hour. Thread rule: confined to its owner's thread.
#pragma once

#include <cstdint>
#include <deque>

#include "radar_spoof/words/clock.h"

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

  // Counts one request sent at `now`. REQUIRES: `now` never goes back.
  void Spend(SteadyTime now, bool is_retry);

  // How many were sent in the 5 minutes before `now`.
  int SpentLately(SteadyTime now) const;

  // Nothing before `until`; an earlier hold is never shortened.
  void HoldUntil(SteadyTime until);

  // What is asked from now on is asked of another API: no hold and no advice of the old one counts.
  void ForgetApi();

  // The API said that `remaining` requests are left until `reset`. Slows down before they are gone.
  void Advise(std::uint64_t remaining, SteadyTime reset, SteadyTime now);

 private:
  // Of requests or of retries, in the last hour; oldest first.
  using Times = std::deque<SteadyTime>;

  static Times::difference_type CountAfter(const Times& times, SteadyTime time);
  static void Forget(Times& times, SteadyTime now);
  double TokensAt(SteadyTime now) const;

  int limit_;
  Milliseconds retry_gap_;
  Times requests_;  // retries too
  Times retries_;
  double tokens_;
  SteadyTime tokens_at_{};
  SteadyTime hold_until_{};
  SteadyTime advised_until_{};
  Milliseconds advised_spacing_{0};
};

}  // namespace radar_spoof
