// What survives a restart: when each query was asked last, what came of it, and the rate-limit
// hold. So that a crash loop does not hammer the API, and the page is whole at once.
//
// The text is of core/file.h; its lines are JSON: what concerns all queries, and each
// query. No credentials are in it, and no text from upstream. Errors: a text that is not whole, or
// has a line that is not as it was written, is refused, with the reason; a query that cannot be
// read costs that query. What is written is read back: a value that cannot be is left out. Thread
// rule: plain values.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

struct SavedQuery {
  std::string name;
  std::string asks;    // AsksFor(query)
  WallTime asked;      // the start of the last poll
  bool ended = false;  // and whether it ended
  std::optional<WallTime> last_success{};
  std::optional<FailureReason> failure{};  // of the last ended poll
  std::optional<SpoofSample> sample{};     // of the last good one
  std::optional<WallTime> logged{};        // QueryState::logged
};

struct SavedState {
  std::string base_url;  // and
  std::string path;      // as configured: whose answers these are
  bool up = false;       // the last request was answered well
  std::optional<WallTime> held_until{};
  std::vector<SavedQuery> queries{};
  std::size_t refused = 0;  // how many queries could not be read
  std::string refusal{};    // and why the last of them
};

// Everything that decides what a query's numbers mean: filters, interval, range, control, bounds.
// Queries that ask for the same have the same text.
std::string AsksFor(const Query& query);

// No text is longer: of more queries than fit, some 20,000, the first are kept.
inline constexpr std::size_t kSavedStateLimit = std::size_t{32} * 1024 * 1024;

std::string WriteSavedState(const SavedState& state);
Result<SavedState, std::string> ReadSavedState(std::string_view text);

}  // namespace radar_spoof
