#include "shown_history.h"

#include <algorithm>

#include "radar_spoof/expect/expectation.h"

namespace radar_spoof {
namespace {

using History = std::span<const SpoofBucket>;

// The first bucket that starts at `start` or later.
History::iterator FirstFrom(History history, WallTime start) {
  return std::lower_bound(
      history.begin(), history.end(), start,
      [](const SpoofBucket& bucket, WallTime time) { return *bucket.start < time; });
}

// Up to and with `bucket`, as the poller's answer held them: dateRange back from the bucket's end,
// whole buckets.
History WindowUpTo(const Query& query, History history, History::iterator bucket) {
  const Seconds interval = Length(query.agg_interval);
  const auto first =
      FirstFrom(history, FloorTo(*bucket->start + interval - query.date_range.Length(), interval));
  return History(std::min(first, bucket), bucket + 1);
}

std::optional<Ratio> ControlOf(const Query& query, History history, WallTime start) {
  if (!query.control) return std::nullopt;
  const WallTime earlier = start - query.date_range.ControlShift();
  const auto found = FirstFrom(history, earlier);
  if (found == history.end() || *found->start != earlier) return std::nullopt;
  return found->spoof;
}

}  // namespace

std::vector<ShownBucket> ShownHistory(const Query& query, History history, const TimeRange& range,
                                      Seconds max_data_age, WallTime end) {
  const Seconds interval = Length(query.agg_interval);
  std::vector<ShownBucket> shown;
  for (auto bucket = FirstFrom(history, range.from); bucket != history.end(); ++bucket) {
    const WallTime bucket_end = *bucket->start + interval;
    if (bucket_end > range.to) break;
    const auto next = std::next(bucket);
    const WallTime next_end =
        next == history.end() ? bucket_end + interval : *next->start + interval;
    const TimeRange when{bucket_end + kAssumedLag,
                         std::min({next_end + kAssumedLag, bucket_end + max_data_age, end})};
    if (when.from >= when.to) continue;
    const History window = WindowUpTo(query, history, bucket);
    shown.push_back(
        {.shown = when,
         .bucket_start = *bucket->start,
         .spoof = bucket->spoof,
         .not_spoof = bucket->not_spoof,
         .window = StatisticsOf(window.first(window.size() - 1)),
         .control = ControlOf(query, history, *bucket->start),
         .expectation = ExpectationOf(window, query.agg_interval, query.alert.expected)});
  }
  return shown;
}

}  // namespace radar_spoof
