// May a query's last good answer still be shown? A value that is too old leaves the page;
// it is never a flat line. docs/metrics.md has the table for users.
//
// Thread rule: pure.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// How much later than planned a poll may end though nothing is wrong with it: the longest
// rate-limit hold, which is longer than any request may take.
inline constexpr Seconds kPollGrace{900};

// True when the ratios, window, control, sample time, confidence and annotations of `state.sample`
// may be shown at `now`. False when
// - there was no good poll yet;
// - the query is failing and its last good poll is more than `stale_after` poll intervals ago, by
//   the steady clock, so that a step of the wall clock makes no value young;
// - it is not failing, but no poll has ended for that long and kPollGrace more: polling itself has
//   stopped. Up to then a good value stays, as a slow answer or a rate-limit hold is no failure;
// - the bucket behind it ended more than MaxDataAge ago, by the wall clock. Without timestamps in
//   the answer `last_updated` stands for the bucket's end; without either this rule is silent.
bool IsFresh(const QueryState& state, const PollingConfig& polling, Instant now);

// Until when, on each clock, a page of this snapshot made at `now` still shows what may be shown:
// no value leaves it earlier, no rate-limit hold ends. Both exclusive; a wall clock that goes back
// before `now` makes it void too.
Instant FreshUntil(const Snapshot& snapshot, Instant now);

}  // namespace radar_spoof
