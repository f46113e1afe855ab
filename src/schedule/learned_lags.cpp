#include "radar_spoof/schedule/learned_lags.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kQuarterHour = 15min;

}  // namespace

LearnedLags::LearnedLags(Seconds floor, Seconds slowest_step)
    : floor_(floor), slowest_step_(slowest_step), shared_(floor, slowest_step) {}

Milliseconds LearnedLags::Expected(AggInterval interval) const {
  const auto own = own_.find(interval);
  return own == own_.end() ? shared_.Expected() : own->second.Expected();
}

void LearnedLags::Observe(AggInterval interval, WallTime asked, WallTime newest_bucket_end,
                          std::optional<WallTime> last_updated, std::optional<WallTime> awaited) {
  const bool bucket_is_late =
      !last_updated ||
      newest_bucket_end < FloorTo(std::min(*last_updated, asked), Length(interval));
  if (bucket_is_late) {
    const auto own = own_.try_emplace(interval, floor_, slowest_step_).first;
    own->second.Observe(asked, newest_bucket_end, Length(interval), awaited);
    return;
  }
  const auto own = own_.find(interval);
  DataLag& lag = own == own_.end() ? shared_ : own->second;
  lag.Observe(asked, *last_updated, kQuarterHour, awaited);
}

}  // namespace radar_spoof
