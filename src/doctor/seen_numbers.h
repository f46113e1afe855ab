// The numbers of series, compared with each other.
//
// Thread rule: pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace radar_spoof {

// SPOOF of complete buckets with mail, by their start in milliseconds or else by their place.
using SeenNumbers = std::map<std::int64_t, double>;

struct Likeness {
  std::size_t compared = 0;  // those that are in both
  std::size_t alike = 0;     // of these
  std::size_t telling = 0;   // of the alike: neither 0 nor 100, which two may be by chance

  // All are alike, but for some that may have been revised in between.
  bool IsOfTheSame() const { return alike * 20 >= compared * 19; }
};

Likeness Compare(const SeenNumbers& one, const SeenNumbers& other);

// All that are in both are alike, and there are some.
bool AreAlike(const SeenNumbers& one, const SeenNumbers& other);

// The same mail, though some numbers may have been revised in between and the first cut. Two that
// tell something may be the same by chance.
bool SeemTheSame(const SeenNumbers& one, const SeenNumbers& other);

// The mean of those whose places `as` has, too; nullopt: none.
std::optional<double> MeanOf(const SeenNumbers& numbers, const SeenNumbers& as);

}  // namespace radar_spoof
