#include "radar_spoof/schedule/request_budget.h"

#include <algorithm>
#include <cmath>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kWindow = 5min;
constexpr Milliseconds kRetryWindow = 1h;
constexpr std::ptrdiff_t kRetriesAlwaysAllowed = 3;
constexpr double kRetryShare = 0.1;
constexpr int kBurstDivisor = 60;
// Below this many remaining requests the API's own counter paces us.
constexpr std::uint64_t kScarce = 20;

double BurstOf(int limit) { return std::max(1.0, static_cast<double>(limit) / kBurstDivisor); }

// Such that a burst and what follows it just fit into the window: faster would end in a gap.
double RequestsPerMillisecond(int limit) {
  return (limit - BurstOf(limit) + 1) / static_cast<double>(kWindow.count());
}

}  // namespace

RequestBudget::RequestBudget(int limit, Milliseconds retry_gap)
    : limit_(limit), retry_gap_(retry_gap), tokens_(BurstOf(limit)) {}

void RequestBudget::SetLimits(int limit, Milliseconds retry_gap) {
  limit_ = limit;
  retry_gap_ = retry_gap;
  tokens_ = std::min(tokens_, BurstOf(limit));
}

double RequestBudget::TokensAt(SteadyTime now) const {
  const auto elapsed = static_cast<double>((now - tokens_at_).count());
  return std::min(BurstOf(limit_), tokens_ + elapsed * RequestsPerMillisecond(limit_));
}

RequestBudget::Times::difference_type RequestBudget::CountAfter(const Times& times,
                                                                SteadyTime time) {
  return times.end() - std::upper_bound(times.begin(), times.end(), time);
}

int RequestBudget::SpentLately(SteadyTime now) const {
  return static_cast<int>(CountAfter(requests_, now - kWindow));
}

SteadyTime RequestBudget::EarliestRequest(SteadyTime now) const {
  SteadyTime earliest = std::max(now, hold_until_);
  const double missing = 1.0 - TokensAt(now);
  if (missing > 0) {
    const double wait = std::ceil(missing / RequestsPerMillisecond(limit_));
    earliest = std::max(earliest, now + Milliseconds(static_cast<std::int64_t>(wait)));
  }
  const auto limit = static_cast<std::size_t>(limit_);
  if (requests_.size() >= limit) {
    const SteadyTime oldest_that_counts = requests_[requests_.size() - limit];
    earliest = std::max(earliest, oldest_that_counts + kWindow + 1ms);
  }
  if (!requests_.empty() && now < advised_until_) {
    const SteadyTime spaced = requests_.back() + advised_spacing_;
    earliest = std::max(earliest, std::min(spaced, advised_until_));
  }
  return earliest;
}

SteadyTime RequestBudget::EarliestRetry(SteadyTime now) const {
  const SteadyTime earliest = EarliestRequest(now);
  const auto requests = static_cast<double>(CountAfter(requests_, now - kRetryWindow));
  const auto retries = CountAfter(retries_, now - kRetryWindow);
  const auto share = static_cast<Times::difference_type>(requests * kRetryShare);
  const auto allowed = std::max(kRetriesAlwaysAllowed, share);
  if (retries < allowed) return earliest;
  // The oldest of those allowed must be an hour old first, or the youngest as old as the gap.
  return std::max(earliest, std::min(*(retries_.end() - allowed) + kRetryWindow,
                                     retries_.back() + std::min(retry_gap_, kRetryWindow)));
}

void RequestBudget::Spend(SteadyTime now, bool is_retry) {
  Forget(requests_, now);
  Forget(retries_, now);
  tokens_ = TokensAt(now) - 1.0;
  tokens_at_ = now;
  requests_.push_back(now);
  if (is_retry) retries_.push_back(now);
}

void RequestBudget::Forget(Times& times, SteadyTime now) {
  while (!times.empty() && times.front() + kRetryWindow <= now) times.pop_front();
}

void RequestBudget::HoldUntil(SteadyTime until) { hold_until_ = std::max(hold_until_, until); }

void RequestBudget::ForgetApi() {
  hold_until_ = {};
  advised_until_ = {};
}

void RequestBudget::Advise(std::uint64_t remaining, SteadyTime reset, SteadyTime now) {
  if (reset <= now || remaining >= kScarce) return;
  advised_until_ = reset;
  // With r left, r + 1 gaps end after the reset.
  advised_spacing_ = (reset - now) / static_cast<std::int64_t>(remaining + 1);
}

}  // namespace radar_spoof
