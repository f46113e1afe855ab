#include "src/backfill/shown_history.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kMaxAge = 6h;

WallTime MomentOf(std::string_view text) { return *ParseRfc3339(text); }
const WallTime kMidday = MomentOf("2026-06-09T12:00:00Z");
const WallTime kNever = MomentOf("2030-01-01T00:00:00Z");

SpoofBucket Bucket(WallTime start, double percent) {
  return {start, *Ratio::FromPercent(percent), *Ratio::FromPercent(100 - percent)};
}

// Hourly from noon on; a percentage below 0 is a gap.
std::vector<SpoofBucket> Hourly(const std::vector<double>& percents) {
  std::vector<SpoofBucket> buckets;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    if (percents[i] >= 0) buckets.push_back(Bucket(kMidday + i * 1h, percents[i]));
  }
  return buckets;
}

std::string HoursOf(const TimeRange& range) {
  return FormatRfc3339(range.from).substr(11, 5) + "-" + FormatRfc3339(range.to).substr(11, 5);
}

std::vector<std::string> Times(const std::vector<ShownBucket>& shown) {
  std::vector<std::string> texts;
  for (const ShownBucket& bucket : shown) texts.push_back(HoursOf(bucket.shown));
  return texts;
}

using Strings = std::vector<std::string>;
const Query kHourly = test::MakeQuery("q", AggInterval::k1h, "1d");

TEST_CASE("a bucket is shown from its end and the lag until the next one is") {
  const auto history = Hourly({10, 20, 30});
  const auto shown = ShownHistory(kHourly, history, {kMidday, kMidday + 3h}, kMaxAge, kNever);
  CHECK(Times(shown) == Strings{"13:30-14:30", "14:30-15:30", "15:30-16:30"});
  REQUIRE(shown.size() == 3);
  CHECK(shown[1].bucket_start == kMidday + 1h);
  CHECK(shown[1].spoof.value() == 0.2);
  CHECK(shown[1].not_spoof.value() == 0.8);
}

TEST_CASE("over a gap the last bucket stays, as on the page, but not beyond max_data_age") {
  const auto history = Hourly({10, -1, 30, -1, -1, -1, -1, 80});
  const auto shown = ShownHistory(kHourly, history, {kMidday, kMidday + 8h}, 3h, kNever);
  CHECK(Times(shown) == Strings{"13:30-15:30", "15:30-18:00", "20:30-21:30"});
}

TEST_CASE("buckets outside the range lend to windows only") {
  const auto history = Hourly({10, 20, 30, 40});
  const auto shown = ShownHistory(kHourly, history, {kMidday + 2h, kMidday + 3h}, kMaxAge, kNever);
  CHECK(Times(shown) == Strings{"15:30-16:30"});
  REQUIRE(shown.front().window);
  CHECK(shown.front().window->mean == doctest::Approx(0.15));
}

TEST_CASE("nothing is shown at the end or later") {
  const auto history = Hourly({10, 20, 30});
  const TimeRange range{kMidday, kMidday + 3h};
  CHECK(Times(ShownHistory(kHourly, history, range, kMaxAge, kMidday + 3h)) ==
        Strings{"13:30-14:30", "14:30-15:00"});
  CHECK(ShownHistory(kHourly, history, range, kMaxAge, kMidday + 90min).empty());
}

TEST_CASE("the window is the buckets that an answer of that day would have held") {
  // dateRange 1d of hours: 23 buckets before the sample's.
  std::vector<SpoofBucket> history = {Bucket(kMidday - 24h, 90), Bucket(kMidday - 23h, 10),
                                      Bucket(kMidday - 1h, 30), Bucket(kMidday, 50)};
  const TimeRange only{kMidday, kMidday + 1h};
  auto shown = ShownHistory(kHourly, history, only, kMaxAge, kNever);
  REQUIRE(shown.size() == 1);
  REQUIRE(shown.front().window);
  CHECK(shown.front().window->mean == doctest::Approx(0.2));
  CHECK(shown.front().window->standard_deviation == doctest::Approx(0.1414213562));

  history.erase(history.begin() + 1);
  shown = ShownHistory(kHourly, history, only, kMaxAge, kNever);
  REQUIRE(shown.size() == 1);
  CHECK_FALSE(shown.front().window);  // one bucket is no window
}

TEST_CASE("a range shorter than its interval has no window") {
  const WallTime monday = MomentOf("2026-06-08T00:00:00Z");
  const std::vector<SpoofBucket> history = {Bucket(monday - 7 * 24h, 1), Bucket(monday, 2),
                                            Bucket(monday + 7 * 24h, 3)};
  const Query query = test::MakeQuery("q", AggInterval::k1w, "3d");
  for (const ShownBucket& bucket :
       ShownHistory(query, history, {monday, monday + 14 * 24h}, 21 * 24h, kNever)) {
    CHECK_FALSE(bucket.window);
  }
}

TEST_CASE("the control is the bucket one control period earlier, where there is one") {
  Query query = test::MakeQuery("q", AggInterval::k1d, "10d");
  query.control = true;
  const WallTime day = MomentOf("2026-06-15T00:00:00Z");
  const std::vector<SpoofBucket> history = {Bucket(day - 14 * 24h, 25), Bucket(day, 50),
                                            Bucket(day + 24h, 60)};
  const TimeRange range{day, day + 48h};
  auto shown = ShownHistory(query, history, range, 72h, kNever);
  REQUIRE(shown.size() == 2);
  REQUIRE(shown[0].control);
  CHECK(shown[0].control->value() == 0.25);
  CHECK_FALSE(shown[1].control);

  query.control = false;
  shown = ShownHistory(query, history, range, 72h, kNever);
  REQUIRE(shown.size() == 2);
  CHECK_FALSE(shown[0].control);
}

TEST_CASE("no history, nothing shown") {
  CHECK(ShownHistory(kHourly, {}, {kMidday, kMidday + 3h}, kMaxAge, kNever).empty());
}

}  // namespace
}  // namespace radar_spoof
