// Schedule: how long after a bucket has ended each query's answers reach it. All share one
// estimate, learned from `lastUpdated`, but for those whose answers reach less far than others' did
// before: each of these has its own, until it is answered as early as the others are.
//
// Used by: Schedule. Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "radar_spoof/schedule/data_lag.h"

namespace radar_spoof {

class LearnedLags {
 public:
  // As DataLag's.
  LearnedLags(Seconds floor, Seconds slowest_step);

  Milliseconds Expected(std::size_t query) const;
  Milliseconds Shared() const { return shared_.Expected(); }

  // One good answer to a request sent at `asked`: the data reach to `reach`. `awaited` as in
  // DataLag::Observe().
  void Observe(std::size_t query, WallTime asked, WallTime reach, std::optional<WallTime> awaited);

  // The queries are other ones now.
  void ForgetQueries() { own_.clear(); }

 private:
  struct Reach {
    WallTime asked;
    WallTime data;
  };

  DataLag shared_;
  std::map<std::size_t, DataLag> own_;
  std::optional<Reach> furthest_;
};

}  // namespace radar_spoof
