// One hand-built moment with a query in every state that docs/metrics.md's table knows: what
// tests/golden/ shows.
#pragma once

#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

inline constexpr Instant kGoldenNow = {WallTime(Seconds(1'780'662'480)),  // 2026-06-05T12:28:00Z
                                       SteadyTime(Seconds(1'000'000))};

Snapshot GoldenSnapshot();
ProcessMetrics GoldenProcessMetrics();

// A query never polled, "15m" over "1d", unfiltered.
QueryState NeverPolled(const std::string& name);
// The same after a good answer `age` ago: 18.99756 % of the bucket that began at 12:00.
QueryState Good(const std::string& name, Milliseconds age);
// The same with later failures.
QueryState Failing(const std::string& name, Milliseconds age);

}  // namespace radar_spoof
