// What the log says of what goes wrong for long: a line when it begins, one when it is over, and in
// between at most one every 15 minutes.
//
// Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "radar_spoof/core/log.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

class FailureLog {
 public:
  // Queries that already fail in `first`, and a hold, were told of in an earlier run.
  FailureLog(const Snapshot& first, Log& log);

  // The log of a new configuration; `kept` is KeptQueries(). Of another API no hold is known.
  FailureLog CarriedOver(const KeptPlaces& kept, bool same_api) const;

  // The poll of that query ended; `state` is what came of it.
  void NotePoll(std::size_t query, const QueryState& state, SteadyTime now);
  // A request for so many queries was refused and is halved. One line for each configuration.
  void NoteHalving(std::size_t queries, const Failure& refusal);
  // A request ended. `held_until`: the end of the last rate-limit hold; `up`: it was answered well.
  // Holds that follow each other are one failure, told of again when its end is put off, too.
  void NoteHold(const std::optional<Instant>& held_until, bool up, SteadyTime now);

 private:
  struct Told {
    bool failing = false;
    SteadyTime at{};
  };

  Log* log_;
  std::vector<Told> told_;  // one a query
  bool halving_logged_ = false;
  int holds_ = 0;  // one after the other
  std::optional<SteadyTime> hold_end_;
  // When a line last named the end of a hold, and which.
  SteadyTime hold_logged_at_{};
  SteadyTime hold_logged_until_{};
};

}  // namespace radar_spoof
