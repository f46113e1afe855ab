// Text and numbers as the landing page writes them.
//
// Used by: landing_page, sparkline. Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/words/clock.h"

namespace radar_spoof {

// For an element's content or a quoted attribute.
std::string EscapeHtml(std::string_view text);

// "42 seconds", "1 minute", "3 hours", "5 days": the largest unit that fits, rounded down;
// "a moment" under a second.
std::string InWords(Milliseconds duration);

// "2026-06-08 11:15 UTC".
std::string MinuteText(WallTime time);

// "19.0 %". `ratio`: 0 to 1.
std::string PercentText(double ratio);

}  // namespace radar_spoof
