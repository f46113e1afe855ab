// What the latest bucket of a window was expected to be, from the buckets before it, and
// how many buckets in a row are far above what was expected of them.
//
// All of it is computed from one answer: nothing is kept from poll to poll, so that a restart, a
// second replica or a missed poll changes nothing. docs/adr/0026 describes the computation, with
// its reasons and the alternatives that were measured; scripts/spike-quality measures it.
//
// A run is judged by what came before its first bucket, so that it does not hide itself. It ends
// with the first bucket that is not above, and by itself when it has become the new level:
// what is older than LongestRun() buckets counts as usual, whatever it was, so that a step is no
// longer above once it makes up half of the level.
//
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

// `buckets_above` is never higher: 24 for 15m and 1h, 14 for 1d, 12 for 1w.
std::size_t LongestRun(AggInterval interval);

// Of the last of `buckets`, which are a window as radar_response reads it: complete buckets of
// `interval` with mail, oldest first, all with a start on its grid or all with a position alone. A
// bucket that is not there, because it holds no mail or Radar projects it, is a gap: it is neither
// above nor not above, and does not end a run. nullopt: fewer than 8 buckets before the latest, or
// before the run that it belongs to.
// Time: linear in the window.
std::optional<Expectation> ExpectationOf(std::span<const SpoofBucket> buckets, AggInterval interval,
                                         const SpikeBounds& bounds);

// SampleOf(), with its expectation.
SpoofSample JudgedSampleOf(const Query& query, const SpoofWindow& window);

}  // namespace radar_spoof
