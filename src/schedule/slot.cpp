#include "slot.h"

#include <algorithm>

#include "radar_spoof/core/text.h"
#include "radar_spoof/schedule/retry.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLongestSpread = 20s;
constexpr int kSpreadShare = 20;  // of the poll interval
constexpr Milliseconds kFirstAskAgain = 60s;
constexpr double kAskAgainGrowth = 1.2;

WallTime NextOnGrid(const LastPoll& last, Seconds period, Milliseconds offset) {
  // Whatever the lag is thought to be now: the slot that the poll was in does not come again.
  const Milliseconds earliest = std::min(offset, last.offset);
  return FloorTo(last.asked - earliest, period) + period + offset;
}

}  // namespace

bool IsAlignedToBuckets(const Query& query) {
  return query.poll_interval >= Length(query.agg_interval);
}

Milliseconds SpreadOf(std::string_view name, Seconds poll_interval) {
  const Milliseconds widest = std::min(kLongestSpread, Milliseconds(poll_interval) / kSpreadShare);
  const auto steps = static_cast<std::uint64_t>(widest.count()) + 1;
  return Milliseconds(static_cast<std::int64_t>(Fnv1a(name) % steps));
}

std::optional<AwaitedBucket> AwaitedBucketOf(const Query& query, std::optional<WallTime> reach) {
  if (!IsAlignedToBuckets(query) || !reach) return std::nullopt;
  const Seconds period = query.poll_interval;
  const Seconds interval = Length(query.agg_interval);
  // A poll interval need not be a multiple of the other.
  const WallTime next_bucket_end = FloorTo(*reach, interval) + interval;
  const WallTime boundary = CeilTo(next_bucket_end, period);
  return AwaitedBucket{boundary, FloorTo(boundary, interval)};
}

WallTime SlotAfter(const LastPoll& last, const Query& query, Milliseconds offset) {
  const auto awaited = AwaitedBucketOf(query, last.reach);
  if (last.failed || !awaited) return NextOnGrid(last, query.poll_interval, offset);

  const Milliseconds period = query.poll_interval;
  WallTime slot = std::max(awaited->end + offset, awaited->boundary);
  // A bucket end far ahead means that our clock was wrong then or is now.
  slot = std::min(slot, last.asked + 2 * period);
  return std::max(slot, last.asked + Backoff(kFirstAskAgain, kAskAgainGrowth,
                                             last.asked_too_early - 1, period));
}

}  // namespace radar_spoof
