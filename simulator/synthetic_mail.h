// A world of e-mail that does not exist: how much of it is spoofed, at any time, for any selection.
//
// Nothing here is Cloudflare's data; the curve only has the same manners as what Radar shows: 9-17
// % from June to November, about 23 % at the turn of the year, 19-28 % in spring, rare campaigns on
// top, more at night and at weekends, when there is less legitimate mail. Noise grows as buckets
// shrink and selections narrow.
// Thread rule: pure functions and plain values.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof::simulator {

// What a series is narrowed to. Bit i of a dimension stands for LegalValues(dimension)[i]; 0 is
// any.
using MailSelection = std::array<std::uint8_t, kDimensionCount>;

struct MailBucket {
  WallTime start;  // a multiple of the interval
  AggInterval interval;
  Seconds filled;          // how much of it there is data for; Length(interval) when complete
  bool projected = false;  // what is not filled yet is assumed to go on like what is
};

// Percent in millionths of a percent, the API's precision: 0 to 100'000'000.
using MicroPercent = std::int64_t;
inline constexpr MicroPercent kAllMail = 100'000'000;

// SPOOF of the bucket; NOT_SPOOF is kAllMail less that. The same arguments always give the same
// number. A bucket that is still filling changes as it fills, and reads lower unless it is
// projected. With `spike`, the share among mail failing DMARC is three times as high (at most 95
// %), and every selection that holds such mail rises by what that adds.
MicroPercent SpoofShare(std::uint64_t seed, const MailSelection& selection,
                        const MailBucket& bucket, bool spike);

// Mail that could not be classified: 0.1 to 2.4 percent.
MicroPercent UnknownShare(std::uint64_t seed, const MailSelection& selection,
                          const MailBucket& bucket);

// Whether any mail came in what the bucket holds so far. `volume` is how much mail there is in a
// quarter hour on average, all selections together; a selection's part of it varies at random
// (Poisson) about more than its portions multiplied would give, since mail that fails one check
// tends to fail the others. A bucket has mail exactly when one of its quarter hours has, whatever
// the interval, and the first quarter hour counts as soon as it has begun.
bool HasMail(std::uint64_t seed, const MailSelection& selection, const MailBucket& bucket,
             double volume);

}  // namespace radar_spoof::simulator
