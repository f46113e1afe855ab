#include <chrono>
#include <cmath>

#include <doctest/doctest.h>

#include "quality/replay.h"
#include "quality/series_file.h"
#include "quality/worlds.h"

namespace radar_spoof::quality {
namespace {

const SpikeShape& ShapeOf(Spike spike) { return SpikeShapes()[static_cast<std::size_t>(spike)]; }

}  // namespace

TEST_CASE("daily buckets: a calm decade is quiet, and a doubled ratio is found") {
  FalsePages pages;
  Found found;
  for (const Series& series : SeriesOf(World::kMildRhythm, Purpose::kJudging, AggInterval::k1d)) {
    const FalsePages each = PagesOf(series, 28, {});
    pages.years += each.years;
    pages.firings += each.firings;
    const Found spikes = SpikesFound(series, 28, {}, ShapeOf(Spike::kDoubleForTwo), 20);
    found.tried += spikes.tried;
    found.found += spikes.found;
  }
  CHECK(pages.years > 45);
  CHECK(pages.firings <= pages.years);
  CHECK(found.tried > 80);
  CHECK(found.found >= 0.9 * found.tried);
}

TEST_CASE("late December, high every year, pages at most once a year") {
  for (const Series& series : SeriesOf(World::kWeeks, Purpose::kJudging, AggInterval::k1w)) {
    const FalsePages pages = PagesOf(series, 52, {});
    CHECK(pages.firings <= pages.years);
  }
}

TEST_CASE("a doubled ratio is no page before its second bucket") {
  const auto all = SeriesOf(World::kMildRhythm, Purpose::kJudging, AggInterval::k1d);
  const Found one = SpikesFound(all.front(), 28, {}, ShapeOf(Spike::kFivefoldForOne), 50);
  CHECK(one.found <= 1);  // the bucket before may be above by itself
  const Found two = SpikesFound(all.front(), 28, {}, ShapeOf(Spike::kTripleForTwo), 50);
  REQUIRE(two.found > 0);
  CHECK(two.delay == two.found);
}

TEST_CASE("days with a false page are days in UTC, wherever the series begins") {
  using namespace std::chrono_literals;
  constexpr std::size_t kWindow = 168;
  const auto days = [](std::initializer_list<std::size_t> spikes) {
    Series series{AggInterval::k1h, std::chrono::sys_days(2026y / 6 / 1) + 12h,
                  std::vector<double>(480, 0.1)};
    for (const std::size_t first : spikes) series.ratios[first] = series.ratios[first + 1] = 0.5;
    const FalsePages pages = PagesOf(series, kWindow, {});
    CHECK(pages.firings == static_cast<int>(spikes.size()));
    return pages.days;
  };
  const std::size_t noon = 240;  // the place of a bucket that begins at 12:00
  CHECK(days({noon + 5, noon + 17}) == 2);
  CHECK(days({noon + 16, noon + 28}) == 1);
}

TEST_CASE("the worlds of tuning and of judging are not the same") {
  for (const World world :
       {World::kSimulator, World::kMildRhythm, World::kStrongRhythm, World::kWeeks}) {
    const AggInterval interval = world == World::kWeeks ? AggInterval::k1w : AggInterval::k1d;
    const auto tuning = SeriesOf(world, Purpose::kTuning, interval);
    const auto judging = SeriesOf(world, Purpose::kJudging, interval);
    REQUIRE(tuning.size() == judging.size());
    CHECK(tuning.front().ratios[10] != judging.front().ratios[10]);
  }
}

TEST_CASE("a file of times and ratios is a series with gaps") {
  const auto read = ReadSeriesFile(
      "time,ratio\n2026-06-01T00:00:00Z,0.1\r\n1780275600,0.2,more\n2026-06-01T03:00:00Z,\n"
      "2026-06-01T04:00:00Z,1e-1\n\n",
      AggInterval::k1h);
  REQUIRE(read);
  const auto& ratios = read.value().ratios;
  REQUIRE(ratios.size() == 5);
  CHECK(ratios[0] == 0.1);
  CHECK(ratios[1] == 0.2);
  CHECK(std::isnan(ratios[2]));
  CHECK(std::isnan(ratios[3]));
  CHECK(ratios[4] == 0.1);
}

TEST_CASE("a file that cannot be read says where") {
  const auto problem = [](std::string_view text) {
    const auto read = ReadSeriesFile(text, AggInterval::k1h);
    REQUIRE_FALSE(read);
    return read.error();
  };
  CHECK(problem("") == "no bucket in it");
  CHECK(problem("yesterday,0.1") == "line 1: \"yesterday\" is not the start of a bucket of 1h");
  CHECK(problem("2026-06-01T00:30:00Z,0.1") ==
        "line 1: \"2026-06-01T00:30:00Z\" is not the start of a bucket of 1h");
  CHECK(problem("0,0.1\n3600,21 %") == "line 2: \"21 %\" is not a ratio from 0 to 1");
  CHECK(problem("0,0.1\n3600,21.5") == "line 2: \"21.5\" is not a ratio from 0 to 1");
  CHECK(problem("0,nan") == "line 1: \"nan\" is not a ratio from 0 to 1");
  CHECK(problem("3600,0.1\n0,0.1") == "line 2: 0 is not later than the bucket before");
  CHECK(problem("0,0.1\n99999999999,0.1").starts_with("line 2: "));
}

}  // namespace radar_spoof::quality
