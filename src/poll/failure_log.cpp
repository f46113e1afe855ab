#include "failure_log.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kRepeat = 15min;

}  // namespace

FailureLog::FailureLog(const Snapshot& first, Log& log) : log_(log) {
  for (const QueryState& state : first.queries) {
    told_.push_back({state.last_failure.has_value(), SteadyTime{}});
  }
}

void FailureLog::Note(std::size_t query, const QueryState& state, SteadyTime now) {
  Told& told = told_[query];
  const bool failing = !state.success();
  if (failing == told.failing && (!failing || now < told.at + kRepeat)) return;
  told = {failing, now};
  if (!failing) {
    log_.Info("query is well again", {{"query", state.query.name}});
    return;
  }
  log_.Warn("query fails", {{"query", state.query.name},
                            {"reason", Name(state.last_failure->reason)},
                            {"detail", state.last_failure->detail},
                            {"failures", state.failures}});
}

std::vector<FailureLog::Told> FailureLog::CarriedOver(
    const std::vector<std::optional<std::size_t>>& kept) const {
  std::vector<Told> told(kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) told[i] = told_[*kept[i]];
  }
  return told;
}

}  // namespace radar_spoof
