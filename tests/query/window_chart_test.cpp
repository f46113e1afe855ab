#include "src/query/window_chart.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Values = std::vector<std::optional<double>>;

constexpr WallTime kStart{1'780'000'000s};

// Hourly; the number of hours after kStart and the percentage.
std::vector<SpoofBucket> Buckets(std::initializer_list<std::pair<int, double>> rows) {
  std::vector<SpoofBucket> buckets;
  for (const auto& [hour, percent] : rows) {
    buckets.push_back(
        {kStart + hour * 1h, *Ratio::FromPercent(percent), *Ratio::FromPercent(100 - percent)});
  }
  return buckets;
}

TEST_CASE("a missing interval is a gap") {
  const auto buckets = Buckets({{0, 10}, {1, 20}, {4, 50}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 5);
  CHECK(chart.highest() == 0.5);
  CHECK(chart.Columns(5) == Values{0.1, 0.2, std::nullopt, std::nullopt, 0.5});
  REQUIRE(chart.FromEnd(0));
  CHECK(chart.FromEnd(0)->spoof.value() == 0.5);
  CHECK(chart.FromEnd(1) == nullptr);
  CHECK(chart.FromEnd(4)->spoof.value() == 0.1);
}

TEST_CASE("where columns are few each shows the highest of its intervals, and a spike stays") {
  const auto buckets = Buckets({{0, 10}, {1, 90}, {2, 10}, {3, 20}, {4, 30}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.IntervalsAColumn(5) == 1);
  CHECK(chart.IntervalsAColumn(4) == 2);
  CHECK(chart.Columns(4) == Values{0.1, 0.9, 0.3});
  CHECK(chart.Columns(1) == Values{0.9});
}

TEST_CASE("a short window is stretched, but not without end") {
  const auto buckets = Buckets({{0, 10}, {2, 20}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.Columns(7) == Values{0.1, 0.1, std::nullopt, std::nullopt, 0.2, 0.2});
  CHECK(chart.Columns(100).size() == 3 * WindowChart::kWidestInterval);
}

TEST_CASE("one bucket is a window, too") {
  const auto buckets = Buckets({{0, 10}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 1);
  CHECK(chart.Columns(2) == Values{0.1, 0.1});
}

TEST_CASE("without timestamps the places in the answer tell the gaps") {
  auto buckets = Buckets({{0, 10}, {5, 20}, {6, 30}});
  const std::size_t positions[] = {4, 5, 7};
  for (std::size_t i = 0; i < 3; ++i) {
    buckets[i].start.reset();
    buckets[i].position = positions[i];
  }
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 4);
  CHECK(chart.FromEnd(1) == nullptr);
  CHECK(chart.FromEnd(2)->spoof.value() == 0.2);
  CHECK(chart.FromEnd(3)->spoof.value() == 0.1);
}

TEST_CASE("buckets thousands of years apart cost no memory") {
  auto buckets = Buckets({{0, 10}, {1, 20}});
  buckets[0].start = WallTime(-62'000'000'000s);
  const WindowChart chart(buckets, 15min);
  const Values columns = chart.Columns(3);
  CHECK(columns == Values{0.1, std::nullopt, 0.2});
}

}  // namespace
}  // namespace radar_spoof
