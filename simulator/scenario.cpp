#include "simulator/scenario.h"

namespace radar_spoof::simulator {

namespace {

// Indexed by Scenario.
constexpr auto kNames = std::to_array<std::string_view>(
    {"calm", "spike", "low-confidence", "pipeline-issue", "no-mail", "half-null", "frozen",
     "outage", "rate-limited", "unauthorized", "internal-error", "slow"});
static_assert(kNames.size() == kAllScenarios.size());

}  // namespace

std::string_view Name(Scenario scenario) { return kNames[static_cast<std::size_t>(scenario)]; }

std::optional<Scenario> ParseScenario(std::string_view name) {
  for (const Scenario scenario : kAllScenarios) {
    if (Name(scenario) == name) return scenario;
  }
  return std::nullopt;
}

}  // namespace radar_spoof::simulator
