// Facts as a person reads them: on the page at / and in a terminal, in the same words.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// Half a sentence: "the API does not accept the token".
std::string_view InPlainWords(FailureReason reason);
// A sentence: what who asked can do about it.
std::string_view WhatToDo(FailureReason reason);

// Half a sentence: "no known issue". REQUIRES: 1 <= level <= 5.
// Source: Cloudflare Radar, "Confidence levels".
std::string_view ConfidenceText(int level);

// "dmarc=FAIL spf=FAIL,NONE", or "all mail".
std::string FilterText(const Filters& filters);

// "42 seconds", "1 minute", "3 hours", "5 days": the largest unit that fits, rounded down;
// "a moment" under a second.
std::string InWords(Milliseconds duration);

// "2026-06-08 11:15 UTC".
std::string MinuteText(WallTime time);

// "19.0 %". `ratio`: 0 to 1.
std::string PercentText(double ratio);

}  // namespace radar_spoof
