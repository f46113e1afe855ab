#include "simulator/synthetic_mail.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

constexpr double kDaySeconds = 86400;
constexpr double kWeekSeconds = 7 * kDaySeconds;
constexpr double kYearSeconds = 365.2425 * kDaySeconds;
constexpr double kFirstMonday = 4 * kDaySeconds;

// Shares of all mail, and how much more (log-odds) of it is spoofed than of mail in general. In the
// order of LegalValues(): FAIL NONE PASS, or the TLS versions upwards.
struct Portion {
  double share = 0;
  double shift = 0;
};
using Portions = std::array<Portion, 4>;
constexpr std::array<Portions, kDimensionCount> kPortions = {{
    {{{0.03, 0.15}, {0.77, 0.02}, {0.20, -0.10}}},
    {{{0.07, 0.30}, {0.18, 0.15}, {0.75, -0.08}}},
    {{{0.10, 0.00}, {0.22, 0.00}, {0.68, 0.00}}},  // DMARC has a model of its own: SplitByDmarc
    {{{0.08, 0.30}, {0.12, 0.15}, {0.80, -0.06}}},
    {{{0.01, 0.25}, {0.005, 0.20}, {0.285, 0.05}, {0.70, -0.03}}},
}};
constexpr std::size_t kDmarc = static_cast<std::size_t>(Dimension::kDmarc);
constexpr std::size_t kDmarcFail = 0;
constexpr std::size_t kDmarcNone = 1;
constexpr std::size_t kDmarcPass = 2;

enum class Stream : std::uint64_t {
  kDrift,
  kWeek,
  kCampaign,
  kCampaignSize,
  kNoise,
  kUnknown,
  kVolume
};

std::uint64_t Mix(std::uint64_t value) {  // splitmix64's finaliser
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

std::uint64_t Hash(std::uint64_t seed, Stream stream, std::int64_t position) {
  return Mix(Mix(seed ^ Mix(static_cast<std::uint64_t>(stream))) ^
             static_cast<std::uint64_t>(position));
}

double Uniform(std::uint64_t hash) { return static_cast<double>(hash >> 11U) * 0x1p-53; }

// Mean 0, deviation 1, never beyond 3.5: the sum of four 16-bit uniforms.
double Bell(std::uint64_t hash) {
  double sum = 0;
  for (unsigned i = 0; i < 4; ++i) sum += static_cast<double>(hash >> (16 * i) & 0xFFFFU) / 65535.0;
  return (sum - 2.0) * std::numbers::sqrt3;
}

double Modulo(double value, double period) {  // never negative, unlike std::fmod
  return value - period * std::floor(value / period);
}

double LogOdds(double share) { return std::log(share / (1 - share)); }
double Share(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

double Smooth(double from, double to, double part) {
  return from + (to - from) * (1 - std::cos(std::numbers::pi * part)) / 2;
}

// A smooth random curve that takes a new value every `period`.
double Wander(std::uint64_t seed, Stream stream, double seconds, double period) {
  const double position = (seconds - kFirstMonday) / period;
  const double knot = std::floor(position);
  const auto index = static_cast<std::int64_t>(knot);
  return Smooth(Bell(Hash(seed, stream, index)), Bell(Hash(seed, stream, index + 1)),
                position - knot);
}

double Season(double seconds) {
  constexpr std::array kMiddleOfMonth = {0.195, 0.165, 0.180, 0.215, 0.220, 0.150,
                                         0.125, 0.122, 0.124, 0.125, 0.140, 0.205};
  const double month = Modulo(seconds, kYearSeconds) / kYearSeconds * 12 - 0.5 + 12;
  const auto index = static_cast<std::size_t>(month);
  return Smooth(LogOdds(kMiddleOfMonth[index % 12]), LogOdds(kMiddleOfMonth[(index + 1) % 12]),
                month - std::floor(month));
}

// Now and then a campaign: about one week in fifty, for some days round its middle.
double Campaign(std::uint64_t seed, double seconds) {
  constexpr double kChance = 0.02;
  const double position = (seconds - kFirstMonday) / kWeekSeconds;
  const auto week = static_cast<std::int64_t>(std::floor(position));
  if (Uniform(Hash(seed, Stream::kCampaign, week)) >= kChance) return 0;
  const double size = 0.35 + 0.55 * Uniform(Hash(seed, Stream::kCampaignSize, week));
  const double rise = std::sin(std::numbers::pi * (position - std::floor(position)));
  return size * std::min(1.0, 1.6 * rise);
}

// 1 at the weekend, 0 on working days, with half a day between.
double Weekend(double seconds) {
  const double day = Modulo(seconds - kFirstMonday, kWeekSeconds) / kDaySeconds;
  return std::clamp(std::min((day - 4.75) * 2, (7.25 - day) * 2), 0.0, 1.0) +
         std::clamp((0.25 - day) * 2, 0.0, 0.5);
}

// 1 at 02:00 UTC, -1 at 14:00.
double Night(double seconds) {
  return std::cos(2 * std::numbers::pi * (seconds / kDaySeconds - 2 / 24.0));
}

double Level(std::uint64_t seed, double seconds) {
  return Season(seconds) + 0.13 * Wander(seed, Stream::kDrift, seconds, 4 * kWeekSeconds) +
         0.17 * Wander(seed, Stream::kWeek, seconds, kWeekSeconds) + Campaign(seed, seconds) +
         0.28 * (Weekend(seconds) - 2 / 7.0) + 0.12 * Night(seconds);
}

// The mean over what the bucket holds so far, for mail in general.
double MeanLevel(std::uint64_t seed, const MailBucket& bucket) {
  constexpr std::array kSamples = {1, 4, 24, 42};
  static_assert(kSamples.size() == kAllAggIntervals.size());
  const int samples = kSamples[static_cast<std::size_t>(bucket.interval)];
  const double step = static_cast<double>(bucket.filled.count()) / samples;
  double sum = 0;
  for (int i = 0; i < samples; ++i) {
    sum += Share(Level(seed, UnixSeconds(bucket.start) + (i + 0.5) * step));
  }
  return LogOdds(sum / samples);
}

bool Accepts(std::uint8_t mask, std::size_t value) {
  return mask == 0 || (mask >> value & 1U) != 0;
}

Portion Total(const Portions& portions, std::uint8_t mask) {
  Portion total;
  for (std::size_t i = 0; i < portions.size(); ++i) {
    if (!Accepts(mask, i)) continue;
    total.share += portions[i].share;
    total.shift += portions[i].share * portions[i].shift;
  }
  return {total.share, mask == 0 ? 0.0 : total.shift / total.share};
}

double ShareOfAllMail(const MailSelection& selection) {
  double share = 1;
  for (std::size_t i = 0; i < kDimensionCount; ++i) {
    share *= Total(kPortions[i], selection[i]).share;
  }
  return share;
}

// Spoofing among mail that fails, lacks and passes DMARC, so that the three mix to `level`. Failing
// mail swings half as much as the rest, which leaves it room to triple.
std::array<double, 3> SplitByDmarc(double level) {
  constexpr double kUsual = -1.75;
  const Portions& portions = kPortions[kDmarc];
  const double fail = Share(kUsual + 0.5 * (level - kUsual) + 0.45);
  const double none = Share(level + 0.12);
  const double rest =
      Share(level) - portions[kDmarcFail].share * fail - portions[kDmarcNone].share * none;
  return {fail, none, std::max(0.004, rest / portions[kDmarcPass].share)};
}

// No greater while a bucket is still filling than when it is complete: that it reads low is enough.
double NoiseDeviation(const MailBucket& bucket, double share_of_all_mail) {
  constexpr double kOfOneDay = 0.01;
  const double length = static_cast<double>(Length(bucket.interval).count());
  const double middle = UnixSeconds(bucket.start) + length / 2;
  double deviation = kOfOneDay * std::sqrt(kDaySeconds / length / share_of_all_mail);
  if (bucket.interval != AggInterval::k1w) deviation *= 1 + 0.4 * Weekend(middle);
  if (length < kDaySeconds) deviation *= 1 + 0.3 * std::max(0.0, Night(middle));
  return std::min(deviation, 0.35);
}

// A number of its own for each stream, time and selection.
std::uint64_t Key(std::uint64_t seed, Stream stream, WallTime time,
                  const MailSelection& selection) {
  std::uint64_t key = Hash(seed, stream, time.time_since_epoch().count());
  for (const std::uint8_t mask : selection) key = Mix(key ^ mask);
  return key;
}

double Noise(std::uint64_t seed, const MailSelection& selection, const MailBucket& bucket) {
  std::uint64_t key = Key(seed, Stream::kNoise, bucket.start, selection);
  key = Mix(key ^ static_cast<std::uint64_t>(bucket.interval));
  return Bell(Mix(key ^ static_cast<std::uint64_t>(bucket.filled.count())));
}

}  // namespace

MicroPercent SpoofShare(std::uint64_t seed, const MailSelection& selection, const MailBucket& given,
                        bool spike) {
  constexpr double kCeiling = 0.95;
  MailBucket bucket = given;
  bucket.filled = std::max<Seconds>(bucket.filled, 1min);  // just begun: a little, not nothing

  double level = MeanLevel(seed, bucket);
  for (std::size_t i = 0; i < kDimensionCount; ++i) {
    level += Total(kPortions[i], selection[i]).shift;
  }
  const double noise =
      NoiseDeviation(bucket, ShareOfAllMail(selection)) * Noise(seed, selection, bucket);

  const std::array<double, 3> by_dmarc = SplitByDmarc(level);
  double spoofed = 0;
  double mail = 0;
  for (std::size_t i = 0; i < by_dmarc.size(); ++i) {
    if (!Accepts(selection[kDmarc], i)) continue;
    double share = Share(LogOdds(by_dmarc[i]) + noise);
    if (spike && i == kDmarcFail) share = std::max(share, std::min(3 * share, kCeiling));
    spoofed += kPortions[kDmarc][i].share * share;
    mail += kPortions[kDmarc][i].share;
  }
  const double fraction = bucket.projected
                              ? 1
                              : static_cast<double>(bucket.filled.count()) /
                                    static_cast<double>(Length(bucket.interval).count());
  const double seen = spoofed / mail * (0.55 + 0.45 * std::min(1.0, fraction));
  return std::clamp<MicroPercent>(std::llround(seen * static_cast<double>(kAllMail)), 0, kAllMail);
}

MicroPercent UnknownShare(std::uint64_t seed, const MailSelection& selection,
                          const MailBucket& bucket) {
  const double drawn = Uniform(Key(seed, Stream::kUnknown, bucket.start, selection));
  return std::llround((0.001 + 0.023 * drawn) * static_cast<double>(kAllMail));
}

bool HasMail(std::uint64_t seed, const MailSelection& selection, const MailBucket& bucket,
             double volume) {
  constexpr Seconds kQuarterHour = 15min;
  const double chance_of_none = std::exp(-volume * std::sqrt(ShareOfAllMail(selection)));
  const WallTime end = bucket.start + std::max(bucket.filled, kQuarterHour);
  for (WallTime start = bucket.start; start < end; start += kQuarterHour) {
    if (Uniform(Key(seed, Stream::kVolume, start, selection)) >= chance_of_none) return true;
  }
  return false;
}

}  // namespace radar_spoof::simulator
