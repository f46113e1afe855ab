#include "quality/worlds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "simulator/synthetic_mail.h"

namespace radar_spoof::quality {
namespace {

constexpr double kDay = 86400;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
// A Monday.
constexpr WallTime kStart = std::chrono::sys_days(std::chrono::year(2019) / 12 / 30);

double LogOdds(double share) { return std::log(share / (1 - share)); }
double Share(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

std::uint64_t Mix(std::uint64_t value) {  // splitmix64
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(Mix(seed)) {}

  double Uniform() {
    state_ = Mix(state_);
    return static_cast<double>(state_ >> 11U) * 0x1p-53;
  }
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

// Noise that lasts: after `memory` a third of it is left.
class LastingNoise {
 public:
  LastingNoise(double deviation, double memory, double step)
      : kept_(std::exp(-step / memory)), fresh_(deviation * std::sqrt(1 - kept_ * kept_)) {}

  double Next(Random& random) { return value_ = kept_ * value_ + fresh_ * random.Normal(); }

 private:
  double kept_;
  double fresh_;
  double value_ = 0;
};

// In log-odds, but for what says otherwise.
struct Rhythm {
  double level;
  double night;        // from noon to night, half of it
  double sharpness;    // of the night: how much of a second wave
  double peak_hour;    // UTC
  double weekend;      // from working days to weekends
  double year;         // from autumn to spring, half of it
  double drift;        // over `drift_days`
  double drift_days;   // days
  double noise;        // over `noise_hours`
  double noise_hours;  // hours
  double white_noise;  // of one hour
  double outliers;     // share of buckets whose white noise is 2.5 times that
  double missing;      // share of buckets
  double holidays;     // how many a year, beside those from 24 December to 1 January
};

bool IsHoliday(std::int64_t day, const Rhythm& rhythm, std::uint64_t seed) {
  const std::int64_t of_year = day % 365;
  if (of_year >= 357 || of_year == 0) return true;
  Random random(seed ^ Mix(static_cast<std::uint64_t>(day)));
  return random.Uniform() < rhythm.holidays / 365;
}

// What is usual at a time.
double Usual(double seconds, const Rhythm& rhythm, std::uint64_t seed) {
  constexpr std::int64_t kThursday = 3;  // 1970-01-01, where Monday is 0
  const auto day = static_cast<std::int64_t>(std::floor(seconds / kDay));
  const double hour = (seconds / kDay - static_cast<double>(day)) * 24;
  const double angle = 2 * std::numbers::pi * (hour - rhythm.peak_hour) / 24;
  const double night = rhythm.night * (std::cos(angle) + rhythm.sharpness * std::cos(2 * angle));
  const double season = rhythm.year * std::cos(2 * std::numbers::pi * (seconds / kDay - 100) / 365);
  const bool rests = (day + kThursday) % 7 >= 5 || IsHoliday(day, rhythm, seed);
  return rhythm.level + season +
         (rests ? rhythm.weekend * 5 / 7 + 0.6 * night : night - rhythm.weekend * 2 / 7);
}

Series RhythmSeries(const Rhythm& rhythm, std::uint64_t seed, AggInterval interval,
                    std::size_t count) {
  const auto length = static_cast<double>(Length(interval).count());
  const double step = std::min(3600.0, length <= 3600 ? 900.0 : 3600.0);
  const int steps = static_cast<int>(length / step);
  // A wide bucket's white noise is less than an hour's, though not by the whole root of its width.
  const double white_noise =
      rhythm.white_noise * (length > 3600 ? 1.5 / std::sqrt(24) : std::sqrt(3600 / length));
  Random random(seed);
  LastingNoise noise(rhythm.noise, rhythm.noise_hours * 3600, step);
  LastingNoise drift(rhythm.drift, rhythm.drift_days * kDay, step);
  Series series{interval, kStart, {}};
  double seconds = UnixSeconds(kStart);
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int j = 0; j < steps; ++j, seconds += step) {
      sum += Share(Usual(seconds, rhythm, seed) + noise.Next(random) + drift.Next(random));
    }
    const double outlier = random.Uniform() < rhythm.outliers ? 2.5 : 1;
    const double ratio = Share(LogOdds(sum / steps) + outlier * white_noise * random.Normal());
    series.ratios.push_back(random.Uniform() < rhythm.missing ? kMissing : ratio);
  }
  return series;
}

Rhythm RhythmOf(World world, Purpose purpose) {
  if (world == World::kMildRhythm) {
    if (purpose == Purpose::kTuning) {
      return {.level = -2.0,
              .night = 0.10,
              .sharpness = 0,
              .peak_hour = 2,
              .weekend = 0.15,
              .year = 0.1,
              .drift = 0.12,
              .drift_days = 20,
              .noise = 0.05,
              .noise_hours = 6,
              .white_noise = 0.05,
              .outliers = 0.02,
              .missing = 0.02,
              .holidays = 10};
    }
    return {.level = -1.9,
            .night = 0.12,
            .sharpness = 0.2,
            .peak_hour = 4,
            .weekend = 0.18,
            .year = 0.1,
            .drift = 0.15,
            .drift_days = 25,
            .noise = 0.06,
            .noise_hours = 8,
            .white_noise = 0.06,
            .outliers = 0.02,
            .missing = 0.01,
            .holidays = 10};
  }
  if (purpose == Purpose::kTuning) {
    return {.level = -2.0,
            .night = 0.5,
            .sharpness = 0.25,
            .peak_hour = 3,
            .weekend = 0.6,
            .year = 0.15,
            .drift = 0.15,
            .drift_days = 20,
            .noise = 0.09,
            .noise_hours = 6,
            .white_noise = 0.08,
            .outliers = 0.03,
            .missing = 0.02,
            .holidays = 10};
  }
  return {.level = -1.8,
          .night = 0.45,
          .sharpness = 0.35,
          .peak_hour = 5,
          .weekend = 0.5,
          .year = 0.15,
          .drift = 0.18,
          .drift_days = 25,
          .noise = 0.10,
          .noise_hours = 8,
          .white_noise = 0.09,
          .outliers = 0.03,
          .missing = 0.01,
          .holidays = 12};
}

std::vector<Series> RhythmWorld(World world, Purpose purpose, AggInterval interval,
                                std::size_t count) {
  constexpr std::uint64_t kSelections = 5;
  std::vector<Series> all;
  for (std::uint64_t i = 0; i < kSelections; ++i) {
    Rhythm rhythm = RhythmOf(world, purpose);
    rhythm.level += 0.25 * static_cast<double>(i);
    const std::uint64_t seed = (purpose == Purpose::kTuning ? 100 : 900) + 17 * i;
    all.push_back(RhythmSeries(rhythm, seed, interval, count));
  }
  return all;
}

// The seasons as in the simulator's contract, but each year's last ten days are a step up.
Series Weeks(std::uint64_t seed, std::size_t count) {
  constexpr std::array kMiddleOfMonth = {0.185, 0.165, 0.175, 0.21,  0.225, 0.16,
                                         0.125, 0.122, 0.124, 0.128, 0.14,  0.19};
  Random random(seed);
  const double december = 0.35 + 0.25 * random.Uniform();
  Series series{AggInterval::k1w, kStart, {}};
  double lasting = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double day = std::fmod(static_cast<double>(i) * 7 + 2, 365.25);
    const double month = day / 365.25 * 12 - 0.5 + 12;
    const auto index = static_cast<std::size_t>(month);
    const double part = (1 - std::cos(std::numbers::pi * (month - static_cast<double>(index)))) / 2;
    double log_odds = LogOdds(kMiddleOfMonth[index % 12]) * (1 - part) +
                      LogOdds(kMiddleOfMonth[(index + 1) % 12]) * part;
    if (day >= 354 || day < 4) log_odds += december;
    lasting = 0.6 * lasting + 0.13 * random.Normal();
    series.ratios.push_back(Share(log_odds + lasting + 0.07 * random.Normal()));
  }
  return series;
}

std::vector<Series> SimulatorWorld(Purpose purpose, AggInterval interval, std::size_t count) {
  constexpr std::uint8_t kFail = 1;
  constexpr std::uint8_t kNone = 2;
  constexpr std::uint8_t kPass = 4;
  constexpr std::uint8_t kTls13 = 8;
  // In the order of kAllDimensions: ARC, DKIM, DMARC, SPF, TLS version.
  constexpr std::array<simulator::MailSelection, 9> kSelections = {{
      {0, 0, 0, 0, 0},
      {0, 0, kFail, 0, 0},
      {0, 0, kNone, 0, 0},
      {0, 0, kPass, 0, 0},
      {0, 0, 0, kFail, 0},
      {0, kFail, 0, 0, 0},
      {0, 0, 0, kPass, 0},
      {0, 0, 0, 0, kTls13},
      {0, 0, kFail, kFail, 0},
  }};
  const std::uint64_t seed = purpose == Purpose::kTuning ? 2 : 5;
  std::vector<Series> all;
  for (const auto& selection : kSelections) {
    Series series{interval, kStart, {}};
    for (std::size_t i = 0; i < count; ++i) {
      const WallTime start = kStart + static_cast<std::int64_t>(i) * Length(interval);
      const simulator::MailBucket bucket{start, interval, Length(interval)};
      const auto share = simulator::SpoofShare(seed, selection, bucket, false);
      series.ratios.push_back(static_cast<double>(share) / simulator::kAllMail);
    }
    all.push_back(std::move(series));
  }
  return all;
}

double YearsOf(AggInterval interval) {
  constexpr std::array<double, 4> kYears = {1, 2, 10, 20};
  static_assert(kYears.size() == kAllAggIntervals.size());
  return kYears[static_cast<std::size_t>(interval)];
}

}  // namespace

std::string_view Name(World world) {
  constexpr std::array<std::string_view, 4> kNames = {"simulator", "mild rhythm", "strong rhythm",
                                                      "weeks as seen"};
  return kNames[static_cast<std::size_t>(world)];
}

std::vector<Series> SeriesOf(World world, Purpose purpose, AggInterval interval) {
  const auto count = static_cast<std::size_t>(YearsOf(interval) * 365 * kDay /
                                              static_cast<double>(Length(interval).count()));
  if (world == World::kSimulator) return SimulatorWorld(purpose, interval, count);
  if (world != World::kWeeks) return RhythmWorld(world, purpose, interval, count);
  constexpr std::uint64_t kSelections = 8;
  std::vector<Series> all;
  for (std::uint64_t i = 0; i < kSelections; ++i) {
    all.push_back(Weeks((purpose == Purpose::kTuning ? 4000 : 7000) + 13 * i, count));
  }
  return all;
}

}  // namespace radar_spoof::quality
