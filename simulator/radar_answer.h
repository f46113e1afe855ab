// What the API knows in answer to a valid request, before it is written as JSON or CSV.
//
// Used by: Simulator; json_text and csv_text write it.
// Thread rule: pure functions and plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/request_parameters.h"
#include "simulator/scenario.h"

namespace radar_spoof::simulator {

// What decides every number. `last_updated` is a quarter hour: up to there the data reach.
struct World {
  std::uint64_t seed = 1;
  WallTime last_updated;
  ActiveScenario scenario;
  bool omit_partial_bucket = false;
};

struct SeriesAnswer {
  std::string key;
  DateWindow date_range;             // the request's, widened to whole buckets or hours
  std::vector<WallTime> timestamps;  // bucket starts, ascending
  std::vector<MicroPercent> spoof;   // as many
};

struct Annotation {
  EventType event_type;
  std::string_view description;
  WallTime start;
  WallTime end;
};

struct RadarAnswer {
  AggInterval interval;
  WallTime last_updated;
  int confidence_level;  // 1 to 5
  std::vector<Annotation> annotations;
  std::vector<SeriesAnswer> series;
};

// The bucket that `last_updated` falls into is the last there can be; it is still filling, unless
// `omit_partial_bucket` leaves it out. A spike shows in the bucket that was the newest complete one
// when the scenario began, and in all after it, so that what was usual before still looks usual. So
// does a pipeline issue, whose annotation reaches from there to the end of the newest complete one.
RadarAnswer Answer(const RadarRequest& request, const World& world);

// "20.5731", "0.0": at most 6 decimals, zeros trimmed but for one.
std::string PercentText(MicroPercent percent);

}  // namespace radar_spoof::simulator
