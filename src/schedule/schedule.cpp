#include "radar_spoof/schedule/schedule.h"

#include <algorithm>

#include "radar_spoof/words/hash.h"
#include "schedule/retry.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLongestSpread = 20s;
constexpr int kSpreadShare = 20;  // of the poll interval
constexpr Milliseconds kFirstAskAgain = 60s;
constexpr double kAskAgainGrowth = 1.2;
constexpr Seconds kLongestReset = 900s;
constexpr Milliseconds kBudgetWindow = 5min;
constexpr Milliseconds kSoonestAfterRestart = 60s;
constexpr int kFailuresOfAnEarlierRun = 3;          // enough for no quick retry
constexpr Milliseconds kLongestResumedHold = 945s;  // kLongestReset and the jitter of a hold
constexpr Seconds kQuarterHour = 15min;
constexpr Seconds kLongestLagStep = 1h;

Seconds SlowestLagStep(const std::vector<Query>& queries) {
  Seconds shortest = kLongestLagStep;
  for (const Query& query : queries) shortest = std::min(shortest, query.poll_interval);
  return std::max<Seconds>(shortest, 5min);
}

}  // namespace

Schedule::Schedule(const ApiConfig& api, const PollingConfig& polling, std::vector<Query> queries,
                   std::uint32_t seed)
    : max_concurrency_(api.max_concurrency),
      polling_(polling),
      queries_(std::move(queries)),
      entries_(queries_.size()),
      budget_(api.rate_limit),
      shared_lag_(polling.settle, SlowestLagStep(queries_)),
      random_(seed) {}

void Schedule::Reconfigure(const ApiConfig& api, const PollingConfig& polling,
                           std::vector<Query> queries) {
  std::vector<Entry> entries(queries.size());
  const auto kept = KeptQueries(queries_, queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (kept[i]) entries[i] = entries_[*kept[i]];
  }
  if (polling.settle != polling_.settle) {
    shared_lag_ = DataLag(polling.settle, SlowestLagStep(queries));
    own_lag_.clear();
  }
  max_concurrency_ = api.max_concurrency;
  polling_ = polling;
  queries_ = std::move(queries);
  entries_ = std::move(entries);
  budget_.SetLimit(api.rate_limit);
}

bool Schedule::FollowsData(std::size_t query) const {
  return queries_[query].poll_interval >= Length(queries_[query].agg_interval);
}

Milliseconds Schedule::Spread(std::size_t query) const {
  const Milliseconds widest =
      std::min(kLongestSpread, Milliseconds(queries_[query].poll_interval) / kSpreadShare);
  const auto steps = static_cast<std::uint64_t>(widest.count()) + 1;
  return Milliseconds(static_cast<std::int64_t>(Fnv1a(queries_[query].name) % steps));
}

const DataLag& Schedule::LagOf(AggInterval interval) const {
  const auto own = own_lag_.find(interval);
  return own == own_lag_.end() ? shared_lag_ : own->second;
}

Milliseconds Schedule::Offset(std::size_t query) const {
  if (!FollowsData(query)) return Milliseconds(polling_.settle) + Spread(query);
  return LagOf(queries_[query].agg_interval).Expected() + Spread(query);
}

std::optional<WallTime> Schedule::Awaited(std::size_t query) const {
  const Entry& entry = entries_[query];
  if (!FollowsData(query) || !entry.newest_bucket_end) return std::nullopt;
  const Seconds period = queries_[query].poll_interval;
  return FloorTo(*entry.newest_bucket_end, period) + period;
}

WallTime Schedule::NextSlot(std::size_t query, WallTime asked) const {
  const Seconds period = queries_[query].poll_interval;
  const Milliseconds offset = Offset(query);
  return FloorTo(asked - offset, period) + period + offset;
}

WallTime Schedule::Slot(std::size_t query, Instant now) const {
  const Entry& entry = entries_[query];
  // Kept on the steady clock, so that a step of the wall clock moves it along.
  const WallTime asked = now.WallAt(entry.asked->steady);
  const auto awaited = Awaited(query);
  if (entry.failures > 0 || !awaited) return NextSlot(query, asked);

  const Milliseconds period = queries_[query].poll_interval;
  WallTime slot = *awaited + Offset(query);
  // A bucket end far ahead means that our clock was wrong then or is now.
  slot = std::min(slot, asked + 2 * period);
  return std::max(
      slot, asked + Grown(kFirstAskAgain, kAskAgainGrowth, entry.asked_too_early - 1, period / 2));
}

Schedule::Due Schedule::DueOf(std::size_t query, Instant now) const {
  const Entry& entry = entries_[query];
  if (!entry.asked) return {SteadyTime::min(), false};
  if (entry.refused) return {*entry.retry_at, false};
  const SteadyTime slot = now.SteadyAt(Slot(query, now));
  if (entry.retry_at) {
    const SteadyTime retry =
        std::max(*entry.retry_at,
                 entry.retry_in_budget ? budget_.EarliestRetry(now.steady) : *entry.retry_at);
    if (retry < slot) return {retry, entry.retry_in_budget};
  }
  return {slot, false};
}

SteadyTime Schedule::MayStartAt(const Due& due, SteadyTime now) const {
  return std::max(due.at, due.is_retry ? budget_.EarliestRetry(now) : budget_.EarliestRequest(now));
}

std::optional<std::size_t> Schedule::StartNext(Instant now) {
  if (in_flight_ >= static_cast<std::size_t>(max_concurrency_)) return std::nullopt;
  if (budget_.EarliestRequest(now.steady) > now.steady) return std::nullopt;
  std::optional<std::size_t> first;
  Due first_due{};
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].in_flight) continue;
    const Due due = DueOf(i, now);
    if (due.at > now.steady || (first && due.at >= first_due.at)) continue;
    if (MayStartAt(due, now.steady) > now.steady) continue;
    first = i;
    first_due = due;
  }
  if (!first) return std::nullopt;
  budget_.Spend(now.steady, first_due.is_retry);
  Entry& entry = entries_[*first];
  entry.awaited = Awaited(*first);
  entry.in_flight = true;
  entry.asked = now;
  entry.retry_at.reset();
  ++in_flight_;
  return first;
}

void Schedule::Resume(std::vector<Resumed> asked, std::optional<WallTime> held_until, Instant now) {
  std::sort(asked.begin(), asked.end(),
            [](const Resumed& a, const Resumed& b) { return a.asked < b.asked; });
  for (const Resumed& each : asked) {
    Entry& entry = entries_[each.query];
    entry.asked = now.InThePast(each.asked);
    entry.newest_bucket_end = each.newest_bucket_end;
    if (!each.answered_well) {
      entry.failures = kFailuresOfAnEarlierRun;
      entry.retry_at = entry.asked->steady + kSoonestAfterRestart;
    }
    if (now.steady - entry.asked->steady < kBudgetWindow) budget_.Spend(entry.asked->steady, false);
  }
  if (!held_until) return;
  const Milliseconds ahead = std::min<Milliseconds>(*held_until - now.wall, kLongestResumedHold);
  held_until_ = now + ahead;
  budget_.HoldUntil(held_until_->steady);
}

std::optional<WallTime> Schedule::LastAsked(std::size_t query, Instant now) const {
  const auto& asked = entries_[query].asked;
  if (!asked) return std::nullopt;
  return now.WallAt(asked->steady);
}

bool Schedule::TryExtraRequest(Instant now) {
  if (budget_.EarliestRequest(now.steady) > now.steady) return false;
  budget_.Spend(now.steady, false);
  return true;
}

void Schedule::AbandonInFlight(Instant now) {
  for (Entry& entry : entries_) {
    if (!entry.in_flight) continue;
    entry.in_flight = false;
    entry.retry_at = now.steady;
    entry.retry_in_budget = false;
  }
  in_flight_ = 0;
}

void Schedule::Record(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.in_flight = false;
  --in_flight_;
  if (report.failure) {
    RecordFailure(query, report, now);
  } else {
    RecordGood(query, report);
    // One good answer proves the credentials good, so others were refused by mistake; but only once
    // each, lest a query that is refused for itself is asked with every good answer.
    for (Entry& other : entries_) {
      if (other.refused && !other.in_flight && other.failures == kFailuresUntilRefused) {
        other.retry_at = now.steady;
      }
    }
  }
  entry.awaited.reset();
}

void Schedule::RecordGood(std::size_t query, const PollReport& report) {
  Entry& entry = entries_[query];
  entry.failures = 0;
  entry.refused = false;
  Learn(query, report, entry.asked->wall);
  const bool too_early =
      entry.awaited && report.newest_bucket_end && *report.newest_bucket_end < *entry.awaited;
  entry.asked_too_early = too_early ? entry.asked_too_early + 1 : 0;
  entry.newest_bucket_end = report.newest_bucket_end;
}

void Schedule::Learn(std::size_t query, const PollReport& report, WallTime asked) {
  const AggInterval interval = queries_[query].agg_interval;
  if (!report.newest_bucket_end || !FollowsData(query)) return;
  const auto& awaited = entries_[query].awaited;
  const bool bucket_is_late =
      !report.last_updated ||
      *report.newest_bucket_end < FloorTo(std::min(*report.last_updated, asked), Length(interval));
  if (!bucket_is_late) {
    auto own = own_lag_.find(interval);
    DataLag& lag = own == own_lag_.end() ? shared_lag_ : own->second;
    lag.Observe(asked, *report.last_updated, kQuarterHour, awaited);
    return;
  }
  const auto own = own_lag_.try_emplace(interval, polling_.settle, SlowestLagStep(queries_)).first;
  own->second.Observe(asked, *report.newest_bucket_end, Length(interval), awaited);
}

void Schedule::RecordFailure(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  ++entry.failures;
  if (*report.failure == RetryClass::kThrottled) {
    const Instant end = now + HoldLength(report.retry_after, random_);
    if (!held_until_ || end.steady > held_until_->steady) held_until_ = end;
    budget_.HoldUntil(held_until_->steady);
    entry.refused = false;
    entry.retry_in_budget = false;
    entry.retry_at = held_until_->steady;
    return;
  }
  const Retry retry = RetryAfterFailure(*report.failure, entry.failures, report.retry_after,
                                        polling_.retry_max, random_);
  entry.refused = retry.refused;
  entry.retry_in_budget = retry.in_budget;
  if (retry.in) entry.retry_at = now.steady + *retry.in;
}

SteadyTime Schedule::WakeAt(Instant now) const {
  SteadyTime wake = SteadyTime::max();
  if (in_flight_ >= static_cast<std::size_t>(max_concurrency_)) return wake;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].in_flight) continue;
    wake = std::min(wake, MayStartAt(DueOf(i, now), now.steady));
  }
  return wake;
}

WallTime Schedule::NextPoll(std::size_t query, Instant now) const {
  if (entries_[query].in_flight) return now.wall;
  return now.WallAt(MayStartAt(DueOf(query, now), now.steady));
}

void Schedule::ObserveRateLimit(std::uint64_t remaining, Seconds reset_in, Instant now) {
  const Seconds sane = std::clamp(reset_in, Seconds(0), kLongestReset);
  budget_.Advise(remaining, now.steady + sane, now.steady);
}

void Schedule::ReleaseRefused(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.refused && !entry.in_flight) entry.retry_at = now.steady;
  }
}

bool Schedule::HasRefused() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.refused && !entry.in_flight; });
}

}  // namespace radar_spoof
