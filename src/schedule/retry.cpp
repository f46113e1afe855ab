#include "radar_spoof/schedule/retry.h"

#include <algorithm>
#include <cmath>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr int kQuickRetries = 2;
constexpr Milliseconds kRetryBase = 1s;
constexpr Milliseconds kQuickRetryCap = 30s;
constexpr Milliseconds kShortestRetry = 100ms;
constexpr Milliseconds kRefusedCadence = 15min;
constexpr Seconds kShortestHold = 1s;
constexpr Seconds kLongestHold = 900s;
constexpr Seconds kBlockLength = 300s;
constexpr int kHoldJitterShare = 20;
constexpr double kHoldGrowth = 4;

Milliseconds Jitter(Milliseconds longest, std::minstd_rand& random) {
  std::uniform_int_distribution<std::int64_t> within(std::min(kShortestRetry, longest).count(),
                                                     longest.count());
  return Milliseconds(within(random));
}

Milliseconds TransientDelay(int failures, Milliseconds longest, std::minstd_rand& random) {
  if (failures <= kQuickRetries) {
    return Jitter(Grown(kRetryBase, 2, failures - 1, kQuickRetryCap), random);
  }
  const Milliseconds delay = Grown(kQuickRetryCap, 2, failures - kQuickRetries - 1, longest);
  return delay / 2 + Jitter(delay / 2, random);
}

}  // namespace

Milliseconds WaitAskedFor(Seconds retry_after) {
  return std::clamp(retry_after, kShortestHold, kLongestHold);
}

Milliseconds Grown(Milliseconds first, double factor, int times, Milliseconds cap) {
  const double grown = static_cast<double>(first.count()) * std::pow(factor, times);
  if (grown >= static_cast<double>(cap.count())) return cap;
  return Milliseconds(static_cast<std::int64_t>(grown));
}

Retry RetryAfterFailure(RetryClass failure, int failures, std::optional<Seconds> retry_after,
                        Milliseconds longest, std::minstd_rand& random) {
  switch (failure) {
    case RetryClass::kTransient: {
      Milliseconds delay = TransientDelay(failures, longest, random);
      if (retry_after) {
        delay = std::max(delay, WaitAskedFor(*retry_after));
      }
      return {delay, true};
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

Milliseconds HoldLength(std::optional<Seconds> retry_after, int before, std::minstd_rand& random) {
  const Milliseconds asked_for =
      Grown(WaitAskedFor(retry_after.value_or(kBlockLength)), kHoldGrowth, before, kLongestHold);
  return asked_for + Jitter(asked_for / kHoldJitterShare, random);
}

}  // namespace radar_spoof
