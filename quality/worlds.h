// Years of e-mail that does not exist, to judge spike alerts by: what the simulator makes up, and
// worlds that the simulator is not.
//
// A world's tuning series and judging series differ by seed, and but for the simulator's by their
// rhythm too: thresholds are chosen by the first, docs/alerting.md shows the second.
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof::quality {

struct Series {
  AggInterval interval;
  WallTime start;              // of the first bucket
  std::vector<double> ratios;  // one an interval; NaN: no such bucket
};

enum class World {
  kSimulator,     // nine selections of its mail, wide and narrow
  kMildRhythm,    // nights and weekends a little higher
  kStrongRhythm,  // twice as high
  kWeeks,         // 1w: the manners of 53 real values: spring and late December high, every year
};
enum class Purpose { kTuning, kJudging };

std::string_view Name(World world);

// Beyond what their names say, the two rhythms have noise that lasts for hours, a level that drifts
// for weeks, holidays that look like weekends, and buckets that are missing.
std::vector<Series> SeriesOf(World world, Purpose purpose, AggInterval interval);

}  // namespace radar_spoof::quality
