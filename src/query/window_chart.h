// A window's buckets laid out in time, so that what is missing is a gap.
//
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

class WindowChart {
 public:
  static constexpr std::size_t kWidestInterval = 4;

  // `buckets`: of one series, oldest first, at least one; they must outlive this object.
  WindowChart(std::span<const SpoofBucket> buckets, Seconds interval)
      : buckets_(buckets), interval_(interval) {}

  // Intervals from the oldest bucket to the newest, gaps included.
  std::size_t intervals() const { return Back(buckets_.front()) + 1; }
  // Its highest SPOOF.
  double highest() const;
  // How many intervals share one column where only `columns` are to be had.
  std::size_t IntervalsAColumn(std::size_t columns) const;
  // The window in at most `columns` columns, each the highest SPOOF of its intervals, so that a
  // spike stays in sight. The newest bucket is the last. A short window is stretched, to at most
  // kWidestInterval columns an interval.
  std::vector<std::optional<double>> Columns(std::size_t columns) const;
  // The bucket so many intervals before the newest; nullptr for a gap.
  const SpoofBucket* FromEnd(std::size_t intervals_back) const;

 private:
  std::size_t Back(const SpoofBucket& bucket) const;

  std::span<const SpoofBucket> buckets_;
  Seconds interval_;
};

}  // namespace radar_spoof
