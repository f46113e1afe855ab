// Items by the time they are due, so that the first is found without a look at all.
//
// Costs: the first in constant time, a change in the logarithm of how many.
// Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

class DueOrder {
 public:
  static constexpr SteadyTime kNever = SteadyTime::max();

  // Items 0 to `count` - 1, of which new ones are never due.
  void Resize(std::size_t count) { due_.resize(count, kNever); }
  void Clear() {
    due_.clear();
    order_.clear();
  }

  // Nothing changes if it throws (out of memory).
  void Set(std::size_t item, SteadyTime due) {
    if (due_[item] == due) return;
    if (due != kNever) order_.emplace(due, item);
    if (due_[item] != kNever) order_.erase({due_[item], item});
    due_[item] = due;
  }

  SteadyTime At(std::size_t item) const { return due_[item]; }
  SteadyTime FirstAt() const { return order_.empty() ? kNever : order_.begin()->first; }
  // Of those due at the same time the lowest. REQUIRES: FirstAt() is not kNever.
  std::size_t First() const { return order_.begin()->second; }

 private:
  std::vector<SteadyTime> due_;
  std::set<std::pair<SteadyTime, std::size_t>> order_;  // without those that are never due
};

}  // namespace radar_spoof
