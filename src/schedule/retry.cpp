#include "radar_spoof/schedule/retry.h"

#include <algorithm>
#include <cmath>

#include "radar_spoof/schedule/rate_limit_hold.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr int kQuickRetries = 2;
constexpr Milliseconds kRetryBase = 1s;
constexpr Milliseconds kQuickRetryCap = 30s;
constexpr Milliseconds kShortestRetry = 100ms;
constexpr int kFailuresUntilRefused = 2;
constexpr Milliseconds kRefusedCadence = 15min;

constexpr int kFailuresOfAnOutage = 20;
constexpr int kFailuresOfARun = 3;  // a query that fails for itself has no more quick retries
constexpr int kPartOfAnHour = 5;
constexpr int kFewInAnHour = 60;
constexpr Milliseconds kBetweenFreeReleases = 1h;
constexpr Milliseconds kFirstPause = 30s;
constexpr Milliseconds kFirstPauseOfOthers = 1s;
constexpr double kGrowthOfOthers = 1.3;

Milliseconds Jitter(Milliseconds longest, std::minstd_rand& random) {
  std::uniform_int_distribution<std::int64_t> within(std::min(kShortestRetry, longest).count(),
                                                     longest.count());
  return Milliseconds(within(random));
}

Milliseconds TransientDelay(int failures, Milliseconds longest, std::minstd_rand& random) {
  if (failures <= kQuickRetries) {
    return Jitter(Backoff(kRetryBase, 2, failures - 1, kQuickRetryCap), random);
  }
  const Milliseconds delay = Backoff(kQuickRetryCap, 2, failures - kQuickRetries - 1, longest);
  return delay / 2 + Jitter(delay / 2, random);
}

// How many must have failed for it to be an outage, of so many requests.
int EnoughOf(std::size_t requests) {
  return static_cast<int>(std::min<std::size_t>(kFailuresOfAnOutage, requests));
}

}  // namespace

Milliseconds Backoff(Milliseconds first, double factor, int times, Milliseconds cap) {
  const double grown = static_cast<double>(first.count()) * std::pow(factor, times);
  if (grown >= static_cast<double>(cap.count())) return cap;
  return Milliseconds(static_cast<std::int64_t>(grown));
}

Retry NextRetry(RetryClass failure, int failures, std::optional<Seconds> retry_after,
                Milliseconds longest, std::minstd_rand& random) {
  switch (failure) {
    case RetryClass::kTransient: {
      const Milliseconds delay = TransientDelay(failures, longest, random);
      return {std::max(delay, retry_after ? ClampRetryAfter(*retry_after) : 0ms), true};
    }
    case RetryClass::kTransientOnce:
      if (failures > 1) return {std::nullopt, true};
      return {Jitter(kRetryBase, random), true};
    case RetryClass::kCredentials:
      if (failures >= kFailuresUntilRefused) return {kRefusedCadence, false, true};
      return {Jitter(kRetryBase, random), true};
    case RetryClass::kThrottled:
    case RetryClass::kNextSlot: break;
  }
  return {};
}

bool Outage::NothingAnswers(std::size_t requests) const {
  return failures_ >= kFailuresOfAnOutage && failed_ >= EnoughOf(requests);
}

void Outage::NoteFailure(bool again, SteadyTime asked) {
  last_asked_ = std::max(last_asked_, asked);
  ++failures_;
  if (!again) ++failed_;
}

Outage::Release Outage::NoteGood(std::size_t requests, int sent_in_hour, SteadyTime now) {
  const int failures = failures_;
  const int failed = failed_;
  Forget();
  if (failures < kFailuresOfARun) return Release::kNone;
  const bool all_failed = failed >= EnoughOf(requests);
  const bool is_rare = !last_free_release_ || now - *last_free_release_ >= kBetweenFreeReleases;
  const bool is_free = sent_in_hour <= kFewInAnHour
                           ? all_failed || is_rare
                           : all_failed && failures * kPartOfAnHour >= sent_in_hour;
  if (!is_free) return Release::kCounted;
  last_free_release_ = now;
  return Release::kFree;
}

void Outage::Forget() {
  failures_ = 0;
  failed_ = 0;
  ++run_;
}

SteadyTime Outage::NextOfFailed(Milliseconds longest) const {
  return last_asked_ + Backoff(kFirstPause, 2, failures_ - kFailuresOfAnOutage, longest);
}

SteadyTime Outage::NextOfOthers(Milliseconds longest) const {
  const int beyond = failed_ - kFailuresOfAnOutage;
  if (beyond <= 0) return last_asked_;
  return last_asked_ + Backoff(kFirstPauseOfOthers, kGrowthOfOthers, beyond, longest);
}

}  // namespace radar_spoof
