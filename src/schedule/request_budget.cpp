#include "radar_spoof/schedule/request_budget.h"

#include <algorithm>
#include <cmath>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kWindow = 5min;
constexpr Milliseconds kRetryWindow = 1h;
constexpr std::ptrdiff_t kRetriesAlwaysAllowed = 3;
// A tenth, less what an API that fails has us ask for too early.
constexpr double kRetryShare = 0.09;
constexpr int kBurstDivisor = 60;
// Below this many remaining requests the API's own counter paces us.
constexpr std::uint64_t kScarce = 20;
constexpr std::uint64_t kPlenty = 1'000'000;
constexpr Seconds kLongestReset = 900s;
constexpr std::size_t kMostPolicies = 16;

double BurstOf(int limit) { return std::max(1.0, static_cast<double>(limit) / kBurstDivisor); }

double RequestsPerMillisecond(int limit) { return limit / static_cast<double>(kWindow.count()); }

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

// From the last request to the next, so that what is left of the limit lasts until the first
// requests leave the window: an even pace, or after a burst a little slower, lest it end in a gap.
Milliseconds RequestBudget::Space() const {
  const SteadyTime last = requests_.back();
  const auto sent = CountAfter(requests_, last - kWindow);
  const SteadyTime first = *(requests_.end() - sent);
  return (first + kWindow - last) / std::max<Times::difference_type>(limit_ - sent, 1);
}

RequestBudget::Times::difference_type RequestBudget::CountAfter(const Times& times,
                                                                SteadyTime time) {
  return times.end() - std::upper_bound(times.begin(), times.end(), time);
}

int RequestBudget::SentSince(SteadyTime time) const {
  return static_cast<int>(CountAfter(requests_, time));
}

SteadyTime RequestBudget::EarliestRequest(SteadyTime now) const {
  SteadyTime earliest = now;
  const double tokens = TokensAt(now);
  if (tokens_ <= 0 && tokens < 2 && !requests_.empty())
    earliest = std::max(earliest, requests_.back() + Space());
  if (tokens < 1) {
    const double wait = std::ceil((1 - tokens) / RequestsPerMillisecond(limit_));
    earliest = std::max(earliest, now + Milliseconds(static_cast<std::int64_t>(wait)));
  }
  const auto limit = static_cast<std::size_t>(limit_);
  if (requests_.size() >= limit) {
    const SteadyTime oldest_that_counts = requests_[requests_.size() - limit];
    earliest = std::max(earliest, oldest_that_counts + kWindow + 1ms);
  }
  for (const auto& [policy, advice] : advice_) {
    if (advice.reset <= now) continue;
    const std::uint64_t left = advice.last > spent_ ? advice.last - spent_ : 0;
    if (left >= kScarce) continue;
    const SteadyTime last = requests_.empty() ? now : requests_.back();
    const SteadyTime spaced = last + (advice.reset - last) / static_cast<std::int64_t>(left + 1);
    earliest = std::max(earliest, spaced);
  }
  return earliest;
}

SteadyTime RequestBudget::EarliestRetry(SteadyTime now) const {
  const SteadyTime earliest = EarliestRequest(now);
  const auto retries = CountAfter(retries_, now - kRetryWindow);
  const auto again = CountAfter(again_, now - kRetryWindow);
  const auto others = CountAfter(requests_, now - kRetryWindow) - retries - again;
  const auto share =
      static_cast<Times::difference_type>(static_cast<double>(others) * kRetryShare) - again;
  const auto allowed = std::max(kRetriesAlwaysAllowed, share);
  if (retries < allowed) return earliest;
  // The oldest of those allowed must be an hour old first, or the youngest as old as the gap.
  return std::max(earliest, std::min(*(retries_.end() - allowed) + kRetryWindow,
                                     retries_.back() + std::min(retry_gap_, kRetryWindow)));
}

std::uint64_t RequestBudget::Spend(SteadyTime now, Kind kind) {
  Forget(requests_, now);
  Forget(retries_, now);
  Forget(again_, now);
  // Only who was silent for longer than the pace may send several at once.
  const double tokens = TokensAt(now);
  tokens_ = tokens < 2 ? std::min(0.0, tokens - 1) : tokens - 1;
  tokens_at_ = now;
  requests_.push_back(now);
  if (kind == Kind::kRetry) retries_.push_back(now);
  if (kind == Kind::kAgain) again_.push_back(now);
  return ++spent_;
}

void RequestBudget::Forget(Times& times, SteadyTime now) {
  while (!times.empty() && times.front() + kRetryWindow <= now) times.pop_front();
}

void RequestBudget::Advise(const std::string& policy, std::uint64_t remaining, Seconds reset_in,
                           std::uint64_t number, SteadyTime now) {
  std::erase_if(advice_, [now](const auto& each) { return each.second.reset <= now; });
  if (advice_.size() >= kMostPolicies && !advice_.contains(policy)) return;
  const Advice read{number, number + std::min(remaining, kPlenty),
                    now + std::clamp(reset_in, Seconds(0), kLongestReset)};
  Advice& known = advice_[policy];
  if (number >= known.number) {
    known = read;
  } else {  // overtaken by the answer to a later request, it only takes away
    known.last = std::min(known.last, read.last);
    known.reset = std::max(known.reset, read.reset);
  }
}

}  // namespace radar_spoof
