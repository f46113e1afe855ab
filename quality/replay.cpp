#include "quality/replay.h"

#include <algorithm>
#include <cmath>

#include "radar_spoof/expect/expectation.h"

namespace radar_spoof::quality {
namespace {

constexpr double kMostSpoofed = 0.97;

constexpr std::array<SpikeShape, 8> kShapes = {{
    {Spike::kDoubleForTwo, 2, 2},
    {Spike::kHalfMoreForThree, 3, 1.5},
    {Spike::kTripleForTwo, 2, 3},
    {Spike::kFivefoldForOne, 1, 5},
    {Spike::kTripleForTwelve, 12, 3},
    {Spike::kSecondDouble, 2, 2},
    {Spike::kRamp, 12, 3},
    {Spike::kStep, 48, 2},
}};

double FactorAt(const SpikeShape& shape, std::size_t place) {
  if (shape.spike != Spike::kRamp) return shape.factor;
  return 1 +
         (shape.factor - 1) * static_cast<double>(place) / static_cast<double>(shape.buckets - 1);
}

// How long before the second spike the first one begins.
std::size_t SecondAfter(AggInterval interval) {
  constexpr std::array<std::size_t, 4> kBuckets = {96, 24, 5, 5};
  static_assert(kBuckets.size() == kAllAggIntervals.size());
  return kBuckets[static_cast<std::size_t>(interval)];
}

// The series as buckets, where a missing one is not there.
class Buckets {
 public:
  Buckets(const Series& series) : interval_(series.interval) {
    for (std::size_t i = 0; i < series.ratios.size(); ++i) {
      const double ratio = series.ratios[i];
      const auto spoof = Ratio::FromFraction(ratio);
      place_.push_back(buckets_.size());
      if (!spoof) continue;
      const WallTime start = series.start + static_cast<std::int64_t>(i) * Length(interval_);
      buckets_.push_back({start, *spoof, *Ratio::FromFraction(1 - ratio), i});
    }
    place_.push_back(buckets_.size());
  }

  bool IsThere(std::size_t i) const { return place_[i] < place_[i + 1]; }

  double ratio(std::size_t i) const { return buckets_[place_[i]].spoof.value(); }
  void Multiply(std::size_t i, double factor) {
    if (!IsThere(i)) return;
    const double most = std::max(ratio(i), kMostSpoofed);
    buckets_[place_[i]].spoof = *Ratio::FromFraction(std::min(most, ratio(i) * factor));
  }

  std::optional<Expectation> At(std::size_t i, std::size_t window,
                                const SpikeBounds& bounds) const {
    if (!IsThere(i) || i + 1 < window) return std::nullopt;
    const std::size_t first = place_[i + 1 - window];
    return ExpectationOf(std::span(buckets_).subspan(first, place_[i] + 1 - first), interval_,
                         bounds);
  }

 private:
  AggInterval interval_;
  std::vector<SpoofBucket> buckets_;
  std::vector<std::size_t> place_;  // of each bucket of the series, or of the next that is there
};

bool Pages(const std::optional<Expectation>& expectation) {
  return expectation && expectation->buckets_above >= kPagedRun;
}

// Whether the alert fires while a bucket is the latest one, bucket after bucket. While one is
// missing, that before it is still shown.
class Alert {
 public:
  explicit Alert(AggInterval interval)
      : kept_(static_cast<std::size_t>(kKeepFiring / Length(interval))) {}

  bool Next(bool is_there, bool pages) {
    if (!is_there) return left_ > 0;
    if (pages) {
      left_ = kept_ + 1;
    } else if (left_ > 0) {
      --left_;
    }
    return left_ > 0;
  }

 private:
  std::size_t kept_;
  std::size_t left_ = 0;
};

}  // namespace

std::span<const SpikeShape> SpikeShapes() { return kShapes; }

std::vector<std::optional<Expectation>> ExpectationsOf(const Series& series, std::size_t window,
                                                       const SpikeBounds& bounds) {
  const Buckets buckets(series);
  std::vector<std::optional<Expectation>> all;
  for (std::size_t i = 0; i < series.ratios.size(); ++i) {
    all.push_back(buckets.At(i, window, bounds));
  }
  return all;
}

FalsePages PagesOf(const Series& series, std::size_t window, const SpikeBounds& bounds) {
  constexpr Seconds kDay{86400};
  const auto expectations = ExpectationsOf(series, window, bounds);
  FalsePages pages;
  if (expectations.size() < window) return pages;
  const Seconds interval = Length(series.interval);
  pages.years = static_cast<double>(expectations.size() + 1 - window) * interval / (365 * kDay);
  Alert alert(series.interval);
  bool fired = false;
  std::optional<WallTime> day;
  for (std::size_t i = window - 1; i < expectations.size(); ++i) {
    const bool fires = alert.Next(!std::isnan(series.ratios[i]), Pages(expectations[i]));
    if (fires && !fired) {
      ++pages.firings;
      const WallTime today = FloorTo(series.start + static_cast<std::int64_t>(i) * interval, kDay);
      if (day != today) ++pages.days;
      day = today;
    }
    fired = fires;
  }
  return pages;
}

Found SpikesFound(const Series& series, std::size_t window, const SpikeBounds& bounds,
                  const SpikeShape& shape, int moments) {
  const Buckets calm(series);
  const std::size_t first_for = 3;  // buckets of the spike before a second one
  const std::size_t before = shape.spike == Spike::kSecondDouble ? SecondAfter(series.interval) : 0;
  Found found;
  const std::size_t needed = window + before + shape.buckets + 1;
  if (series.ratios.size() <= needed) return found;
  const std::size_t room = series.ratios.size() - needed;
  for (int moment = 0; moment < moments; ++moment) {
    // Spread over the whole, hour of the day and day of the week included.
    const auto at = window + before +
                    static_cast<std::size_t>(std::fmod((moment + 0.5) * 0.6180339887498949, 1.0) *
                                             static_cast<double>(room));
    Buckets buckets = calm;
    bool complete = true;
    for (std::size_t i = 0; i < shape.buckets; ++i) {
      complete = complete && buckets.IsThere(at + i);
      buckets.Multiply(at + i, FactorAt(shape, i));
    }
    if (!complete && shape.buckets <= 3) continue;
    for (std::size_t i = 0; before > 0 && i < first_for; ++i) buckets.Multiply(at - before + i, 3);
    ++found.tried;
    Alert alert(series.interval);
    std::optional<std::size_t> delay;
    std::size_t fires = 0;
    for (std::size_t i = 0; i < shape.buckets; ++i) {
      const auto expectation = buckets.At(at + i, window, bounds);
      if (!alert.Next(buckets.IsThere(at + i), Pages(expectation))) continue;
      ++fires;
      if (!delay) delay = i;
    }
    if (!delay) continue;
    ++found.found;
    found.delay += static_cast<double>(*delay);
    found.firing_share += static_cast<double>(fires) / static_cast<double>(shape.buckets);
  }
  return found;
}

}  // namespace radar_spoof::quality
