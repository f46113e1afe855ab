// What the simulated API is going through.
//
// Thread rule: plain values.
#pragma once

#include <array>

#include "radar_spoof/core/clock.h"

namespace radar_spoof::simulator {

enum class Scenario {
  kCalm,           // nothing happens
  kSpike,          // spoofing triples among mail that fails DMARC
  kLowConfidence,  // confidence level 2: too little data
  kPipelineIssue,  // numbers as in a spike, but false: a PIPELINE annotation lies on them
  kNoMail,         // no mail from now on, whatever the selection
  kHalfNull,       // a lone null beside a number
  kFrozen,         // `lastUpdated` stays where it was when the scenario began
  kOutage,         // 503 with an HTML page
  kRateLimited,    // 429 with code 1015 and Retry-After: 30
  kUnauthorized,   // 403 with code 10000, whatever the credentials
  kInternalError,  // 400 "Internal Error", which passes
  kSlow,           // right answers, late
};

inline constexpr std::array kAllScenarios = {
    Scenario::kCalm,          Scenario::kSpike,         Scenario::kLowConfidence,
    Scenario::kPipelineIssue, Scenario::kNoMail,        Scenario::kHalfNull,
    Scenario::kFrozen,        Scenario::kOutage,        Scenario::kRateLimited,
    Scenario::kUnauthorized,  Scenario::kInternalError, Scenario::kSlow};

// "calm" ... "slow".
std::string_view Name(Scenario scenario);
std::optional<Scenario> ParseScenario(std::string_view name);

// A scenario and when it began, told by the data's own clock. `spike`, `pipeline-issue`, `no-mail`,
// `half-null` and `frozen` depend on it.
struct ActiveScenario {
  Scenario scenario = Scenario::kCalm;
  WallTime last_updated_at_start;  // `lastUpdated` at that moment
};

}  // namespace radar_spoof::simulator
