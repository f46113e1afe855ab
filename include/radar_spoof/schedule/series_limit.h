// What is known of how many series the API takes in one request: whether a refusal that
// may be about their number is, and when to try again with as many as configured.
//
// Pure. Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <optional>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

class SeriesLimit {
 public:
  // Whether a request for several of that whole, which failed so, is to be halved.
  bool IsExceeded(FewerSeries failure, std::size_t whole, SteadyTime now) const {
    return failure == FewerSeries::kHelp ||
           (failure == FewerSeries::kMayHelp && (now < may_means_yes_until_ || trying_ == whole));
  }

  // Whether to ask two queries of a request alone that failed with kMayHelp: at most once an hour.
  bool MayProbe(SteadyTime now) const { return now >= next_probe_; }
  void NoteProbe(SteadyTime now);
  // A request for one query ended: well, or refused with kMayHelp. What is now known?
  enum class Verdict { kNone, kFewerHelp, kAllAlike };
  Verdict NoteAlone(bool good, SteadyTime now);

  // A request was halved.
  void NoteHalving(std::size_t whole, SteadyTime now);
  // Whether to ask for a whole again that is in parts, for a try.
  bool MayTryWhole(SteadyTime now) const { return now >= next_try_; }
  void NoteTry(std::size_t whole);
  void NoteNothingToTry() { next_try_ = SteadyTime::max(); }
  // A whole was asked for and not halved. True when it was the try, and all may be whole again.
  bool NoteWhole(std::size_t whole, bool good, SteadyTime now);

 private:
  static constexpr Milliseconds kFirstTry = std::chrono::hours(1);

  SteadyTime may_means_yes_until_ = SteadyTime::min();
  SteadyTime next_probe_ = SteadyTime::min();
  bool probing_ = false;
  int refused_alone_ = 0;  // in a row

  SteadyTime next_try_ = SteadyTime::max();
  Milliseconds until_next_try_{kFirstTry};
  std::optional<std::size_t> trying_;  // a whole
};

}  // namespace radar_spoof
