// Schedule: how long after a bucket has ended the API holds it, learned from what it answers.
//
// The API says how far its data reach (`meta.lastUpdated`), but only on quarter hours, so one
// answer places the lag no better than within 15 minutes. The estimate is narrowed by asking: a
// poll that finds the bucket proves the lag is not longer, one that does not proves it is not
// shorter.
//  - at first the bracket an answer gives is halved, ask by ask
//  - then each first-try find moves the next ask a little earlier, and each miss moves it later;
//  the
//    step down grows while finds last and a reserve grows while misses crowd, so that drift of up
//    to 20 s per interval is followed (the simulation in tests/schedule_simulation_test.cpp)
//  - an answer whose `lastUpdated` is not on a quarter hour gives the lag exactly, and is taken so
//
// Used by: Schedule. Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <optional>

#include "radar_spoof/words/clock.h"

namespace radar_spoof {

class DataLag {
 public:
  // `floor`: never expect data sooner after a bucket's end than this (polling.settle).
  // `slowest_step`: while nothing new comes for hours, the longest wait between asks.
  DataLag(Seconds floor, Seconds slowest_step);

  // From the end of a bucket to the first ask for it.
  Milliseconds Expected() const;

  // One good answer to a request sent at `asked`: the data reach to `reach`, known in steps of
  // `resolution`. `awaited` is the end of the bucket the poll was for; nullopt for a first poll,
  // which was not timed by this estimate.
  // REQUIRES: reach <= asked. Ignored otherwise: an API clock ahead of ours teaches nothing.
  void Observe(WallTime asked, WallTime reach, Seconds resolution, std::optional<WallTime> awaited);

 private:
  void Find(WallTime awaited, Milliseconds offset, Milliseconds at_most);
  void Miss(WallTime awaited, Milliseconds offset);
  void Narrow(Milliseconds offset, bool found);
  bool searching() const;

  Milliseconds floor_;
  Milliseconds slowest_step_;
  std::optional<Milliseconds> estimate_;
  // The search: the lag is in (shortest_, longest_].
  Milliseconds shortest_{0};
  Milliseconds longest_{0};
  // The tracking.
  std::optional<WallTime> missed_;      // the bucket end whose ask came too early
  std::optional<WallTime> last_found_;  // so that many queries count one find a bucket
  Milliseconds step_later_;
  Milliseconds step_earlier_;
  Milliseconds reserve_{0};
  int finds_in_a_row_ = 0;
};

}  // namespace radar_spoof
