#include "failure_log.h"

#include <utility>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kRepeat = 15min;
// By how much a hold must grow for its new end to be logged at once.
constexpr Milliseconds kNotable = 1min;

}  // namespace

FailureLog::FailureLog(const Snapshot& first, Log& log) : log_(&log) {
  if (const auto& held = first.api.blocked_until) hold_end_ = held->steady;
  for (const QueryState& state : first.queries) {
    told_.push_back({state.last_failure.has_value(), SteadyTime{}});
  }
}

FailureLog FailureLog::CarriedOver(const KeptPlaces& kept, bool same_api) const {
  FailureLog next = *this;
  next.told_.assign(kept.size(), {});
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) next.told_[i] = told_[*kept[i]];
  }
  next.halving_logged_ = false;
  if (!same_api) {
    next.holds_ = 0;
    next.hold_end_.reset();
  }
  return next;
}

void FailureLog::NotePoll(std::size_t query, const QueryState& state, SteadyTime now) {
  Told& told = told_[query];
  const bool failing = !state.success();
  if (failing == told.failing && (!failing || now < told.at + kRepeat)) return;
  told = {failing, now};
  if (!failing) {
    log_->Info("query recovered", {{"query", state.query.name}});
    return;
  }
  log_->Warn("query failed", {{"query", state.query.name},
                              {"reason", Name(state.last_failure->reason)},
                              {"detail", state.last_failure->detail},
                              {"failures", state.failures}});
}

void FailureLog::NoteHalving(std::size_t queries, const Failure& refusal) {
  if (std::exchange(halving_logged_, true)) return;
  log_->Warn("a request for several series is refused; such requests are halved",
             {{"queries", queries}, {"reason", Name(refusal.reason)}, {"detail", refusal.detail}});
}

void FailureLog::NoteHold(const std::optional<Instant>& held_until, bool up, SteadyTime now) {
  if (!held_until) return;
  const SteadyTime end = held_until->steady;
  const auto before = std::exchange(hold_end_, end);
  if (end <= now) {
    if (holds_ > 0 && up) {
      log_->Info("rate limit lifted; polling resumed", {{"holds", std::exchange(holds_, 0)}});
    }
    return;
  }
  const bool begins = !before || *before <= now;
  if (begins) ++holds_;
  const bool tell =
      holds_ > 1 ? now - hold_logged_at_ >= kRepeat : begins || end - hold_logged_until_ > kNotable;
  if (!tell) return;
  hold_logged_at_ = now;
  hold_logged_until_ = end;
  log_->Warn("rate limited by the API; polling paused",
             {{"until", FormatRfc3339(held_until->wall)}, {"holds", holds_}});
}

}  // namespace radar_spoof
