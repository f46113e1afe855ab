#include "simulator/scenario.h"

namespace radar_spoof::simulator {

std::string_view Name(Scenario scenario) {
  switch (scenario) {
    case Scenario::kCalm: return "calm";
    case Scenario::kSpike: return "spike";
    case Scenario::kLowConfidence: return "low-confidence";
    case Scenario::kPipelineIssue: return "pipeline-issue";
    case Scenario::kNoMail: return "no-mail";
    case Scenario::kHalfNull: return "half-null";
    case Scenario::kFrozen: return "frozen";
    case Scenario::kOutage: return "outage";
    case Scenario::kRateLimited: return "rate-limited";
    case Scenario::kUnauthorized: return "unauthorized";
    case Scenario::kInternalError: return "internal-error";
    case Scenario::kSlow: return "slow";
  }
  return "";
}

std::optional<Scenario> ParseScenario(std::string_view name) {
  for (const Scenario scenario : kAllScenarios) {
    if (Name(scenario) == name) return scenario;
  }
  return std::nullopt;
}

}  // namespace radar_spoof::simulator
