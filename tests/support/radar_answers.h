// Answers of the Radar API, written by hand: the smallest that are right.
#pragma once

#include <string>

#include <fmt/format.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof::test {

// That the request of this URL asks for; 15m where it says none.
inline AggInterval IntervalOf(const std::string& url) {
  for (const AggInterval interval : kAllAggIntervals) {
    if (url.find("aggInterval=" + std::string(RequestName(interval))) != std::string::npos) {
      return interval;
    }
  }
  return AggInterval::k15m;
}

// Three buckets, the last of which ends at `reach`; `lastUpdated` is `reach`. SPOOF of the latest
// is `percent`, of the two before 10 and 20.
inline std::string GoodAnswer(WallTime reach, AggInterval interval, double percent) {
  const Seconds step = Length(interval);
  const WallTime end = FloorTo(reach, step);
  return fmt::format(
      R"({{"success":true,"errors":[],"result":{{"serie_0":{{"timestamps":["{}","{}","{}"],)"
      R"("SPOOF":["10","20","{:.4f}"],"NOT_SPOOF":["90","80","{:.4f}"]}},)"
      R"("meta":{{"aggInterval":"{}","normalization":"PERCENTAGE","lastUpdated":"{}",)"
      R"("confidenceInfo":{{"level":5,"annotations":[]}}}}}}}})",
      FormatRfc3339(end - 3 * step), FormatRfc3339(end - 2 * step), FormatRfc3339(end - step),
      percent, 100 - percent, MetaName(interval), FormatRfc3339(reach));
}

inline std::string ErrorAnswer(int code, std::string_view message) {
  return fmt::format(
      R"({{"success":false,"errors":[{{"code":{},"message":"{}"}}],"messages":[],"result":null}})",
      code, message);
}

}  // namespace radar_spoof::test
