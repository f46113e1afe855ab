// A line of the log for each new bucket of a query, for a SIEM (`--log.readings`).
//
// docs/operations.md has the line for users. Thread rule: confined to its caller's thread.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// The poll of `state` ended well at `now`. Writes one line, unless the bucket of its sample
// - is not newer than the newest that was told of (`state.logged`, which is updated): each is told
//   of once, with the numbers that it had then;
// - is too old to be shown: IsFresh();
// - has no place in time, since the answer had no timestamps: nothing would tell it from the last.
// Buckets that came and went between two polls are not told of.
void LogReading(QueryState& state, const PollingConfig& polling, Instant now, Log& log);

}  // namespace radar_spoof
