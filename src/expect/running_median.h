// The median of the last values that were added.
//
// Thread rule: confined to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace radar_spoof {

class RunningMedian {
 public:
  static constexpr std::size_t kLongest = 24;

  // REQUIRES: 1 <= length <= kLongest.
  explicit RunningMedian(std::size_t length) : length_(length) {}

  std::size_t size() const { return size_; }

  // Forgets the oldest when there are `length`. REQUIRES: `value` is finite.
  void Add(double value) {
    double& oldest = recent_[next_];
    const double leaving = oldest;
    oldest = value;
    next_ = (next_ + 1) % length_;
    double* const begin = sorted_.data();
    if (size_ < length_) {
      double* const place = std::lower_bound(begin, begin + size_, value);
      std::copy_backward(place, begin + size_, begin + size_ + 1);
      *place = value;
      ++size_;
      return;
    }
    double* place = std::lower_bound(begin, begin + size_, leaving);
    for (; place + 1 < begin + size_ && place[1] < value; ++place) *place = place[1];
    for (; place > begin && place[-1] > value; --place) *place = place[-1];
    *place = value;
  }

  // REQUIRES: size() > 0.
  double Median() const {
    const double upper = sorted_[size_ / 2];
    return size_ % 2 == 1 ? upper : (sorted_[size_ / 2 - 1] + upper) / 2;
  }

 private:
  std::size_t length_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;                   // where the oldest of `length_` stands
  std::array<double, kLongest> recent_{};  // a ring
  std::array<double, kLongest> sorted_{};
};

}  // namespace radar_spoof
