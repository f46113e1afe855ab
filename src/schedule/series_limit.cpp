#include "radar_spoof/schedule/series_limit.h"

#include <algorithm>
#include <utility>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kBetweenProbes = 1h;
constexpr Milliseconds kLongestTry = 24h;
constexpr int kRefusedAlike = 2;

}  // namespace

void SeriesLimit::NoteProbe(SteadyTime now) {
  next_probe_ = now + kBetweenProbes;
  probing_ = true;
  refused_alone_ = 0;
}

SeriesLimit::Verdict SeriesLimit::NoteAlone(bool good, SteadyTime now) {
  if (good) {
    refused_alone_ = 0;
    if (!std::exchange(probing_, false)) return Verdict::kNone;
    may_means_yes_until_ = now + kBetweenProbes;
    return Verdict::kFewerHelp;
  }
  if (++refused_alone_ < kRefusedAlike) return Verdict::kNone;
  may_means_yes_until_ = SteadyTime::min();
  return std::exchange(probing_, false) ? Verdict::kAllAlike : Verdict::kNone;
}

void SeriesLimit::NoteHalving(std::size_t whole, SteadyTime now) {
  if (trying_ == whole) {
    trying_.reset();
    until_next_try_ = std::min(2 * until_next_try_, kLongestTry);
    may_means_yes_until_ = now + kBetweenProbes;
    refused_alone_ = 0;
  }
  if (!trying_) next_try_ = std::min(next_try_, now + until_next_try_);
}

void SeriesLimit::NoteTry(std::size_t whole) {
  trying_ = whole;
  next_try_ = SteadyTime::max();
}

bool SeriesLimit::NoteWhole(std::size_t whole, bool good, SteadyTime now) {
  if (trying_ != whole) return false;
  trying_.reset();
  next_try_ = now + until_next_try_;
  if (good) until_next_try_ = kFirstTry;
  return good;
}

}  // namespace radar_spoof
