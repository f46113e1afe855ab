#include "radar_spoof/core/clock.h"

#include <ctime>

namespace radar_spoof {

Instant SystemClock::Now() const {
  using std::chrono::floor;
  timespec since_boot{};
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto steady = std::chrono::steady_clock::duration(
      std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec));
  return {floor<Milliseconds>(std::chrono::system_clock::now()),
          floor<Milliseconds>(std::chrono::steady_clock::time_point(steady))};
}

double UnixSeconds(WallTime time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

}  // namespace radar_spoof
