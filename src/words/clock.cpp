#include "radar_spoof/words/clock.h"

namespace radar_spoof {

Instant SystemClock::Now() const {
  using std::chrono::floor;
  return {floor<Milliseconds>(std::chrono::system_clock::now()),
          floor<Milliseconds>(std::chrono::steady_clock::now())};
}

double UnixSeconds(WallTime time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

}  // namespace radar_spoof
