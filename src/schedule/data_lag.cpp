#include "radar_spoof/schedule/data_lag.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// The steps are one tuned set: a first-step-later of 60 s over a step-earlier of 12 s gives a miss
// in about seven intervals, so 1.15 requests per interval; together with the reserve and the spread
// of the queries they keep the wait for a bucket under 3 minutes.
constexpr Milliseconds kQuarterHour = 15min;
constexpr Milliseconds kFirstStepLater = 60s;
constexpr Milliseconds kLongestStepLater = 140s;
constexpr Milliseconds kPlausibleLag = 70min;
constexpr Milliseconds kFirstStepEarlier = 12s;
constexpr Milliseconds kLongestStepEarlier = 60s;
constexpr Milliseconds kReserveStep = 25s;
constexpr Milliseconds kLargestReserve = 90s;
constexpr Milliseconds kExactMargin = 45s;
constexpr Milliseconds kNarrowEnough = 60s;
constexpr int kFindsThatMeanTooLate = 5;
constexpr int kFindsBetweenCrowdedMisses = 4;

bool OnQuarterHour(WallTime time) { return time.time_since_epoch() % kQuarterHour == 0ms; }

}  // namespace

DataLag::DataLag(Seconds floor, Seconds slowest_step)
    : floor_(floor),
      slowest_step_(slowest_step),
      step_later_(kFirstStepLater),
      step_earlier_(kFirstStepEarlier) {}

Milliseconds DataLag::Expected() const { return estimate_ ? std::max(floor_, *estimate_) : floor_; }

bool DataLag::searching() const { return longest_ - shortest_ > kNarrowEnough; }

void DataLag::Observe(WallTime asked, WallTime reach, Seconds resolution,
                      std::optional<WallTime> awaited) {
  const Milliseconds at_most = asked - reach;
  if (at_most < 0ms) return;
  if (!OnQuarterHour(reach)) {
    estimate_ = at_most + kExactMargin;
    longest_ = shortest_ = *estimate_;
    return;
  }
  if (!estimate_) {
    longest_ = at_most;
    shortest_ = std::max(0ms, at_most - Milliseconds(resolution));
    estimate_ = (shortest_ + longest_) / 2;
    return;
  }
  if (!awaited) return;
  const Milliseconds offset = asked - *awaited;
  const bool found = reach >= *awaited;
  if (searching()) {
    Narrow(offset, found);
  } else if (found) {
    Find(*awaited, offset, at_most);
  } else if (offset >= *estimate_) {
    Miss(*awaited, offset);
  }
}

void DataLag::Narrow(Milliseconds offset, bool found) {
  if (found) {
    longest_ = std::clamp(offset, shortest_, longest_);
  } else {
    shortest_ = std::max(shortest_, offset);
    longest_ = std::max(longest_, shortest_ + kFirstStepLater);
  }
  estimate_ = searching() ? (shortest_ + longest_) / 2 : longest_;
}

void DataLag::Find(WallTime awaited, Milliseconds offset, Milliseconds at_most) {
  if (missed_ == awaited) {
    const bool crowded = finds_in_a_row_ < kFindsBetweenCrowdedMisses;
    reserve_ = crowded ? std::min(reserve_ + kReserveStep, kLargestReserve)
                       : std::max(reserve_ - kReserveStep, 0ms);
    step_earlier_ = std::max(kFirstStepEarlier, step_earlier_ * 3 / 5);
    step_later_ = kFirstStepLater;
    finds_in_a_row_ = 0;
    missed_.reset();
    estimate_ = offset + reserve_;
  } else if (!last_found_ || awaited > *last_found_) {
    if (++finds_in_a_row_ > kFindsThatMeanTooLate) {
      step_earlier_ = std::min(step_earlier_ * 8 / 5, kLongestStepEarlier);
      reserve_ = std::max(reserve_ - kReserveStep, 0ms);
    }
    estimate_ = std::max(floor_, *estimate_ - step_earlier_);
  }
  last_found_ = std::max(awaited, last_found_.value_or(awaited));
  estimate_ = std::min(*estimate_, at_most);
}

void DataLag::Miss(WallTime awaited, Milliseconds offset) {
  if (missed_ != awaited) step_later_ = kFirstStepLater;
  missed_ = awaited;
  estimate_ = offset + step_later_;
  step_later_ = offset < kPlausibleLag ? std::min(step_later_ * 5 / 4, kLongestStepLater)
                                       : std::min(step_later_ * 3 / 2, slowest_step_);
}

}  // namespace radar_spoof
