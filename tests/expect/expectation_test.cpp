#include "radar_spoof/expect/expectation.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

constexpr WallTime kMonday = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);

using Values = std::vector<double>;  // one an interval; below 0: no such bucket

std::vector<SpoofBucket> Window(const Values& values, AggInterval interval,
                                WallTime start = kMonday) {
  std::vector<SpoofBucket> buckets;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) continue;
    const auto place = static_cast<std::int64_t>(i);
    buckets.push_back({start + place * Length(interval), *Ratio::FromFraction(values[i]),
                       *Ratio::FromFraction(1 - values[i]), i});
  }
  return buckets;
}

std::optional<Expectation> Expected(const Values& values, AggInterval interval,
                                    const SpikeBounds& bounds = {}) {
  return ExpectationOf(Window(values, interval), interval, bounds);
}

int Above(const Values& values, AggInterval interval) {
  const auto expectation = Expected(values, interval);
  REQUIRE(expectation);
  return expectation->buckets_above;
}

// Four weeks of hours: 10 % by day, 20 % by night, half as much again at weekends; and a little
// noise that is the same in every run.
Values Hours(std::size_t count = 672) {
  std::mt19937 random(7);
  Values values;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t hour = i % 24;
    const double usual = (hour < 6 || hour >= 22 ? 0.2 : 0.1) * (i / 24 % 7 >= 5 ? 1.5 : 1);
    values.push_back(usual * (1 + 0.02 * (static_cast<double>(random() % 1000) / 1000 - 0.5)));
  }
  return values;
}

void Multiply(Values& values, std::size_t from_back, std::size_t count, double factor) {
  for (std::size_t i = 0; i < count; ++i) values[values.size() - from_back + i] *= factor;
}

Values Constant(std::size_t count, double value) { return Values(count, value); }

}  // namespace

TEST_CASE("a bucket is expected to be as the same hour of the weeks before") {
  Values values = Hours();
  const double usual = values[values.size() - 1 - 168];
  const auto calm = Expected(values, AggInterval::k1h);
  REQUIRE(calm);
  CHECK(calm->ratio == doctest::Approx(usual).epsilon(0.05));
  CHECK(calm->upper >= 1.5 * calm->ratio);
  CHECK(calm->buckets_above == 0);

  SUBCASE("though the night before it was twice as high") {
    values.resize(672 - 24 + 12);  // it is noon
    values.insert(values.begin(), 12, 0.1);
    const auto noon = Expected(values, AggInterval::k1h);
    REQUIRE(noon);
    CHECK(noon->ratio < 0.2);
  }
  SUBCASE("where they hold no such hour, as the buckets just before") {
    for (std::size_t week = 1; week <= 3; ++week) values[values.size() - 1 - week * 168] = -1;
    const auto without = Expected(values, AggInterval::k1h);
    REQUIRE(without);
    CHECK(without->ratio > 0.1);
  }
}

TEST_CASE("a bucket is expected to be as the same weekday of the weeks before") {
  Values values;
  for (int day = 0; day < 28; ++day) values.push_back(day % 7 >= 5 ? 0.3 : 0.12);
  const auto sunday = Expected(values, AggInterval::k1d);
  REQUIRE(sunday);
  CHECK(sunday->ratio == doctest::Approx(0.3));
  values.erase(values.begin());
  values.push_back(0.12);
  const auto monday = Expected(values, AggInterval::k1d);
  REQUIRE(monday);
  CHECK(monday->ratio == doctest::Approx(0.12));
  values.back() = 0.3;
  CHECK(Above(values, AggInterval::k1d) == 1);
}

TEST_CASE("buckets in a row are counted, each judged by what came before the first of them") {
  for (const std::size_t count : {1U, 2U, 5U, 12U, 24U}) {
    CAPTURE(count);
    Values values = Hours();
    Multiply(values, count, count, 2.5);
    CHECK(Above(values, AggInterval::k1h) == static_cast<int>(count));
  }
  SUBCASE("across midnight, and from one year to the next") {
    // Its last bucket is 03:00 on 1 January: 28 days hold no change of clocks, as UTC has none.
    const WallTime start =
        std::chrono::sys_days(std::chrono::year(2026) / 12 / 4) + std::chrono::hours(4);
    Values values = Constant(672, 0.1);
    Multiply(values, 8, 8, 3);
    const auto expectation =
        ExpectationOf(Window(values, AggInterval::k1h, start), AggInterval::k1h, {});
    REQUIRE(expectation);
    CHECK(expectation->buckets_above == 8);
    CHECK(expectation->ratio == doctest::Approx(0.1));
  }
  SUBCASE("of every width") {
    for (const auto& [width, window] :
         {std::pair(AggInterval::k15m, 96), std::pair(AggInterval::k1h, 168),
          std::pair(AggInterval::k1d, 28), std::pair(AggInterval::k1w, 52)}) {
      const AggInterval interval = width;  // clang captures no binding
      CAPTURE(RequestName(interval));
      Values values = Constant(static_cast<std::size_t>(window), 0.12);
      Multiply(values, 4, 4, 2);
      CHECK(Above(values, interval) == 4);
    }
  }
}

TEST_CASE("a run ends when the level is back, and the next one counts from one") {
  Values values = Hours();
  Multiply(values, 6, 3, 3);
  CHECK(Above(values, AggInterval::k1h) == 0);
  Multiply(values, 2, 2, 3);
  CHECK(Above(values, AggInterval::k1h) == 2);
}

TEST_CASE("a second spike a day after a first one is as far above") {
  Values values = Hours();
  Multiply(values, 26, 3, 3);
  Multiply(values, 2, 2, 2);
  CHECK(Above(values, AggInterval::k1h) == 2);
}

TEST_CASE("a step is above until it has become the new level") {
  struct Case {
    AggInterval interval;
    std::size_t window;
    std::size_t lasts;  // no longer than the longest run, and half of the level
  };
  for (const auto& each : {Case{AggInterval::k15m, 96, 28}, Case{AggInterval::k1h, 672, 36},
                           Case{AggInterval::k1d, 28, 18}, Case{AggInterval::k1w, 52, 16}}) {
    const AggInterval interval = each.interval;
    CAPTURE(RequestName(interval));
    for (std::size_t age = 2; age < each.window / 2; ++age) {
      CAPTURE(age);
      Values values = Constant(each.window, 0.12);
      Multiply(values, age, age, 2);
      const int above = Above(values, interval);
      if (age <= LongestRun(interval)) CHECK(above == static_cast<int>(age));
      if (age > each.lasts) CHECK(above == 0);
    }
  }
}

TEST_CASE("a gap neither ends a run nor counts in it") {
  for (const AggInterval interval : {AggInterval::k15m, AggInterval::k1h, AggInterval::k1d}) {
    CAPTURE(RequestName(interval));
    Values values = Constant(interval == AggInterval::k1h ? 672 : 96, 0.12);
    if (interval == AggInterval::k1d) values.resize(28);
    Multiply(values, 4, 4, 2.5);
    values[values.size() - 2] = -1;
    CHECK(Above(values, interval) == 3);
  }
  SUBCASE("and a window full of gaps is judged by what is there") {
    std::mt19937 random(3);
    Values values = Hours();
    for (double& value : values) {
      if (random() % 3 == 0) value = -1;
    }
    values.back() = 0.6;
    values[values.size() - 2] = 0.65;
    CHECK(Above(values, AggInterval::k1h) == 2);
  }
}

TEST_CASE("buckets without a time are judged by their places") {
  Values values = Hours();
  Multiply(values, 3, 3, 2.5);
  values[100] = -1;
  std::vector<SpoofBucket> buckets = Window(values, AggInterval::k1h);
  const auto with_times = ExpectationOf(buckets, AggInterval::k1h, {});
  for (SpoofBucket& bucket : buckets) bucket.start.reset();
  CHECK(ExpectationOf(buckets, AggInterval::k1h, {}) == with_times);
}

TEST_CASE("a window that is too short says nothing") {
  for (std::size_t count = 1; count <= 8; ++count) {
    CHECK_FALSE(Expected(Constant(count, 0.1), AggInterval::k1w));
  }
  const auto shortest = Expected(Constant(9, 0.1), AggInterval::k1w);
  REQUIRE(shortest);
  CHECK(shortest->ratio == doctest::Approx(0.1));
  CHECK_FALSE(ExpectationOf({}, AggInterval::k1h, {}));
}

TEST_CASE("a holiday that looks like a weekend is not far above") {
  Values values = Hours(792);  // the last day is a Friday, six days after a Saturday
  const std::size_t friday = values.size() - 24;
  for (std::size_t hour = 0; hour < 24; ++hour) {
    values[friday + hour] = 1.03 * values[friday - 144 + hour];
  }
  values.erase(values.begin(), values.begin() + 120);
  for (std::size_t last = values.size() - 23; last <= values.size(); ++last) {
    const Values until(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(last));
    CHECK(Above(until, AggInterval::k1h) == 0);
  }
}

TEST_CASE("series without any deviation: only what the other bounds say is far above") {
  Values values = Constant(672, 0.1);
  values.back() = 0.149;
  CHECK(Above(values, AggInterval::k1h) == 0);
  values.back() = 0.151;
  CHECK(Above(values, AggInterval::k1h) == 1);

  values = Constant(672, 0.0);
  const auto nothing = Expected(values, AggInterval::k1h);
  REQUIRE(nothing);
  CHECK(nothing->ratio < 0.002);
  CHECK(nothing->upper == 0.05);
  values.back() = 0.05;
  CHECK(Above(values, AggInterval::k1h) == 0);
  values.back() = 0.051;
  CHECK(Above(values, AggInterval::k1h) == 1);

  const auto all = Expected(Constant(672, 1.0), AggInterval::k1h);
  REQUIRE(all);
  CHECK(all->buckets_above == 0);
  CHECK(all->upper <= 1);
  CHECK(Above(Constant(96, 1.0), AggInterval::k15m) == 0);
}

TEST_CASE("a high level can be exceeded, too") {
  Values values = Constant(96, 0.7);
  values.back() = 0.95;
  CHECK(Above(values, AggInterval::k15m) == 1);
}

TEST_CASE("each bound is what it says") {
  Values values = Constant(672, 0.1);
  values.back() = 0.25;
  const auto upper = [&](const SpikeBounds& bounds) {
    return Expected(values, AggInterval::k1h, bounds)->upper;
  };
  CHECK(upper({}) == doctest::Approx(0.15));
  CHECK(upper({.factor = 2}) == doctest::Approx(0.2));
  CHECK(upper({.rise = 0.12}) == doctest::Approx(0.22));
  CHECK(upper({.floor = 0.3}) == doctest::Approx(0.3));
  values = Hours();
  const auto scaled = [&](double scales) {
    return Expected(values, AggInterval::k1h, {.scales = scales, .factor = 1, .rise = 0})->upper;
  };
  CHECK(scaled(300) > scaled(200));
}

TEST_CASE("whatever a window holds: bounded, the same again, and monotone in the latest value") {
  std::mt19937 random(20261129);
  const auto uniform = [&random] { return static_cast<double>(random() % 100'001) / 100'000; };
  for (int round = 0; round < 3000; ++round) {
    const AggInterval interval = kAllAggIntervals[random() % kAllAggIntervals.size()];
    const std::size_t count = 1 + random() % (interval == AggInterval::k1h ? 750 : 120);
    const double level = uniform();
    const double spread = uniform();
    const double gaps = random() % 4 == 0 ? uniform() : 0;
    Values values;
    for (std::size_t i = 0; i < count; ++i) {
      const double value = level + spread * (uniform() - 0.5);
      const bool extreme = random() % 50 == 0;
      values.push_back(
          uniform() < gaps ? -1 : std::clamp(extreme ? double(random() % 2) : value, 0., 1.));
    }
    values.back() = std::max(values.back(), 0.0);
    const SpikeBounds bounds{4 * uniform(), 1 + 2 * uniform(), uniform() / 5, uniform() / 5};
    const auto expectation = Expected(values, interval, bounds);
    CHECK(expectation == Expected(values, interval, bounds));
    if (!expectation) continue;
    CAPTURE(round);
    CHECK(expectation->ratio > 0);
    CHECK(expectation->ratio < 1);
    CHECK(expectation->upper >= bounds.floor);
    CHECK(expectation->upper <= 1);
    CHECK(expectation->upper >= std::min(1.0, expectation->ratio + bounds.rise));
    CHECK(expectation->buckets_above >= 0);
    CHECK(expectation->buckets_above <= static_cast<int>(LongestRun(interval)));
    CHECK((expectation->buckets_above > 0) == (values.back() > expectation->upper));

    Values higher = values;
    higher.back() = std::min(1.0, values.back() + uniform() / 2);
    const auto raised = Expected(higher, interval, bounds);
    REQUIRE(raised);
    CHECK(raised->ratio == expectation->ratio);
    CHECK(raised->upper == expectation->upper);
    CHECK(raised->buckets_above >= expectation->buckets_above);
  }
}

}  // namespace radar_spoof
