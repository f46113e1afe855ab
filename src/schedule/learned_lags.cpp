#include "radar_spoof/schedule/learned_lags.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kFifteenMinutes = 15min;
// As early as the others, but for what the lag of all wavers by.
constexpr Milliseconds kAlike = 60s;

}  // namespace

LearnedLags::LearnedLags(Seconds floor, Seconds slowest_step) : shared_(floor, slowest_step) {}

Milliseconds LearnedLags::Expected(std::size_t query) const {
  const auto own = own_.find(query);
  return own == own_.end() ? shared_.Expected() : own->second.Expected();
}

void LearnedLags::Observe(std::size_t query, WallTime asked, WallTime reach,
                          std::optional<WallTime> awaited) {
  if (reach > asked) return;
  const bool is_behind = furthest_ && furthest_->asked <= asked && reach < furthest_->data;
  auto own = own_.find(query);
  if (is_behind && own == own_.end()) own = own_.emplace(query, shared_).first;
  if (!furthest_ || reach >= furthest_->data) furthest_ = {asked, reach};
  if (own == own_.end()) return shared_.Observe(asked, reach, kFifteenMinutes, awaited);
  own->second.Observe(asked, reach, kFifteenMinutes, awaited);
  const bool found = awaited && reach >= *awaited;
  if (!is_behind && found && asked - *awaited <= shared_.Expected() + kAlike) own_.erase(own);
}

}  // namespace radar_spoof
