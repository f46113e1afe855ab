// What a failed poll is followed by: of the same query, and of all while nothing answers.
//
// Thread rule: confined to its owner's thread. Pure but for `random`, which feeds the jitter.
#pragma once

#include <cstdint>
#include <random>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

struct Retry {
  std::optional<Milliseconds> delay{};  // from now; nullopt: not before the next slot
  bool in_budget = false;               // counts against the share of requests that may be retries
  bool refused = false;                 // `delay` is a wait for the credentials to change
};

// After the `failures`th failure of that class in a row, 1 or more. `retry_after` is what the API
// asked for and is clamped to 1-900 s. kTransient: twice within seconds, then with delays that
// double up to `longest`; kTransientOnce and kCredentials: once within seconds, the latter then
// every 15 min; kThrottled and kNextSlot: no retry of their own.
Retry NextRetry(RetryClass failure, int failures, std::optional<Seconds> retry_after,
                Milliseconds longest, std::minstd_rand& random);

// `first` grown by `factor` for each of `times`, at most `cap`. Never overflows.
Milliseconds Backoff(Milliseconds first, double factor, int times, Milliseconds cap);

// An outage: a run of requests that failed for a passing reason without a good answer between. When
// 20 of them have failed (or all, if there are fewer), and 20 times in all, nothing answers: then
// one request at a time stands for all, after growing pauses. Those that have not failed in this
// run come first, with a pause of their own, so that what is down for some is no outage for the
// others.
class Outage {
 public:
  // The number of the run of failures that lasts, or else of the next. Never 0.
  std::uint64_t run() const { return run_; }
  bool NothingAnswers(std::size_t requests) const;

  // A request that was sent at `asked` failed; `again`: one that had failed in this run already.
  void NoteFailure(bool again, SteadyTime asked);
  // What the end of a run is to those that failed in it.
  enum class Release {
    kNone,     // it was short: their own retries bring them back
    kCounted,  // they are due as retries
    kFree,     // nothing had answered: they are due
  };
  // A good answer ends the run. It was kFree when as many had failed as NothingAnswers() asks for,
  // and the run was a fifth of what was sent in the last hour: where nine of ten answers are bad,
  // such runs come again and again. Where little is sent, it is also once in an hour.
  Release NoteGood(std::size_t requests, int sent_in_hour, SteadyTime now);

  // What has failed so far is not counted any more.
  void Forget();

  // The earliest next request while nothing answers, at most `longest` after the last one.
  SteadyTime NextOfFailed(Milliseconds longest) const;
  SteadyTime NextOfOthers(Milliseconds longest) const;

 private:
  std::uint64_t run_ = 1;
  int failures_ = 0;
  int failed_ = 0;           // requests, each once
  SteadyTime last_asked_{};  // of those that failed
  std::optional<SteadyTime> last_free_release_;
};

}  // namespace radar_spoof
