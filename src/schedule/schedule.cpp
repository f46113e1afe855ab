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
// The clocks are read one after the other, and the wall clock is slewed.
constexpr Milliseconds kClockTolerance = 50ms;
// What the lag's estimate must have changed by for every query to be ranked anew.
constexpr Milliseconds kLagTolerance = 1s;

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
      random_(seed) {
  MakeGroups(api.max_series_per_request);
}

void Schedule::Reconfigure(const ApiConfig& api, const PollingConfig& polling,
                           std::vector<Query> queries) {
  std::vector<Entry> entries(queries.size());
  std::set<std::size_t> refused;
  const auto kept = KeptQueries(queries_, queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (!kept[i]) continue;
    entries[i] = entries_[*kept[i]];
    if (refused_.contains(*kept[i])) refused.insert(i);
  }
  if (polling.settle != polling_.settle) {
    shared_lag_ = DataLag(polling.settle, SlowestLagStep(queries));
    own_lag_.clear();
  }
  max_concurrency_ = api.max_concurrency;
  polling_ = polling;
  queries_ = std::move(queries);
  entries_ = std::move(entries);
  refused_ = std::move(refused);
  budget_.SetLimit(api.rate_limit);
  MakeGroups(api.max_series_per_request);
}

void Schedule::MakeGroups(int max_series) {
  groups_.clear();
  group_of_.assign(queries_.size(), 0);
  for (RequestGroup& queries : GroupQueries(queries_, max_series)) {
    for (const std::size_t query : queries) group_of_[query] = groups_.size();
    groups_.push_back({.queries = std::move(queries)});
  }
  due_.Clear();
  retries_.Clear();
  due_.Resize(groups_.size());
  retries_.Resize(groups_.size());
  NoteMove();
}

void Schedule::NoteMove() {
  ranked_for_.reset();
  ++moves_;
}

void Schedule::RankMoved(Instant now) {
  const Milliseconds apart = now.wall.time_since_epoch() - now.steady.time_since_epoch();
  if (ranked_for_ && std::chrono::abs(apart - *ranked_for_) < kClockTolerance) return;
  if (ranked_for_) NoteMove();
  for (std::size_t group = 0; group < groups_.size(); ++group) Rank(group, now);
  for (const AggInterval interval : kAllAggIntervals) {
    ranked_lag_[static_cast<std::size_t>(interval)] = LagOf(interval).Expected();
  }
  ranked_for_ = apart;
}

void Schedule::Rank(std::size_t group, Instant now) {
  Due first;
  if (!InFlight(groups_[group])) {
    for (const std::size_t query : groups_[group].queries) {
      const Due due = DueOf(query, now);
      first.at = std::min(first.at, due.at);
      first.as_retry = std::min(first.as_retry, due.as_retry);
    }
  }
  due_.Set(group, first.at);
  retries_.Set(group, first.as_retry);
}

bool Schedule::InFlight(const Group& group) const {
  return std::any_of(group.queries.begin(), group.queries.end(),
                     [this](std::size_t query) { return entries_[query].in_flight; });
}

bool Schedule::FollowsData(std::size_t query) const {
  return queries_[query].poll_interval >= Length(queries_[query].agg_interval);
}

Milliseconds Schedule::Spread(std::size_t query) const {
  const Milliseconds widest =
      std::min(kLongestSpread, Milliseconds(queries_[query].poll_interval) / kSpreadShare);
  const auto steps = static_cast<std::uint64_t>(widest.count()) + 1;
  const std::string& name = queries_[Together(query).front()].name;
  return Milliseconds(static_cast<std::int64_t>(Fnv1a(name) % steps));
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
  if (!entry.asked) return {.at = SteadyTime::min()};
  if (refused_.contains(query)) return {.at = *entry.retry_at};
  const SteadyTime slot = now.SteadyAt(Slot(query, now));
  if (!entry.retry_at) return {.at = slot};
  if (entry.retry_in_budget) return {.at = slot, .as_retry = *entry.retry_at};
  return {.at = std::min(*entry.retry_at, slot)};
}

SteadyTime Schedule::MayStartAt(const Due& due, SteadyTime now) const {
  SteadyTime at = due.at;
  if (at != DueOrder::kNever) at = std::max(at, budget_.EarliestRequest(now));
  if (due.as_retry >= at) return at;
  return std::min(at, std::max(due.as_retry, budget_.EarliestRetry(now)));
}

std::optional<std::size_t> Schedule::StartNext(Instant now) {
  RankMoved(now);
  if (in_flight_ >= static_cast<std::size_t>(max_concurrency_)) return std::nullopt;
  if (budget_.EarliestRequest(now.steady) > now.steady) return std::nullopt;
  std::size_t group = 0;
  bool is_retry = false;
  if (due_.FirstAt() <= now.steady) {
    group = due_.First();
  } else if (retries_.FirstAt() <= now.steady && budget_.EarliestRetry(now.steady) <= now.steady) {
    group = retries_.First();
    is_retry = true;
  } else {
    return std::nullopt;
  }
  Start(group, is_retry, now);
  return groups_[group].queries.front();
}

void Schedule::Start(std::size_t group, bool is_retry, Instant now) {
  budget_.Spend(now.steady, is_retry);
  groups_[group].jitter = random_();
  for (const std::size_t query : groups_[group].queries) {
    Entry& entry = entries_[query];
    entry.awaited = Awaited(query);
    entry.in_flight = true;
    entry.asked = now;
    entry.retry_at.reset();
  }
  ++in_flight_;
  Rank(group, now);
}

void Schedule::Halve(std::size_t query, Instant now) {
  const std::size_t first = group_of_[query];
  const std::size_t second = groups_.size();
  RequestGroup& all = groups_[first].queries;
  for (const std::size_t each : all) {
    Entry& entry = entries_[each];
    entry.in_flight = false;
    entry.awaited.reset();
    entry.retry_at = now.steady;
    entry.retry_in_budget = false;
  }
  --in_flight_;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() + 1) / 2);
  RequestGroup rest(middle, all.end());
  all.erase(middle, all.end());
  for (const std::size_t each : rest) group_of_[each] = second;
  groups_.push_back({.queries = std::move(rest)});
  due_.Resize(groups_.size());
  retries_.Resize(groups_.size());
  Rank(first, now);
  Rank(second, now);
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
  NoteMove();
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
  NoteMove();
}

void Schedule::Record(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.in_flight = false;
  if (report.failure) {
    RecordFailure(query, report, now);
  } else {
    RecordGood(query, report);
    ReleaseRefusedByMistake(now);
  }
  entry.awaited.reset();
  const std::size_t group = group_of_[query];
  if (InFlight(groups_[group])) return;
  --in_flight_;
  Rank(group, now);
}

// One good answer proves the credentials good, so others were refused by mistake; but only once
// each, lest a query that is refused for itself is asked with every good answer.
void Schedule::ReleaseRefusedByMistake(Instant now) {
  for (const std::size_t query : refused_) {
    Entry& entry = entries_[query];
    if (entry.in_flight || entry.failures != kFailuresUntilRefused) continue;
    entry.retry_at = now.steady;
    NoteMove();
  }
}

void Schedule::RecordGood(std::size_t query, const PollReport& report) {
  Entry& entry = entries_[query];
  entry.failures = 0;
  refused_.erase(query);
  Learn(query, report, entry.asked->wall);
  const AggInterval interval = queries_[query].agg_interval;
  const Milliseconds ranked = ranked_lag_[static_cast<std::size_t>(interval)];
  if (std::chrono::abs(LagOf(interval).Expected() - ranked) >= kLagTolerance) NoteMove();
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
  std::minstd_rand jitter(groups_[group_of_[query]].jitter);
  if (*report.failure == RetryClass::kThrottled) {
    const Instant end = now + HoldLength(report.retry_after, jitter);
    if (!held_until_ || end.steady > held_until_->steady) held_until_ = end;
    budget_.HoldUntil(held_until_->steady);
    NoteMove();
    refused_.erase(query);
    entry.retry_in_budget = false;
    entry.retry_at = held_until_->steady;
    return;
  }
  const Retry retry = RetryAfterFailure(*report.failure, entry.failures, report.retry_after,
                                        polling_.retry_max, jitter);
  if (retry.refused) {
    refused_.insert(query);
  } else {
    refused_.erase(query);
  }
  entry.retry_in_budget = retry.in_budget;
  if (retry.in) entry.retry_at = now.steady + *retry.in;
}

SteadyTime Schedule::WakeAt(Instant now) {
  RankMoved(now);
  if (in_flight_ >= static_cast<std::size_t>(max_concurrency_)) return SteadyTime::max();
  return MayStartAt({.at = due_.FirstAt(), .as_retry = retries_.FirstAt()}, now.steady);
}

WallTime Schedule::NextPoll(std::size_t query, Instant now) {
  RankMoved(now);
  if (entries_[query].in_flight) return now.wall;
  const std::size_t group = group_of_[query];
  return now.WallAt(MayStartAt({.at = due_.At(group), .as_retry = retries_.At(group)}, now.steady));
}

void Schedule::ObserveRateLimit(std::uint64_t remaining, Seconds reset_in, Instant now) {
  const Seconds sane = std::clamp(reset_in, Seconds(0), kLongestReset);
  budget_.Advise(remaining, now.steady + sane, now.steady);
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
