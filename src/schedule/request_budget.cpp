#include "radar_spoof/schedule/request_budget.h"

#include <algorithm>
#include <cmath>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kWindow = 5min;
constexpr Milliseconds kRetryWindow = 1h;
constexpr std::uint64_t kRetriesAlwaysAllowed = 3;
constexpr double kRetryShare = 0.1;
constexpr int kBurstDivisor = 20;
// Below this many remaining requests the API's own counter paces us.
constexpr std::uint64_t kScarce = 20;

double BurstOf(int limit) { return std::max(1.0, static_cast<double>(limit) / kBurstDivisor); }

double RequestsPerMillisecond(int limit) {
  return static_cast<double>(limit) / static_cast<double>(kWindow.count());
}

}  // namespace

RequestBudget::RequestBudget(int limit) : limit_(limit), tokens_(BurstOf(limit)) {}

void RequestBudget::SetLimit(int limit) {
  limit_ = limit;
  tokens_ = std::min(tokens_, BurstOf(limit));
}

double RequestBudget::TokensAt(SteadyTime now) const {
  const auto elapsed = static_cast<double>((now - tokens_at_).count());
  return std::min(BurstOf(limit_), tokens_ + elapsed * RequestsPerMillisecond(limit_));
}

int RequestBudget::SpentLately(SteadyTime now) const {
  const auto first = std::find_if(last_hour_.begin(), last_hour_.end(),
                                  [now](const Sent& sent) { return sent.at + kWindow > now; });
  return static_cast<int>(last_hour_.end() - first);
}

SteadyTime RequestBudget::EarliestRequest(SteadyTime now) const {
  SteadyTime earliest = std::max(now, hold_until_);
  const double missing = 1.0 - TokensAt(now);
  if (missing > 0) {
    const double wait = std::ceil(missing / RequestsPerMillisecond(limit_));
    earliest = std::max(earliest, now + Milliseconds(static_cast<std::int64_t>(wait)));
  }
  const auto limit = static_cast<std::size_t>(limit_);
  if (last_hour_.size() >= limit) {
    const SteadyTime oldest_that_counts = last_hour_[last_hour_.size() - limit].at;
    earliest = std::max(earliest, oldest_that_counts + kWindow + 1ms);
  }
  if (!last_hour_.empty() && now < advised_until_) {
    const SteadyTime spaced = last_hour_.back().at + advised_spacing_;
    earliest = std::max(earliest, std::min(spaced, advised_until_));
  }
  return earliest;
}

SteadyTime RequestBudget::EarliestRetry(SteadyTime now) const {
  SteadyTime earliest = EarliestRequest(now);
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  for (const Sent& sent : last_hour_) {
    if (sent.at + kRetryWindow <= now) continue;
    ++requests;
    if (sent.is_retry) ++retries;
  }
  const auto share = static_cast<std::uint64_t>(static_cast<double>(requests) * kRetryShare);
  const std::uint64_t allowed = std::max(kRetriesAlwaysAllowed, share);
  if (retries < allowed) return earliest;
  std::uint64_t must_age = retries - allowed + 1;
  for (const Sent& sent : last_hour_) {
    if (sent.at + kRetryWindow <= now || !sent.is_retry || --must_age > 0) continue;
    return std::max(earliest, sent.at + kRetryWindow);
  }
  return earliest;
}

void RequestBudget::Spend(SteadyTime now, bool is_retry) {
  Forget(now);
  tokens_ = TokensAt(now) - 1.0;
  tokens_at_ = now;
  last_hour_.push_back({now, is_retry});
}

void RequestBudget::Forget(SteadyTime now) {
  while (!last_hour_.empty() && last_hour_.front().at + kRetryWindow <= now) last_hour_.pop_front();
}

void RequestBudget::HoldUntil(SteadyTime until) { hold_until_ = std::max(hold_until_, until); }

void RequestBudget::Advise(std::uint64_t remaining, SteadyTime reset, SteadyTime now) {
  if (reset <= now || remaining >= kScarce) return;
  advised_until_ = reset;
  // With r left, r + 1 gaps end after the reset.
  advised_spacing_ = (reset - now) / static_cast<std::int64_t>(remaining + 1);
}

}  // namespace radar_spoof
