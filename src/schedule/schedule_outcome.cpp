// The part of Schedule that says what an ended poll changes.
#include <algorithm>
#include <utility>

#include "radar_spoof/schedule/retry.h"
#include "radar_spoof/schedule/schedule.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// What the lag's estimate must have changed by for every query to be ranked anew.
constexpr Milliseconds kLagTolerance = 1s;
// What no quick retry helps is tried again so soon, where the next slot is days away.
constexpr Milliseconds kHopelessCadence = 1h;
// A query that fails for itself does so often only with its own quick retries.
constexpr int kFailuresOfAnOutage = 3;

}  // namespace

void Schedule::Record(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.in_flight = false;
  if (report.failure) {
    RecordFailure(query, report, now);
  } else {
    // One that was asked before the hold says nothing of it.
    if (!held_until_ || entry.asked->steady >= held_until_->steady) holds_in_a_row_ = 0;
    RecordGood(query, report, now);
    ReleaseRefusedByMistake(now);
    ReleaseAfterOutage(now);
  }
  entry.awaited.reset();
  entry.fewer_may_help = report.fewer_series == FewerSeries::kMayHelp;
  const std::size_t request = requests_.Of(query);
  if (RequestInFlight(request)) return;
  --in_flight_;
  LearnSeriesLimit(request, now);
  Rank(request, now);
}

// One good answer proves the credentials good, so others were refused by mistake; but only once
// each, lest a query that is refused for itself is asked with every good answer.
void Schedule::ReleaseRefusedByMistake(Instant now) {
  for (const std::size_t query : refused_) {
    Entry& entry = entries_[query];
    if (entry.in_flight || entry.failures_alike != kFailuresUntilRefused) continue;
    entry.retry_at = now.steady;
    NoteMove();
  }
}

// One good answer proves the API is back, so that nobody waits out a delay that grew meanwhile.
void Schedule::ReleaseAfterOutage(Instant now) {
  if (std::exchange(transient_in_a_row_, 0) < kFailuresOfAnOutage) return;
  for (Entry& entry : entries_) {
    if (entry.failed_as == RetryClass::kTransient) Release(entry, now);
  }
  NoteMove();
}

void Schedule::ReleaseFailed(Instant now) {
  for (Entry& entry : entries_) Release(entry, now);
  NoteMove();
}

// Due now, if its last poll failed.
void Schedule::Release(Entry& entry, Instant now) {
  if (entry.in_flight || entry.failures == 0) return;
  entry.retry_at = std::max(now.steady, entry.not_before.value_or(now.steady));
  entry.retry_in_budget = false;
}

void Schedule::RecordGood(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.failures = 0;
  entry.failures_alike = 0;
  entry.not_before.reset();
  refused_.erase(query);
  entry.reach = report.last_updated ? report.last_updated : report.newest_bucket_end;
  // By the clock as it is now: it may have been set since.
  if (entry.reach) entry.reach = std::min(*entry.reach, now.wall);
  if (entry.reach && FollowsData(query)) {
    lags_.Observe(query, now.WallAt(entry.asked->steady), *entry.reach, entry.awaited);
  }
  if (std::chrono::abs(lags_.Shared() - ranked_lag_) >= kLagTolerance) NoteMove();
  const bool too_early = entry.awaited && entry.reach && *entry.reach < *entry.awaited;
  entry.asked_too_early = too_early ? entry.asked_too_early + 1 : 0;
}

void Schedule::RecordFailure(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  ++entry.failures;
  entry.failures_alike = *report.failure == entry.failed_as ? entry.failures_alike + 1 : 1;
  entry.failed_as = *report.failure;
  entry.not_before.reset();
  if (*report.failure == RetryClass::kTransient) {
    ++transient_in_a_row_;
    if (report.retry_after) entry.not_before = now.steady + WaitAskedFor(*report.retry_after);
  }
  std::minstd_rand jitter(entry.jitter);
  if (*report.failure == RetryClass::kThrottled) {
    const bool holds = held_until_ && held_until_->steady > now.steady;
    if (!holds) ++holds_in_a_row_;
    const Instant end = now + HoldLength(report.retry_after, holds_in_a_row_ - 1, jitter);
    if (!held_until_ || end.steady > held_until_->steady) held_until_ = end;
    budget_.HoldUntil(held_until_->steady);
    NoteMove();
    refused_.erase(query);
    entry.retry_in_budget = false;
    entry.retry_at = held_until_->steady;
    return;
  }
  const Retry retry = RetryAfterFailure(*report.failure, entry.failures_alike, report.retry_after,
                                        polling_.retry_max, jitter);
  if (retry.refused) {
    refused_.insert(query);
  } else {
    refused_.erase(query);
  }
  entry.retry_in_budget = retry.in && retry.in_budget;
  entry.retry_at = now.steady + retry.in.value_or(kHopelessCadence);
}

void Schedule::ReleaseRefused(Instant now) {
  for (const std::size_t query : refused_) {
    if (!entries_[query].in_flight) entries_[query].retry_at = now.steady;
  }
  NoteMove();
}

bool Schedule::HasRefused() const {
  return std::any_of(refused_.begin(), refused_.end(),
                     [this](std::size_t query) { return !entries_[query].in_flight; });
}

}  // namespace radar_spoof
