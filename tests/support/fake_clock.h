// A clock that moves only when a test says so.
#pragma once

#include "radar_spoof/core/clock.h"

namespace radar_spoof::test {

class FakeClock final : public Clock {
 public:
  static constexpr SteadyTime kStart{Seconds(1000)};

  explicit FakeClock(WallTime wall) : now_{wall, kStart} {}
  explicit FakeClock(Instant now) : now_(now) {}

  Instant Now() const override { return now_; }
  void Advance(Milliseconds step) { now_ = now_ + step; }
  // The wall clock is set, forwards or backwards; the steady one is not.
  void StepWall(Milliseconds step) { now_.wall += step; }
  void AdvanceTo(SteadyTime time) { Advance(time - now_.steady); }

 private:
  Instant now_;
};

}  // namespace radar_spoof::test
