#include "window_chart.h"

#include <algorithm>

namespace radar_spoof {

double WindowChart::highest() const {
  double highest = 0;
  for (const SpoofBucket& bucket : buckets_) highest = std::max(highest, bucket.spoof.value());
  return highest;
}

std::size_t WindowChart::IntervalsAColumn(std::size_t columns) const {
  return (intervals() + columns - 1) / columns;
}

std::vector<std::optional<double>> WindowChart::Columns(std::size_t columns) const {
  const std::size_t each = IntervalsAColumn(columns);
  const std::size_t count = (intervals() + each - 1) / each;
  const std::size_t stretch = std::min(columns / count, kWidestInterval);
  std::vector<std::optional<double>> highest(count * stretch);
  for (const SpoofBucket& bucket : buckets_) {
    const auto end = highest.rbegin() + static_cast<std::ptrdiff_t>(Back(bucket) / each * stretch);
    const double value = std::max(end->value_or(0), bucket.spoof.value());
    std::fill_n(end, stretch, value);
  }
  return highest;
}

const SpoofBucket* WindowChart::FromEnd(std::size_t intervals_back) const {
  const auto found =
      std::find_if(buckets_.rbegin(), buckets_.rend(),
                   [&](const SpoofBucket& bucket) { return Back(bucket) == intervals_back; });
  return found == buckets_.rend() ? nullptr : &*found;
}

std::size_t WindowChart::Back(const SpoofBucket& bucket) const {
  const SpoofBucket& newest = buckets_.back();
  if (!newest.start) return newest.position - bucket.position;
  return static_cast<std::size_t>((*newest.start - *bucket.start) / interval_);
}

}  // namespace radar_spoof
