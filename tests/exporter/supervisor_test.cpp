#include "exporter/supervisor.h"

#include <doctest/doctest.h>

namespace radar_spoof::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the supervisor hears of progress only when the poller and the server both make it") {
  // The poller's loop has not come round yet when it is first looked at.
  std::chrono::steady_clock::time_point turn{};
  bool served = true;
  int told = 0;
  Watchdog watchdog([&] { return turn; }, [&] { return served; }, [&] { ++told; });
  watchdog.Beat();
  CHECK(told == 0);  // no turn yet
  turn += 1s;
  watchdog.Beat();
  CHECK(told == 1);
  watchdog.Beat();
  CHECK(told == 1);  // the poller hangs
  turn += 1s;
  served = false;
  watchdog.Beat();
  CHECK(told == 1);  // the server hangs
  served = true;
  watchdog.Beat();
  CHECK(told == 2);
}

}  // namespace
}  // namespace radar_spoof::test
