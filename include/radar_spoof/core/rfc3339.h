// RFC 3339 timestamps, as the API writes and reads them.
//
// Pure; never touches the local time zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// "2026-06-08T00:00:00Z", with any fraction (cut to milliseconds) and any offset ("+02:00").
// nullopt for anything else, impossible dates and times outside the years 0 to 9999 (in UTC)
// included. A leap second reads as the second after.
std::optional<WallTime> ParseRfc3339(std::string_view text);

// "2026-06-08T00:00:00Z"; milliseconds are dropped. REQUIRES: a year from 0 to 9999.
std::string FormatRfc3339(WallTime time);

}  // namespace radar_spoof
