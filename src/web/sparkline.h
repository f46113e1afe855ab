// A window's spoof ratios as a small line drawing.
//
// Thread rule: pure.
#pragma once

#include <span>
#include <string>

namespace radar_spoof {

// An inline SVG element with its meaning as text for those who cannot see it; "" under two values.
// `trend` as SpoofSample::trend: ratios, oldest first, NaN for a gap, which breaks the line. The
// scale begins at 0, so that noise does not look like a spike.
std::string SparklineSvg(std::span<const float> trend);

}  // namespace radar_spoof
