// Short ways to say a query in a test.
#pragma once

#include <string>
#include <utility>

#include "radar_spoof/core/types.h"

namespace radar_spoof::test {

inline Query MakeQuery(std::string name, AggInterval interval = AggInterval::k15m,
                       const std::string& date_range = "1d") {
  return Query{.name = std::move(name),
               .filters = {},
               .agg_interval = interval,
               .date_range = *DateRange::Parse(date_range),
               .control = false,
               .poll_interval = Length(interval)};
}

}  // namespace radar_spoof::test
