// The poll loop and the page that says whether it comes round.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/web/pages.h"
#include "support/poller_fixture.h"

namespace radar_spoof::test {
namespace {

using SteadyClock = std::chrono::steady_clock;

TEST_CASE("a loop that comes round is healthy, one that is stuck in a turn for a minute is not") {
  PollerFixture f([](const auto& request) { return Good(request); });
  SteadyClock::duration passed{};  // since the page was asked
  const Pages pages(f.store, f.clock,
                    {.process = [] { return ProcessMetrics{}; },
                     .last_turn = [&] { return f.poller.last_turn() - passed; },
                     .reload = {},
                     .authenticate = {}});
  const auto health_after = [&](SteadyClock::duration time) {
    passed = time;
    return pages.Respond({"GET", "/-/healthy", {}, {}}).status;
  };
  CHECK(health_after(0s) == 200);  // before the first turn
  CHECK(health_after(1min) == 503);
  std::vector<SteadyClock::time_point> turns{f.poller.last_turn()};
  // Within a turn: as long as this takes, the loop is stuck.
  const auto in_a_turn = [&] {
    const auto turn = f.poller.last_turn();
    CHECK(turn > turns.back());
    CHECK(health_after(0s) == 200);
    CHECK(health_after(1min) == 503);
    while (SteadyClock::now() == turn) continue;
    CHECK(f.poller.last_turn() == turn);
    turns.push_back(turn);
  };
  // The loop comes round every 10 s.
  for (const auto at : {15s, 30s, 45s}) f.http.At(at, in_a_turn);
  f.RunFor(1min);
  CHECK(turns.size() == 4);
}

}  // namespace
}  // namespace radar_spoof::test
