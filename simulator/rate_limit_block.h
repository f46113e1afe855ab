// Cloudflare's request limit: so many calls in five minutes, and whoever passes it is blocked, with
// every call, for five minutes more.
//
// Source: Cloudflare Fundamentals, "API limits". Chosen: the five minutes are a fixed window that
// begins with its first call, which is what the `Ratelimit` header's "seconds to reset" can
// express. Thread rule: not synchronised.
#pragma once

#include "radar_spoof/core/clock.h"

namespace radar_spoof::simulator {

class RateLimitBlock {
 public:
  static constexpr Seconds kWindow{300};
  static constexpr Seconds kBlock{300};

  struct Admission {
    bool admitted;
    int remaining;        // calls left in this window; 0 while blocked
    Seconds until_reset;  // to the end of the window or of the block, rounded up; 1 to 300
  };

  // REQUIRES: limit > 0.
  explicit RateLimitBlock(int limit) : limit_(limit) {}

  // Counts one call. The call after the last one allowed begins the block.
  Admission Admit(SteadyTime now);

 private:
  int limit_;
  int used_ = 0;
  SteadyTime window_end_ = SteadyTime::min();
  SteadyTime block_end_ = SteadyTime::min();
};

}  // namespace radar_spoof::simulator
