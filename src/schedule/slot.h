// When a query is polled if nothing goes wrong: once in each of its slots, a while (`offset`) after
// the end of the bucket it waits for, or after each step of a plain grid where it is polled more
// often than there are buckets.
//
// Pure.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// Whether it waits for buckets.
bool IsAlignedToBuckets(const Query& query);

// The part of its offset that is its own, so that not all are polled at once: the same for all of
// one name and interval.
Milliseconds SpreadOf(std::string_view name, Seconds poll_interval);

// The boundary of the next poll, and the end of the newest bucket that has ended by then.
struct AwaitedBucket {
  WallTime boundary;
  WallTime end;
};
// After data that reach so far; nullopt where it does not wait for buckets, or the reach is
// unknown.
std::optional<AwaitedBucket> AwaitedBucketOf(const Query& query, std::optional<WallTime> reach);

struct LastPoll {
  WallTime asked;
  std::optional<WallTime> reach;  // of the data in the last good answer
  Milliseconds offset;            // of its slot, as it was then
  int asked_too_early = 0;        // good answers in a row without the bucket they were for
  bool failed = false;
};
WallTime SlotAfter(const LastPoll& last, const Query& query, Milliseconds offset);

}  // namespace radar_spoof
