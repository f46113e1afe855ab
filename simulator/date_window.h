// Which stretch of time one series covers, and in which steps it may be asked for.
//
// Rules from the Cloudflare API reference, "Radar > Email > Security > Timeseries groups"; where
// the reference is silent, a comment says what was chosen.
// Thread rule: pure functions and plain values.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof::simulator {

// Both ends are multiples of 15 minutes, and `start` <= `end`. The bucket that `end` falls into
// belongs to the window: n steps give n + 1 points.
struct DateWindow {
  WallTime start;
  WallTime end;

  Milliseconds Length() const { return end - start; }
};

// One position of the three date arrays; empty: not given.
struct DateParameters {
  std::string_view range;  // "7d", "7dcontrol"
  std::string_view start;  // RFC 3339
  std::string_view end;
};

// A relative window ends at `last_updated`, a control window whole weeks before that. Chosen: a
// date is required; absolute dates may lie ahead of the data, but not a `dateStart` after `now`; at
// most 53 weeks. The error is one sentence that begins with the parameter's name.
Result<DateWindow, std::string> ResolveWindow(const DateParameters& dates, WallTime last_updated,
                                              WallTime now);

// The step for a window whose request does not name one: 15m up to a day, 1h up to 31 days, 1d up
// to 13 weeks, else 1w. Documented: 1d gives 15m, over a month gives 1d; seen: 7d gives 1h.
AggInterval DefaultInterval(Milliseconds window_length);

// Whether the API would refuse the step. Seen accepted: 7d/1h, 73d/1d, 12w/1d, 52w/1w; seen
// refused: 73d/1h, 26w/1d, 52w/1d. Chosen between those: 15m up to 7 days, 1h up to 31 days, 1d up
// to 13 weeks.
bool IsTooFine(AggInterval interval, Milliseconds window_length);

}  // namespace radar_spoof::simulator
