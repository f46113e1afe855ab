// The Radar data set as a scheduler meets it, in simulated time: data reach the API some lag after
// they happened, and `lastUpdated` says how far they reach.
#pragma once

#include <functional>

#include "radar_spoof/schedule/schedule.h"
#include "radar_spoof/words/clock.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof::test {

struct DataSet {
  // The lag of data from that moment.
  std::function<Milliseconds(WallTime)> lag;
  // `lastUpdated` is on whole quarter hours, as observed; false: to the second.
  bool quarter_hours = true;
  bool frozen = false;
  WallTime frozen_reach{};

  WallTime AvailableAt(WallTime data) const { return data + lag(data); }

  WallTime Reach(WallTime now) const {
    using namespace std::chrono_literals;
    if (frozen) return frozen_reach;
    const Seconds step = quarter_hours ? Seconds(15min) : 1s;
    WallTime reach = FloorTo(quarter_hours ? now : now - lag(now) + 1min, step);
    while (AvailableAt(reach) > now) reach -= step;
    return reach;
  }

  PollReport Answer(const Query& query, WallTime now) const {
    const WallTime reach = Reach(now);
    return {.failure = {},
            .retry_after = {},
            .last_updated = reach,
            .newest_bucket_end = FloorTo(reach, Length(query.agg_interval))};
  }
};

}  // namespace radar_spoof::test
