// An answer, or why there is none, as a person reads it in a terminal; and a window laid out in
// time, from which its line of characters and its table are drawn.
//
// Nothing from outside reaches the terminal that could steer it.
// Thread rule: pure.
#pragma once

#include "ask.h"
#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

// Several lines, each ended by a newline: what was asked; whether the numbers are made up; the
// latest complete bucket beside what is usual; confidence and annotations; the window as a line of
// characters; the last buckets as a table; whom the numbers are from. Times are UTC. An interval
// without a bucket is a gap in both.
std::string AnswerText(const AnsweredQuery& answer, const Terminal& terminal);

// Explain() for a person, and the URL to check it against.
std::string ExplanationText(const AnsweredQuery& answer, const Terminal& terminal);

// What went wrong, the reason's name and detail, and what to do; no newline.
std::string FailureText(const Failure& failure);

// A window's buckets laid out in time, so that what is missing is a gap.
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
