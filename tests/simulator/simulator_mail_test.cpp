#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "simulator/synthetic_mail.h"

namespace radar_spoof::simulator {
namespace {

using Series = std::vector<double>;  // percent

constexpr MailSelection kAnyMail{};
constexpr MailSelection kDmarcFail{{0, 0, 1, 0, 0}};
constexpr MailSelection kDmarcPass{{0, 0, 4, 0, 0}};
constexpr MailSelection kDmarcFailOrPass{{0, 0, 5, 0, 0}};
constexpr MailSelection kDmarcAndSpfFail{{0, 0, 1, 1, 0}};

double Percent(MicroPercent share) { return static_cast<double>(share) / 1e6; }

MailBucket Complete(WallTime start, AggInterval interval) {
  return {start, interval, Length(interval)};
}

Series Buckets(std::uint64_t seed, const MailSelection& selection, const char* from,
               AggInterval interval, int count, bool spike = false) {
  Series series;
  const WallTime start = *ParseRfc3339(from);
  for (int i = 0; i < count; ++i) {
    series.push_back(Percent(
        SpoofShare(seed, selection, Complete(start + i * Length(interval), interval), spike)));
  }
  return series;
}

double Mean(const Series& series) {
  return std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
}

// The mean step from one bucket to the next, relative to the mean.
double Roughness(const Series& series) {
  double sum = 0;
  for (std::size_t i = 1; i < series.size(); ++i) sum += std::abs(series[i] - series[i - 1]);
  return sum / static_cast<double>(series.size() - 1) / Mean(series);
}

double Autocorrelation(const Series& series) {
  const double mean = Mean(series);
  double together = 0;
  double alone = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    alone += (series[i] - mean) * (series[i] - mean);
    if (i > 0) together += (series[i] - mean) * (series[i - 1] - mean);
  }
  return together / alone;
}

TEST_CASE("a year of weeks has the level, the season and the restlessness of the real one") {
  double autocorrelation = 0;
  double median_step = 0;
  double summer = 0;
  double winter = 0;
  constexpr int kWorlds = 20;
  for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
    CAPTURE(seed);
    const Series weeks = Buckets(seed, kAnyMail, "2025-06-09T00:00:00Z", AggInterval::k1w, 53);
    CHECK(*std::min_element(weeks.begin(), weeks.end()) > 5);
    CHECK(*std::max_element(weeks.begin(), weeks.end()) < 45);
    Series steps;
    for (std::size_t i = 1; i < weeks.size(); ++i)
      steps.push_back(std::abs(weeks[i] - weeks[i - 1]));
    CHECK(*std::max_element(steps.begin(), steps.end()) < 20);
    std::sort(steps.begin(), steps.end());
    median_step += steps[steps.size() / 2] / kWorlds;
    autocorrelation += Autocorrelation(weeks) / kWorlds;
    summer += Mean(Series(weeks.begin(), weeks.begin() + 25)) / kWorlds;
    winter += Mean(Series(weeks.begin() + 27, weeks.begin() + 43)) / kWorlds;
  }
  CHECK(autocorrelation > 0.7);
  CHECK(autocorrelation < 0.95);
  CHECK(median_step > 0.8);
  CHECK(median_step < 2.2);
  CHECK(summer > 11);
  CHECK(summer < 15.5);
  CHECK(winter > summer + 3);
}

TEST_CASE("more of the mail is spoofed at weekends than on working days, and at night") {
  double working_days = 0;
  double weekends = 0;
  for (const char* monday : {"2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z", "2026-06-15T00:00:00Z",
                             "2026-06-22T00:00:00Z"}) {
    const Series week = Buckets(1, kAnyMail, monday, AggInterval::k1d, 7);
    working_days += Mean(Series(week.begin(), week.begin() + 5));
    weekends += Mean(Series(week.begin() + 5, week.end()));
  }
  CHECK(weekends > 1.1 * working_days);
  CHECK(weekends < 2 * working_days);

  double night = 0;
  double day = 0;
  for (const char* midnight : {"2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z",
                               "2026-06-04T00:00:00Z", "2026-06-09T00:00:00Z"}) {
    const Series hours = Buckets(1, kAnyMail, midnight, AggInterval::k1h, 24);
    night += Mean(Series(hours.begin(), hours.begin() + 5));
    day += Mean(Series(hours.begin() + 11, hours.begin() + 16));
  }
  CHECK(night > 1.05 * day);
}

TEST_CASE("noise grows as buckets shrink and as the selection narrows") {
  const char* const from = "2026-06-08T00:00:00Z";
  const double quarter_hours = Roughness(Buckets(1, kAnyMail, from, AggInterval::k15m, 400));
  const double hours = Roughness(Buckets(1, kAnyMail, from, AggInterval::k1h, 400));
  const double narrow = Roughness(Buckets(1, kDmarcFail, from, AggInterval::k1h, 400));
  const double narrower = Roughness(Buckets(1, kDmarcAndSpfFail, from, AggInterval::k1h, 400));
  CHECK(quarter_hours > 1.4 * hours);
  CHECK(narrow > 1.5 * hours);
  CHECK(narrower > 1.2 * narrow);
}

TEST_CASE("the same question gives the same number, another seed or selection another one") {
  const MailBucket hour = Complete(*ParseRfc3339("2026-06-08T09:00:00Z"), AggInterval::k1h);
  const MicroPercent first = SpoofShare(1, kAnyMail, hour, false);
  CHECK(SpoofShare(1, kAnyMail, hour, false) == first);
  CHECK(SpoofShare(2, kAnyMail, hour, false) != first);
  CHECK(SpoofShare(1, kDmarcPass, hour, false) != first);
}

TEST_CASE("the numbers of seed 1 stay what they are from release to release") {
  const MailBucket hour = Complete(*ParseRfc3339("2026-06-08T09:00:00Z"), AggInterval::k1h);
  const MailBucket week = Complete(*ParseRfc3339("2026-06-01T00:00:00Z"), AggInterval::k1w);
  // A few millionths of a percent are the floating point of another machine.
  const auto near = [](MicroPercent share, MicroPercent expected) {
    return std::abs(share - expected) <= 10;
  };
  CHECK(near(SpoofShare(1, kAnyMail, hour, false), 15'702'990));
  CHECK(near(SpoofShare(1, kDmarcFail, hour, false), 25'037'644));
  CHECK(near(SpoofShare(1, kAnyMail, week, false), 16'731'365));
}

TEST_CASE("mail that fails DMARC is the most spoofed, mail that passes the least") {
  const Series fail = Buckets(1, kDmarcFail, "2026-06-01T00:00:00Z", AggInterval::k1d, 28);
  const Series any = Buckets(1, kAnyMail, "2026-06-01T00:00:00Z", AggInterval::k1d, 28);
  const Series pass = Buckets(1, kDmarcPass, "2026-06-01T00:00:00Z", AggInterval::k1d, 28);
  CHECK(Mean(fail) > Mean(any));
  CHECK(Mean(any) > Mean(pass));
}

TEST_CASE("a spike triples spoofing where DMARC fails, lifts what holds such mail, and no other") {
  for (const AggInterval interval : kAllAggIntervals) {
    CAPTURE(RequestName(interval));
    const MailBucket bucket =
        Complete(FloorTo(*ParseRfc3339("2026-06-10T12:00:00Z"), Length(interval)), interval);
    const auto rise = [&](const MailSelection& selection) {
      return Percent(SpoofShare(1, selection, bucket, true)) /
             Percent(SpoofShare(1, selection, bucket, false));
    };
    CHECK(rise(kDmarcFail) == doctest::Approx(3).epsilon(1e-6));
    CHECK(rise(kDmarcPass) == 1);
    CHECK(rise(kAnyMail) > 1.15);
    CHECK(rise(kAnyMail) < 2);
    CHECK(rise(kDmarcFailOrPass) > rise(kAnyMail));
  }
}

TEST_CASE("a spike never passes 95 percent") {
  const Series spiked =
      Buckets(1, kDmarcAndSpfFail, "2026-06-01T00:00:00Z", AggInterval::k15m, 2000, true);
  CHECK(*std::max_element(spiked.begin(), spiked.end()) == 95);
}

constexpr MailSelection kTwoFailures{{0, 1, 0, 1, 0}};
constexpr MailSelection kThreeFailures{{0, 1, 1, 1, 0}};
constexpr MailSelection kAllFailures{{1, 1, 1, 1, 1}};
constexpr double kVolume = 80;

// The share of the buckets of four weeks that hold no mail.
double WithoutMail(const MailSelection& selection, AggInterval interval, double volume = kVolume) {
  const WallTime begin = *ParseRfc3339("2026-06-01T00:00:00Z");
  const WallTime end = begin + std::chrono::weeks(4);
  int all = 0;
  int without = 0;
  for (WallTime start = begin; start < end; start += Length(interval)) {
    ++all;
    without += HasMail(1, selection, Complete(start, interval), volume) ? 0 : 1;
  }
  return static_cast<double>(without) / all;
}

TEST_CASE("buckets without mail grow likelier as selections narrow and as buckets shrink") {
  for (const AggInterval interval : kAllAggIntervals) {
    CHECK(WithoutMail(kAnyMail, interval) == 0);
    CHECK(WithoutMail(kDmarcFail, interval) == 0);
  }
  const double two = WithoutMail(kTwoFailures, AggInterval::k15m);
  const double three = WithoutMail(kThreeFailures, AggInterval::k15m);
  const double all = WithoutMail(kAllFailures, AggInterval::k15m);
  CHECK(two > 0);
  CHECK(two < 0.02);
  CHECK(three > 0.1);
  CHECK(three < 0.2);
  CHECK(all > 0.9);
  CHECK(WithoutMail(kAllFailures, AggInterval::k1h) < all);
  CHECK(WithoutMail(kAllFailures, AggInterval::k1d) < 0.5);
  CHECK(WithoutMail(kThreeFailures, AggInterval::k1h) < 0.01);
  CHECK(WithoutMail(kThreeFailures, AggInterval::k1d) == 0);
  CHECK(WithoutMail(kAnyMail, AggInterval::k15m, 0) == 1);
}

TEST_CASE("a bucket has mail exactly when one of its quarter hours has") {
  constexpr double kLittle = 20;  // so that whole hours are without mail, too
  const WallTime begin = *ParseRfc3339("2026-06-01T00:00:00Z");
  for (int hour = 0; hour < 200; ++hour) {
    const WallTime start = begin + std::chrono::hours(hour);
    bool has_mail = false;
    for (int quarter = 0; quarter < 4; ++quarter) {
      const WallTime at = start + quarter * Length(AggInterval::k15m);
      has_mail = has_mail || HasMail(1, kThreeFailures, Complete(at, AggInterval::k15m), kLittle);
      // What it holds so far decides, the quarter hour that has just begun included.
      const Seconds filled = (quarter + 1) * Length(AggInterval::k15m);
      CHECK(HasMail(1, kThreeFailures, {start, AggInterval::k1h, filled}, kLittle) == has_mail);
    }
    CHECK(HasMail(1, kThreeFailures, {start, AggInterval::k1h, Seconds(0)}, kLittle) ==
          HasMail(1, kThreeFailures, Complete(start, AggInterval::k15m), kLittle));
  }
}

TEST_CASE("which buckets have no mail depends on the seed and the selection") {
  const auto pattern = [](std::uint64_t seed, const MailSelection& selection) {
    const WallTime begin = *ParseRfc3339("2026-06-01T00:00:00Z");
    std::vector<bool> has_mail;
    for (int i = 0; i < 200; ++i) {
      const WallTime start = begin + i * Length(AggInterval::k15m);
      has_mail.push_back(HasMail(seed, selection, Complete(start, AggInterval::k15m), kVolume));
    }
    return has_mail;
  };
  CHECK(pattern(1, kThreeFailures) == pattern(1, kThreeFailures));
  CHECK(pattern(1, kThreeFailures) != pattern(2, kThreeFailures));
  CHECK(pattern(1, kThreeFailures) != pattern(1, {{1, 0, 1, 1, 0}}));
}

TEST_CASE("a third class takes 0.1 to 2.4 percent") {
  for (int hour = 0; hour < 500; ++hour) {
    const WallTime start = *ParseRfc3339("2026-06-01T00:00:00Z") + std::chrono::hours(hour);
    const double unknown = Percent(UnknownShare(1, kAnyMail, Complete(start, AggInterval::k1h)));
    CHECK(unknown >= 0.1);
    CHECK(unknown <= 2.4);
  }
}

TEST_CASE("a projected bucket does not read low, and is still not what it will be") {
  const WallTime start = *ParseRfc3339("2026-06-08T00:00:00Z");
  const MailBucket partial{start, AggInterval::k1w, std::chrono::hours(32)};
  MailBucket projected = partial;
  projected.projected = true;
  const MicroPercent complete = SpoofShare(1, kAnyMail, Complete(start, AggInterval::k1w), false);
  CHECK(SpoofShare(1, kAnyMail, projected, false) > SpoofShare(1, kAnyMail, partial, false));
  CHECK(SpoofShare(1, kAnyMail, projected, false) != complete);
  MailBucket full = Complete(start, AggInterval::k1w);
  full.projected = true;
  CHECK(SpoofShare(1, kAnyMail, full, false) == complete);
}

TEST_CASE("a bucket still filling reads lower than it will, and changes as it fills") {
  const WallTime first_monday = *ParseRfc3339("2026-01-05T00:00:00Z");
  for (int week = 0; week < 40; ++week) {
    CAPTURE(week);
    const auto after = [&](std::chrono::hours filled) {
      const WallTime start = first_monday + week * Length(AggInterval::k1w);
      return Percent(SpoofShare(1, kAnyMail, {start, AggInterval::k1w, filled}, false));
    };
    using std::chrono::hours;
    const double complete = after(hours(168));
    CHECK(after(hours(0)) < 0.9 * complete);
    CHECK(after(hours(32)) < 0.9 * complete);
    CHECK(after(hours(33)) != after(hours(32)));
  }
}

}  // namespace
}  // namespace radar_spoof::simulator
