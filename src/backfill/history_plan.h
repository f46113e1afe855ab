// Which buckets are needed, and in which pieces they are asked for.
//
// The API refuses an interval that is too fine for the range, and does not say where that begins.
// Seen accepted: 7d of 1h, 12w of 1d, 52w of 1w; documented: 1d gives 15m. Those are the pieces;
// whoever asks halves them when they are refused (history_fetch.h).
//
// Every range here begins and ends at whole intervals, but for `asked`. Thread rule: pure.
#pragma once

#include <vector>

#include "radar_spoof/core/types.h"

namespace radar_spoof {

// The buckets that lie whole in `asked`: an empty range (from == to) when none does.
TimeRange WholeBuckets(const TimeRange& asked, AggInterval interval);

// What must be known to show the buckets of `shown` as the exporter would have: these, and those
// before them that their window and their control period are made of. REQUIRES: `shown` not empty.
TimeRange HistoryNeeded(const Query& query, const TimeRange& shown);

// What of `range` is in none of `known`, oldest first.
std::vector<TimeRange> Without(const TimeRange& range, std::vector<TimeRange> known);

// The longest piece to begin with: 1d, 7d, 12w, 52w.
Seconds LongestPiece(AggInterval interval);

// `range` in pieces of `longest`, the last one shorter where it does not divide, oldest first.
// REQUIRES: `longest` is one interval or more; it is rounded down to whole ones.
std::vector<TimeRange> Pieces(const TimeRange& range, AggInterval interval, Seconds longest);

}  // namespace radar_spoof
