#include "seen_numbers.h"

#include <cmath>

namespace radar_spoof {
namespace {

constexpr double kSameNumber = 1e-6;

}  // namespace

Likeness Compare(const SeenNumbers& one, const SeenNumbers& other) {
  Likeness likeness;
  for (const auto& [place, number] : one) {
    const auto found = other.find(place);
    if (found == other.end()) continue;
    ++likeness.compared;
    if (std::abs(found->second - number) >= kSameNumber) continue;
    ++likeness.alike;
    if (number > 0 && number < 100) ++likeness.telling;
  }
  return likeness;
}

bool AreAlike(const SeenNumbers& one, const SeenNumbers& other) {
  const Likeness likeness = Compare(one, other);
  return likeness.compared > 0 && likeness.alike == likeness.compared;
}

bool SeemTheSame(const SeenNumbers& one, const SeenNumbers& other) {
  constexpr std::size_t kTelling = 3;
  const auto [compared, alike, telling] = Compare(one, other);
  return telling >= kTelling && alike + 1 + compared / 20 >= compared;
}

std::optional<double> MeanOf(const SeenNumbers& numbers, const SeenNumbers& as) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [place, number] : numbers) {
    if (!as.contains(place)) continue;
    sum += number;
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

}  // namespace radar_spoof
