#include "radar_spoof/expect/expectation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace radar_spoof {
namespace {

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kWeeks = 4;
// A deviation from the median absolute deviation, where values are distributed normally.
constexpr double kDeviations = 1.4826;
// Of the level without a pattern, and of the earlier buckets that it takes to say anything.
constexpr std::size_t kRecent = 8;
constexpr std::size_t kFewest = 4;
// Where the factor alone would ask for more than there can be.
constexpr double kWithinReach = 0.9;
// A holiday looks like a weekend: so much above what the same hour of any day has been, but for the
// two highest, which may be an earlier spike's.
constexpr double kAboveOtherDays = 1.1;
constexpr std::size_t kLeftOut = 2;

struct Shape {
  std::size_t season = 0;  // buckets of a week; 0: no pattern
  std::size_t level = kRecent;
  double scales = 1;    // times SpikeBounds::scales
  std::size_t day = 0;  // buckets of a day, whose hours are compared; 0: they are not
};

// The noise of narrow buckets lasts, so they take a third more scales.
Shape PlainShape(AggInterval interval) {
  const bool narrow = interval == AggInterval::k15m || interval == AggInterval::k1h;
  return {.scales = narrow ? 4.0 / 3 : 1};
}

// `slots`: of the window.
Shape ShapeOf(AggInterval interval, std::size_t slots) {
  Shape seasonal = {.season = 7, .level = 7};
  if (interval == AggInterval::k1h) {
    seasonal = {.season = 168, .level = 24, .day = 24};
  } else if (interval != AggInterval::k1d) {
    return PlainShape(interval);
  }
  // The newest bucket is some hours behind the end of the range that was asked for, and the oldest
  // may be without mail.
  return slots + seasonal.season / 2 >= kWeeks * seasonal.season ? seasonal : PlainShape(interval);
}

double LogOdds(double ratio) {
  constexpr double kLeast = 0.001;
  const double share = std::clamp(ratio, kLeast, 1 - kLeast);
  return std::log(share / (1 - share));
}

double Share(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

// REQUIRES: not empty. Their order changes.
double MedianOf(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// The median of the last values that were added.
class RunningMedian {
 public:
  static constexpr std::size_t kLongest = 24;

  // REQUIRES: 1 <= length <= kLongest.
  explicit RunningMedian(std::size_t length) : length_(length) {}

  std::size_t size() const { return size_; }

  // Forgets the oldest when there are `length`. REQUIRES: `value` is finite.
  void Add(double value) {
    double& oldest = recent_[next_];
    const double leaving = oldest;
    oldest = value;
    next_ = (next_ + 1) % length_;
    double* const begin = sorted_.data();
    if (size_ < length_) {
      double* const place = std::lower_bound(begin, begin + size_, value);
      std::copy_backward(place, begin + size_, begin + size_ + 1);
      *place = value;
      ++size_;
      return;
    }
    double* place = std::lower_bound(begin, begin + size_, leaving);
    for (; place + 1 < begin + size_ && place[1] < value; ++place) *place = place[1];
    for (; place > begin && place[-1] > value; --place) *place = place[-1];
    *place = value;
  }

  // REQUIRES: size() > 0.
  double Median() const {
    const double upper = sorted_[size_ / 2];
    return size_ % 2 == 1 ? upper : (sorted_[size_ / 2 - 1] + upper) / 2;
  }

 private:
  std::size_t length_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;                   // where the oldest of `length_` stands
  std::array<double, kLongest> recent_{};  // a ring
  std::array<double, kLongest> sorted_{};
};

std::size_t SlotsBetween(const SpoofBucket& from, const SpoofBucket& to, AggInterval interval) {
  if (!from.start || !to.start) return to.position - from.position;
  return static_cast<std::size_t>((*to.start - *from.start) / Length(interval));
}

// A window as one slot an interval, the latest bucket last. Of a pattern's window that is longer
// only the four weeks before the latest bucket.
class Window {
 public:
  Window(std::span<const SpoofBucket> buckets, AggInterval interval, const Shape& shape)
      : shape_(shape) {
    std::size_t slots = SlotsBetween(buckets.front(), buckets.back(), interval) + 1;
    if (shape_.season > 0) slots = std::min(slots, kWeeks * shape_.season + 1);
    ratios_.assign(slots, kGap);
    log_odds_.assign(slots, kGap);
    for (const SpoofBucket& bucket : buckets) {
      const std::size_t back = SlotsBetween(bucket, buckets.back(), interval);
      if (back >= slots) continue;
      ratios_[slots - 1 - back] = bucket.spoof.value();
      log_odds_[slots - 1 - back] = LogOdds(bucket.spoof.value());
    }
  }

  const Shape& shape() const { return shape_; }
  std::size_t slots() const { return ratios_.size(); }
  bool IsGap(std::size_t slot) const { return std::isnan(ratios_[slot]); }
  double ratio(std::size_t slot) const { return ratios_[slot]; }

  // The pattern at `slot`, from the slots before `end` but not from itself, in log-odds. NaN: no
  // such bucket is there.
  double Pattern(std::size_t slot, std::size_t end) const {
    if (shape_.season == 0) return 0;
    std::array<double, kWeeks + 1> same;
    std::size_t count = 0;
    for (std::size_t i = slot % shape_.season; i < end; i += shape_.season) {
      if (i == slot || IsGap(i)) continue;
      std::size_t place = count++;
      for (; place > 0 && same[place - 1] > log_odds_[i]; --place) same[place] = same[place - 1];
      same[place] = log_odds_[i];
    }
    if (count == 0) return kGap;
    return count % 2 == 1 ? same[count / 2] : (same[count / 2 - 1] + same[count / 2]) / 2;
  }

  // What `slot` differs from its pattern by; NaN: a gap, or without pattern.
  double Residual(std::size_t slot, std::size_t end) const {
    return log_odds_[slot] - Pattern(slot, end);
  }

  // How far buckets before `end` were from their pattern and level, in log-odds. NaN: too few.
  double Scale(std::size_t end) const {
    std::vector<double> off;
    off.reserve(end);
    RunningMedian level(shape_.level);
    for (std::size_t slot = 0; slot < end; ++slot) {
      const double residual = Residual(slot, end);
      if (std::isnan(residual)) continue;
      if (level.size() >= kFewest) off.push_back(std::abs(residual - level.Median()));
      level.Add(residual);
    }
    return off.size() < kFewest ? kGap : kDeviations * MedianOf(off);
  }

  // Above what the same hour of the days before `end` has been; 0 without a pattern of hours.
  double AboveOtherDays(std::size_t slot, std::size_t end) const {
    if (shape_.day == 0) return 0;
    std::array<double, kLeftOut + 1> highest{};  // ascending
    for (std::size_t i = slot % shape_.day; i < end; i += shape_.day) {
      if (IsGap(i) || ratios_[i] <= highest.front()) continue;
      std::size_t place = 0;
      for (; place < kLeftOut && highest[place + 1] < ratios_[i]; ++place) {
        highest[place] = highest[place + 1];
      }
      highest[place] = ratios_[i];
    }
    return kAboveOtherDays * highest.front();
  }

 private:
  Shape shape_;
  std::vector<double> ratios_;
  std::vector<double> log_odds_;
};

// What came before a run, or before a bucket that may begin one.
struct Before {
  double level;      // log-odds
  double scale = 0;  // log-odds
};

double UpperBound(double pattern, double other_days, const Before& before, const Shape& shape,
                  const SpikeBounds& bounds) {
  const double expected = Share(pattern + before.level);
  const double scales = shape.scales * bounds.scales * before.scale;
  const double factor = std::min(bounds.factor * expected, std::max(kWithinReach, expected));
  return std::min(1.0, std::max({Share(pattern + before.level + scales), factor,
                                 expected + bounds.rise, bounds.floor, other_days}));
}

// Goes through a window's last buckets, oldest first.
class Scan {
 public:
  Scan(const Window& window, const SpikeBounds& bounds)
      : window_(window), bounds_(bounds), level_(window.shape().level) {}

  std::optional<Expectation> Run(std::size_t longest_run) {
    const std::size_t latest = window_.slots() - 1;
    const std::size_t first = window_.slots() - std::min(longest_run, window_.slots());
    FillLevel(first);
    for (std::size_t slot = first; slot < latest; ++slot) {
      if (!window_.IsGap(slot)) Judge(slot, false);
    }
    return Judge(latest, true);
  }

 private:
  // With as many buckets before `end` as it takes.
  void FillLevel(std::size_t end) {
    std::size_t begin = end;
    for (std::size_t there = 0; begin > 0 && there < window_.shape().level;) {
      if (!window_.IsGap(--begin)) ++there;
    }
    AddToLevel(begin, end);
  }

  void AddToLevel(std::size_t begin, std::size_t end) {
    for (std::size_t slot = begin; slot < end; ++slot) {
      const double residual = window_.Residual(slot, slot);
      if (!std::isnan(residual)) level_.Add(residual);
    }
  }

  // Without `is_latest` the upper bound is only found where the bucket may be above it.
  std::optional<Expectation> Judge(std::size_t slot, bool is_latest) {
    if (above_ == 0) run_begin_ = slot;
    const double pattern = window_.Pattern(slot, run_begin_);
    if (std::isnan(pattern) || level_.size() < kFewest) {
      if (above_ == 0) AddToLevel(slot, slot + 1);
      return std::nullopt;
    }
    const double ratio = window_.ratio(slot);
    const double other_days = window_.AboveOtherDays(slot, run_begin_);
    const Shape& shape = window_.shape();
    if (above_ == 0) {
      before_ = {.level = level_.Median()};
      const bool may_be_above = ratio > UpperBound(pattern, other_days, before_, shape, bounds_);
      if (may_be_above || is_latest) before_.scale = window_.Scale(slot);
    }
    if (std::isnan(before_.scale)) {
      AddToLevel(slot, slot + 1);
      return std::nullopt;
    }
    const double upper = UpperBound(pattern, other_days, before_, shape, bounds_);
    if (ratio > upper) {
      ++above_;
    } else {
      above_ = 0;
      AddToLevel(run_begin_, slot + 1);
    }
    return Expectation{Share(pattern + before_.level), upper, above_};
  }

  const Window& window_;
  const SpikeBounds& bounds_;
  RunningMedian level_;  // of the buckets before run_begin_
  std::size_t run_begin_ = 0;
  int above_ = 0;       // how many from run_begin_ on
  Before before_ = {};  // run_begin_, too
};

}  // namespace

std::size_t LongestRun(AggInterval interval) {
  switch (interval) {
    case AggInterval::k15m:
    case AggInterval::k1h: return 24;
    case AggInterval::k1d: return 14;
    case AggInterval::k1w: return 12;
  }
  return 0;
}

std::optional<Expectation> ExpectationOf(std::span<const SpoofBucket> buckets, AggInterval interval,
                                         const SpikeBounds& bounds) {
  if (buckets.size() <= 2 * kFewest) return std::nullopt;
  const std::size_t longest = LongestRun(interval);
  const Shape shape =
      ShapeOf(interval, SlotsBetween(buckets.front(), buckets.back(), interval) + 1);
  const Window window(buckets, interval, shape);
  auto expectation = Scan(window, bounds).Run(longest);
  if (expectation || shape.season == 0) return expectation;
  const Window without_pattern(buckets, interval, PlainShape(interval));
  return Scan(without_pattern, bounds).Run(longest);
}

SpoofSample JudgedSampleOf(const Query& query, const SpoofWindow& window) {
  SpoofSample sample = SampleOf(query, window);
  sample.expectation = ExpectationOf(window.buckets, query.agg_interval, query.alert.expected);
  return sample;
}

}  // namespace radar_spoof
