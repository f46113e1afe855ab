// Any bytes are a configuration or a list of placed, printable problems.
#include <string_view>

#include "radar_spoof/config/config.h"
#include "tests/fuzz/fuzz_target.h"

namespace radar_spoof::test {
namespace {

void CheckConfigProblem(const ConfigProblem& problem) {
  Require(!problem.message.empty());
  Require(problem.line >= 0 && problem.column >= 0);
  for (const char c : problem.Text()) Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

}  // namespace

FUZZ_TARGET(config) {
  const auto config = ParseConfig(input, "config.yaml");
  if (!config) {
    Require(!config.error().empty());
    for (const auto& problem : config.error()) CheckConfigProblem(problem);
    return;
  }
  for (const auto& warning : config.value().warnings()) CheckConfigProblem(warning);
  const RequestPlan plan = config.value().Plan();
  Require(plan.queries > 0 && plan.series >= plan.queries);
  Require(plan.requests_per_5_minutes <= plan.rate_limit + 1e-6);
  Require(!plan.Text().empty());
  for (const auto& query : config.value().queries()) {
    Require(!query.name.empty() && query.name.size() <= 128);
    Require(query.poll_interval.count() >= 1);
  }
}

}  // namespace radar_spoof::test
