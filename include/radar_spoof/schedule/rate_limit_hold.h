// How long nothing may be asked after the API said that it is asked too much (HTTP 429).
//
// A hold lasts as long as the answer's Retry-After asks, or 300 s without one, which is how long
// Cloudflare blocks (API reference, "Rate limits"). One that follows without a good answer between
// lasts 300 s at least, and each after it 900 s. After a hold a single request finds out for all.
//
// Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <random>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// Retry-After as it is obeyed: 1 to 900 s.
Milliseconds ClampRetryAfter(Seconds retry_after);

class RateLimitHold {
 public:
  // A 429 came, to a request sent at `asked`: one sent before the hold's end can only make that
  // hold longer. `random` adds up to a twentieth.
  void Extend(std::optional<Seconds> retry_after, SteadyTime asked, Instant now,
              std::minstd_rand& random);
  // A good answer came: to a request sent before the hold's end it says nothing of it.
  void NoteGood(SteadyTime asked);
  // Goes on with the hold of an earlier run; an end that is too far away is brought nearer.
  void Resume(WallTime until, Instant now);
  // The wall clock was set: the hold ends when it would have ended.
  void FollowClock(Instant now);

  // End of the last hold; nullopt when there never was one.
  const std::optional<Instant>& until() const { return until_; }
  bool Holds(SteadyTime now) const { return until_ && until_->steady > now; }
  // How many followed each other without a good answer; the last may still hold.
  int in_a_row() const { return in_a_row_; }
  // Not before `earliest`, and not before the hold ends.
  SteadyTime NotBefore(SteadyTime earliest) const {
    return until_ && until_->steady > earliest ? until_->steady : earliest;
  }

 private:
  std::optional<Instant> until_;
  int in_a_row_ = 0;
};

}  // namespace radar_spoof
