// What an alert on `buckets_above` would have done in a series, calm or with spikes that were put
// into it.
//
// Each bucket is judged by ExpectationOf() of the window that the exporter would have had.
// Thread rule: pure.
#pragma once

#include <cstddef>

#include "quality/worlds.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof::quality {

// RadarSpoofSpike, as monitoring/rules has it; a test compares them.
inline constexpr int kPagedRun = 2;
inline constexpr Seconds kKeepFiring{7200};

struct FalsePages {
  double years = 0;
  int firings = 0;  // what ends and begins again within kKeepFiring is one
  int days = 0;     // UTC, with the beginning of at least one
};

// `window`: in buckets, the judged one included. Judged are the buckets that have a whole window.
FalsePages PagesOf(const Series& series, std::size_t window, const SpikeBounds& bounds);

// For each bucket what the exporter would have said of it; nullopt where it is missing, has no
// whole window, or cannot be judged.
std::vector<std::optional<Expectation>> ExpectationsOf(const Series& series, std::size_t window,
                                                       const SpikeBounds& bounds);

enum class Spike {
  kDoubleForTwo,      // two buckets of twice as much
  kHalfMoreForThree,  // x1.5 for 3
  kTripleForTwo,      // x3 for 2
  kFivefoldForOne,    // x5 for 1: one bucket is no page
  kTripleForTwelve,   // x3 for 12
  kSecondDouble,      // x2 for 2, a day (1d, 1w: five buckets) after x3 for 3
  kRamp,              // to x3, in 12
  kStep,              // x2, for 48
};

struct SpikeShape {
  Spike spike;
  std::size_t buckets;
  double factor;  // of each bucket; of a ramp's last one
};
std::span<const SpikeShape> SpikeShapes();

struct Found {
  int tried = 0;
  int found = 0;            // in how many it fired while the spike lasted
  double delay = 0;         // sum over the found: buckets from the spike's first to the page
  double firing_share = 0;  // sum over all: of the spike's buckets, during how many it fired
};

// `moments` spikes, one at a time, at moments that are the same for the same series. At most 97 %
// are spoofed in one.
Found SpikesFound(const Series& series, std::size_t window, const SpikeBounds& bounds,
                  const SpikeShape& shape, int moments);

}  // namespace radar_spoof::quality
