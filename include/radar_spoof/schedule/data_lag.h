// How long after a bucket has ended the API holds it, learned from what it answers.
//
// The API says how far its data reach (`meta.lastUpdated`), but in steps: of a quarter hour as
// observed, of an hour or a day for all we know, which need not end with the buckets. So an answer
// says no more than that the newest bucket it covers is not later than the answer, and the estimate
// is narrowed by asking: a poll that finds the bucket proves the lag is not longer, one that does
// not proves it is not shorter.
//  - at first what is possible is halved, ask by ask
//  - then each first-try find moves the next ask a little earlier, and each miss moves it later;
//    the step down grows while finds last, so that drift of up to 20 s per interval is followed
//    (the simulation in tests/schedule/schedule_simulation_test.cpp)
//
// Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <map>
#include <set>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// Of one data set.
class DataLag {
 public:
  // `floor`: never expect data sooner after a bucket's end than this (polling.settle).
  // `slowest_step`: while nothing new comes for hours, the longest wait between asks.
  DataLag(Seconds floor, Seconds slowest_step);

  void SetSlowestStep(Seconds slowest_step) { slowest_step_ = slowest_step; }

  // From the end of a bucket to the first ask for it.
  Milliseconds Expected() const;

  // One good answer to a request sent at `asked`: the newest bucket that the data cover whole ends
  // at `newest`. `awaited` is the end of the bucket the poll was for; nullopt for a first poll,
  // which was not timed by this estimate.
  // REQUIRES: newest <= asked. Ignored otherwise: an API clock ahead of ours teaches nothing.
  void Observe(WallTime asked, WallTime newest, std::optional<WallTime> awaited);

 private:
  void Find(WallTime awaited, Milliseconds offset, Milliseconds at_most);
  void Miss(WallTime awaited, Milliseconds offset);
  void Narrow(Milliseconds offset, bool found);
  bool searching() const;
  Milliseconds Guess() const;

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
  int finds_in_a_row_ = 0;
};

// Of each query's data. All share one lag but those whose answers reach less far than others' did
// before: each of these has its own, until it is answered as early as the others are.
class DataLags {
 public:
  // As DataLag's; for so many queries.
  DataLags(Seconds floor, Seconds slowest_step, std::size_t queries)
      : shared_(floor, slowest_step), queries_(queries) {}

  Milliseconds Expected(std::size_t query) const;
  Milliseconds Shared() const { return shared_.Expected(); }

  // As DataLag's, for an answer to that query, whose data reach to `reach`.
  void Observe(std::size_t query, WallTime asked, WallTime reach, WallTime newest,
               std::optional<WallTime> awaited);

  // The queries are other ones now, so many.
  void ForgetQueries(Seconds slowest_step, std::size_t queries) {
    shared_.SetSlowestStep(slowest_step);
    own_.clear();
    missed_by_.clear();
    queries_ = queries;
  }

 private:
  struct Reach {
    WallTime asked;
    WallTime end;
  };

  bool MissedBefore(std::size_t query, WallTime awaited);
  void TakeBackMiss(std::size_t query);

  DataLag shared_;
  std::size_t queries_;
  std::map<std::size_t, DataLag> own_;
  std::optional<Reach> furthest_;
  WallTime missed_{};                // the bucket end whose ask came too early
  std::set<std::size_t> missed_by_;  // queries, of those that share the lag
  std::optional<DataLag> before_miss_;
};

}  // namespace radar_spoof
