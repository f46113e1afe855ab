// Schedule: the lag of each interval's buckets. All share one estimate, learned from `lastUpdated`,
// but for those whose buckets come later than it promises: each of these learns its own.
//
// Used by: Schedule. Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <map>
#include <optional>

#include "radar_spoof/schedule/data_lag.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

class LearnedLags {
 public:
  // As DataLag's.
  LearnedLags(Seconds floor, Seconds slowest_step);

  Milliseconds Expected(AggInterval interval) const;

  // One good answer to a request sent at `asked`. `awaited` as in DataLag::Observe().
  void Observe(AggInterval interval, WallTime asked, WallTime newest_bucket_end,
               std::optional<WallTime> last_updated, std::optional<WallTime> awaited);

 private:
  Seconds floor_;
  Seconds slowest_step_;
  DataLag shared_;
  std::map<AggInterval, DataLag> own_;
};

}  // namespace radar_spoof
