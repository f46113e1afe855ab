// One log line when a query begins to fail and one when it is well again; while it fails, at most
// one every 15 minutes.
//
// Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "radar_spoof/core/log.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

class FailureLog {
 public:
  // Queries that already fail in `first` were told of in an earlier run.
  FailureLog(const Snapshot& first, Log& log);

  // The poll of that query ended; `state` is what came of it.
  void Note(std::size_t query, const QueryState& state, SteadyTime now);
  // What was told of the queries of a new configuration; `kept` is KeptQueries(). Nothing changes
  // until that is handed to Replace().
  struct Told {
    bool failing = false;
    SteadyTime at{};
  };
  std::vector<Told> CarriedOver(const std::vector<std::optional<std::size_t>>& kept) const;
  void Replace(std::vector<Told> told) { told_ = std::move(told); }

 private:
  Log& log_;
  std::vector<Told> told_;  // one a query
};

}  // namespace radar_spoof
