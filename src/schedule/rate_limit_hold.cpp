#include "radar_spoof/schedule/rate_limit_hold.h"

#include <algorithm>
#include <cstdint>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kShortest = 1s;
constexpr Seconds kBlockLength = 300s;
constexpr Seconds kLongest = 900s;
constexpr int kJitterShare = 20;
constexpr Milliseconds kLongestResumed = kLongest + kLongest / kJitterShare;

Milliseconds LengthOf(std::optional<Seconds> retry_after, int in_a_row) {
  if (in_a_row > 2) return kLongest;
  const Milliseconds asked_for = ClampRetryAfter(retry_after.value_or(kBlockLength));
  return in_a_row == 1 ? asked_for : std::max<Milliseconds>(asked_for, kBlockLength);
}

}  // namespace

Milliseconds ClampRetryAfter(Seconds retry_after) {
  return std::clamp(retry_after, kShortest, kLongest);
}

void RateLimitHold::Extend(std::optional<Seconds> retry_after, SteadyTime asked, Instant now,
                           std::minstd_rand& random) {
  if (in_a_row_ == 0 || asked >= until_->steady) ++in_a_row_;
  const Milliseconds length = LengthOf(retry_after, in_a_row_);
  std::uniform_int_distribution<std::int64_t> jitter(0, length.count() / kJitterShare);
  const Instant end = now + length + Milliseconds(jitter(random));
  if (!until_ || end.steady > until_->steady) until_ = end;
}

void RateLimitHold::NoteGood(SteadyTime asked) {
  if (!until_ || asked >= until_->steady) in_a_row_ = 0;
}

void RateLimitHold::Resume(WallTime until, Instant now) {
  until_ = now + std::min<Milliseconds>(until - now.wall, kLongestResumed);
  in_a_row_ = 1;
}

void RateLimitHold::FollowClock(Instant now) {
  if (until_) until_->wall = now.WallAt(until_->steady);
}

}  // namespace radar_spoof
