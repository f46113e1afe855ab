// The answer that Cloudflare's API reference shows as its example for this endpoint.
//
// Source: "Radar > Email > Security > Get email security time series grouped by dimension", example
// response; its dates are of 2019 and 2022, here they are recent.
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/clock.h"

namespace radar_spoof::simulator {

// The dates are `last_updated` and the day before it, with the fraction that the example's have.
std::string ReferenceExample(WallTime last_updated);

}  // namespace radar_spoof::simulator
