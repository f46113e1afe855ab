#include "src/serve/connection_deadlines.h"

#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1000s};

std::vector<int> Late(ConnectionDeadlines& deadlines, SteadyTime now) {
  std::vector<int> late;
  (void)deadlines.ResetLate(now, [&](int descriptor) { late.push_back(descriptor); });
  return late;
}

TEST_CASE("a connection is reset when its deadline comes, not before and not again") {
  ConnectionDeadlines deadlines;
  deadlines.Set(7, kStart + 10s);
  deadlines.Set(8, kStart + 11s);
  CHECK(Late(deadlines, kStart + 10s - 1ms).empty());
  CHECK(Late(deadlines, kStart + 10s) == std::vector{7});
  CHECK(Late(deadlines, kStart + 10s).empty());
  CHECK(Late(deadlines, kStart + 1h) == std::vector{8});
}

TEST_CASE("it is known whether there is a connection left") {
  ConnectionDeadlines deadlines;
  const auto any = [&] { return deadlines.ResetLate(kStart, [](int) {}); };
  CHECK_FALSE(any());
  deadlines.Set(7, kStart);
  CHECK(any());
  deadlines.Remove(7);
  CHECK_FALSE(any());
}

TEST_CASE("a later deadline takes the place of the one before") {
  ConnectionDeadlines deadlines;
  deadlines.Set(7, kStart + 10s);
  deadlines.Set(7, kStart + 30s);
  CHECK(Late(deadlines, kStart + 29s).empty());
  CHECK(Late(deadlines, kStart + 30s) == std::vector{7});
  deadlines.Set(7, kStart + 40s);
  CHECK(Late(deadlines, kStart + 40s) == std::vector{7});
}

TEST_CASE("a connection that was closed is never reset, whoever has its number now") {
  ConnectionDeadlines deadlines;
  deadlines.Set(7, kStart);
  deadlines.Remove(7);
  deadlines.Remove(7);
  CHECK(Late(deadlines, kStart + 1h).empty());
}

}  // namespace
}  // namespace radar_spoof
