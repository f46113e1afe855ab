#include "exporter/watchdog.h"

#include <doctest/doctest.h>

namespace radar_spoof::test {
namespace {

TEST_CASE("the supervisor hears of progress only when the poller and the server both make it") {
  std::uint64_t turns = 0;
  bool served = true;
  int told = 0;
  Watchdog watchdog([&] { return turns; }, [&] { return served; }, [&] { ++told; });
  watchdog.Beat();
  CHECK(told == 0);  // no turn yet
  turns = 1;
  watchdog.Beat();
  CHECK(told == 1);
  watchdog.Beat();
  CHECK(told == 1);  // the poller hangs
  turns = 2;
  served = false;
  watchdog.Beat();
  CHECK(told == 1);  // the server hangs
  served = true;
  watchdog.Beat();
  CHECK(told == 2);
}

}  // namespace
}  // namespace radar_spoof::test
