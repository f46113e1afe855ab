// The Radar data set as a scheduler meets it, in simulated time: data reach the API some lag after
// they happened, and `lastUpdated` says how far they reach.
#pragma once

#include <functional>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/schedule/schedule.h"

namespace radar_spoof::test {

struct DataSet {
  // The lag of data from that moment.
  std::function<Milliseconds(WallTime)> lag;
  // `lastUpdated` moves in steps, each `phase` after a multiple of them; 1 s: exactly.
  Seconds step{std::chrono::minutes(15)};
  Seconds phase{0};
  bool frozen = false;
  WallTime frozen_reach{};

  // When `lastUpdated` says that the data until then are there.
  WallTime AvailableAt(WallTime data) const {
    WallTime reach = FloorTo(data - phase, step) + phase;
    if (reach < data) reach += step;
    return reach + lag(reach);
  }

  WallTime Reach(WallTime now) const {
    if (frozen) return frozen_reach;
    const Milliseconds at_least =
        step > Seconds(1) ? Milliseconds(0) : lag(now) - std::chrono::minutes(1);
    WallTime reach = FloorTo(now - at_least - phase, step) + phase;
    while (reach + lag(reach) > now) reach -= step;
    return reach;
  }

  PollReport Answer(WallTime now) const { return {.last_updated = Reach(now)}; }
};

}  // namespace radar_spoof::test
