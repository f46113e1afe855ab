// Any bytes are a configuration or a list of placed, printable problems.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "radar_spoof/config/config.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckProblem(const radar_spoof::ConfigProblem& problem) {
  Require(!problem.message.empty());
  Require(problem.line >= 0 && problem.column >= 0);
  for (const char c : problem.Text()) Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view yaml(reinterpret_cast<const char*>(bytes), size);
  const auto config = radar_spoof::ParseConfig(yaml, "config.yaml");
  if (!config) {
    Require(!config.error().empty());
    for (const auto& problem : config.error()) CheckProblem(problem);
    return 0;
  }
  for (const auto& warning : config.value().warnings()) CheckProblem(warning);
  const radar_spoof::RequestPlan plan = config.value().Plan();
  Require(plan.queries > 0 && plan.series >= plan.queries);
  Require(plan.requests_per_5_minutes <= plan.rate_limit + 1e-6);
  Require(!plan.Text().empty());
  for (const auto& query : config.value().queries()) {
    Require(!query.name.empty() && query.name.size() <= 128);
    Require(query.poll_interval.count() >= 1);
  }
  return 0;
}
