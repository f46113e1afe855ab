#include "radar_spoof/schedule/data_lag.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// The steps are one tuned set: a first-step-later of 60 s over a step-earlier of 12 s gives a miss
// in about seven intervals, so 1.15 requests per interval; together with the spread
// of the queries they keep the wait for a bucket under 3 minutes.
constexpr Milliseconds kFirstStepLater = 60s;
constexpr Milliseconds kLongestStepLater = 140s;
constexpr Milliseconds kPlausibleLag = 70min;
constexpr Milliseconds kFirstTry = kPlausibleLag / 2;
constexpr Milliseconds kFirstStepEarlier = 12s;
constexpr Milliseconds kLongestStepEarlier = 60s;
constexpr Milliseconds kNarrowEnough = 60s;
constexpr int kFindsThatMeanTooLate = 5;
// As early as the others, but for what the lag of all wavers by.
constexpr Milliseconds kAlike = 60s;

}  // namespace

DataLag::DataLag(Seconds floor, Seconds slowest_step)
    : floor_(floor),
      slowest_step_(slowest_step),
      step_later_(kFirstStepLater),
      step_earlier_(kFirstStepEarlier) {}

Milliseconds DataLag::Expected() const { return estimate_ ? std::max(floor_, *estimate_) : floor_; }

bool DataLag::searching() const { return longest_ - shortest_ > kNarrowEnough; }

void DataLag::Observe(WallTime asked, WallTime newest, std::optional<WallTime> awaited) {
  const Milliseconds at_most = asked - newest;
  if (at_most < 0ms) return;
  if (!estimate_) {
    longest_ = at_most;
    estimate_ = Guess();
    return;
  }
  if (!awaited) return;
  const Milliseconds offset = asked - *awaited;
  const bool found = newest >= *awaited;
  if (searching()) {
    Narrow(offset, found);
  } else if (found) {
    Find(*awaited, offset, at_most);
  } else if (offset >= *estimate_) {
    Miss(*awaited, offset);
  }
}

// The middle of what is possible, unless that is far beyond what is likely: data that come in steps
// of a day are not half a day late.
Milliseconds DataLag::Guess() const {
  return std::min((shortest_ + longest_) / 2, std::max(kFirstTry, 2 * shortest_));
}

void DataLag::Narrow(Milliseconds offset, bool found) {
  if (found) {
    longest_ = std::clamp(offset, shortest_, longest_);
  } else {
    shortest_ = std::max(shortest_, offset);
    longest_ = std::max(longest_, shortest_ + kFirstStepLater);
  }
  estimate_ = searching() ? Guess() : longest_;
}

void DataLag::Find(WallTime awaited, Milliseconds offset, Milliseconds at_most) {
  if (missed_ == awaited) {
    step_earlier_ = std::max(kFirstStepEarlier, step_earlier_ * 3 / 5);
    step_later_ = kFirstStepLater;
    finds_in_a_row_ = 0;
    missed_.reset();
    estimate_ = offset;
  } else if (!last_found_ || awaited > *last_found_) {
    if (++finds_in_a_row_ > kFindsThatMeanTooLate) {
      step_earlier_ = std::min(step_earlier_ * 8 / 5, kLongestStepEarlier);
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

Milliseconds DataLags::Expected(std::size_t query) const {
  const auto own = own_.find(query);
  return own == own_.end() ? shared_.Expected() : own->second.Expected();
}

// What one query lacks puts the others off once, and not again before one of them was asked: it may
// be that query's alone.
bool DataLags::MissedBefore(std::size_t query, WallTime awaited) {
  if (awaited != missed_) missed_by_.clear();
  if (missed_by_.empty()) before_miss_ = shared_;
  missed_ = awaited;
  const bool is_first = missed_by_.insert(query).second;
  return !is_first && own_.size() + 1 < queries_;
}

// It was that query's alone. If that holds for all who lacked the bucket, nobody is put off.
void DataLags::TakeBackMiss(std::size_t query) {
  if (missed_by_.erase(query) > 0 && missed_by_.empty()) shared_ = *before_miss_;
}

void DataLags::Observe(std::size_t query, WallTime asked, WallTime reach, WallTime newest,
                       std::optional<WallTime> awaited) {
  if (reach > asked) return;
  const bool is_behind = furthest_ && furthest_->asked <= asked && reach < furthest_->end;
  auto own = own_.find(query);
  if (is_behind && own == own_.end()) own = own_.emplace(query, shared_).first;
  if (is_behind) TakeBackMiss(query);
  if (!furthest_ || reach >= furthest_->end) furthest_ = {asked, reach};
  const bool found = awaited && newest >= *awaited;
  if (own == own_.end() && awaited && !found && MissedBefore(query, *awaited)) {
    own = own_.emplace(query, shared_).first;
  }
  if (own == own_.end()) return shared_.Observe(asked, newest, awaited);
  own->second.Observe(asked, newest, awaited);
  if (!is_behind && found && asked - *awaited <= shared_.Expected() + kAlike) own_.erase(own);
}

}  // namespace radar_spoof
