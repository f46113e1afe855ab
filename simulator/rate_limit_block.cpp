#include "simulator/rate_limit_block.h"

namespace radar_spoof::simulator {

RateLimitBlock::Admission RateLimitBlock::Admit(SteadyTime now) {
  using std::chrono::ceil;
  if (now < block_end_) return {false, 0, ceil<Seconds>(block_end_ - now)};
  if (now >= window_end_) {
    window_end_ = now + kWindow;
    used_ = 0;
  }
  if (used_ == limit_) {
    block_end_ = now + kBlock;
    return {false, 0, kBlock};
  }
  ++used_;
  return {true, limit_ - used_, ceil<Seconds>(window_end_ - now)};
}

}  // namespace radar_spoof::simulator
