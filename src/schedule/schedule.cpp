#include "radar_spoof/schedule/schedule.h"

#include <algorithm>
#include <utility>

#include "radar_spoof/schedule/retry.h"
#include "radar_spoof/words/hash.h"

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
constexpr Seconds kLongestLagStep = 1h;
// The clocks are read one after the other, and the wall clock is slewed.
constexpr Milliseconds kClockTolerance = 50ms;
// More than what a certificate or a bucket's end ever turns on.
constexpr Milliseconds kClockStep = 1min;

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
      requests_(queries_, api.max_series_per_request),
      budget_(api.rate_limit, polling.retry_max),
      lags_(polling.settle, SlowestLagStep(queries_)),
      random_(seed) {
  OrderAnew();
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
    lags_ = LearnedLags(polling.settle, SlowestLagStep(queries));
  }
  max_concurrency_ = api.max_concurrency;
  polling_ = polling;
  queries_ = std::move(queries);
  entries_ = std::move(entries);
  refused_ = std::move(refused);
  budget_.SetLimits(api.rate_limit, polling.retry_max);
  requests_ = SharedRequests(queries_, api.max_series_per_request);
  series_limit_ = {};
  to_join_.clear();
  lags_.ForgetQueries();
  OrderAnew();
}

void Schedule::OrderAnew() {
  due_.Clear();
  retries_.Clear();
  NoteMove();
}

void Schedule::NoteMove() {
  ranked_for_.reset();
  ++moves_;
}

void Schedule::RankMoved(Instant now) {
  const Milliseconds apart = now.wall.time_since_epoch() - now.steady.time_since_epoch();
  NoteClockStep(apart, now);
  if (ranked_for_ && std::chrono::abs(apart - *ranked_for_) < kClockTolerance) return;
  if (ranked_for_) NoteMove();
  due_.Resize(requests_.size());
  retries_.Resize(requests_.size());
  for (std::size_t request = 0; request < requests_.size(); ++request) Rank(request, now);
  ranked_lag_ = lags_.Shared();
  ranked_for_ = apart;
}

void Schedule::NoteClockStep(Milliseconds apart, Instant now) {
  const auto before = std::exchange(clocks_apart_, apart);
  if (!before || std::chrono::abs(apart - *before) < kClockStep) return;
  lags_ = LearnedLags(polling_.settle, SlowestLagStep(queries_));
  if (held_until_) held_until_->wall = now.WallAt(held_until_->steady);
  ReleaseFailed(now);
}

void Schedule::Rank(std::size_t request, Instant now) {
  Due first;
  if (!RequestInFlight(request)) {
    for (const std::size_t query : requests_.Queries(request)) {
      const Due due = DueOf(query, now);
      first.at = std::min(first.at, due.at);
      first.as_retry = std::min(first.as_retry, due.as_retry);
    }
  }
  due_.Set(request, first.at);
  retries_.Set(request, first.as_retry);
}

bool Schedule::RequestInFlight(std::size_t request) const {
  const RequestGroup& queries = requests_.Queries(request);
  return std::any_of(queries.begin(), queries.end(),
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

Milliseconds Schedule::Offset(std::size_t query) const {
  if (!FollowsData(query)) return Milliseconds(polling_.settle) + Spread(query);
  return lags_.Expected(query) + Spread(query);
}

std::optional<Schedule::Next> Schedule::Awaited(std::size_t query) const {
  const Entry& entry = entries_[query];
  if (!FollowsData(query) || !entry.reach) return std::nullopt;
  const Seconds period = queries_[query].poll_interval;
  const Seconds interval = Length(queries_[query].agg_interval);
  // A poll interval need not be a multiple of the other.
  const WallTime next_bucket_end = FloorTo(*entry.reach, interval) + interval;
  WallTime boundary = FloorTo(next_bucket_end, period);
  if (boundary < next_bucket_end) boundary += period;
  return Next{boundary, FloorTo(boundary, interval)};
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
  WallTime slot = std::max(awaited->bucket_end + Offset(query), awaited->boundary);
  // A bucket end far ahead means that our clock was wrong then or is now.
  slot = std::min(slot, asked + 2 * period);
  return std::max(
      slot, asked + Grown(kFirstAskAgain, kAskAgainGrowth, entry.asked_too_early - 1, period / 2));
}

Schedule::Due Schedule::DueOf(std::size_t query, Instant now) const {
  const Entry& entry = entries_[query];
  if (!entry.asked) return {.at = SteadyTime::min()};
  if (refused_.contains(query)) return {.at = *entry.retry_at};
  const SteadyTime slot =
      std::max(now.SteadyAt(Slot(query, now)), entry.not_before.value_or(SteadyTime::min()));
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
  JoinParts(now);
  RankMoved(now);
  if (in_flight_ >= MostInFlight()) return std::nullopt;
  if (budget_.EarliestRequest(now.steady) > now.steady) return std::nullopt;
  std::size_t request = 0;
  bool is_retry = false;
  if (due_.FirstAt() <= now.steady) {
    request = due_.First();
  } else if (retries_.FirstAt() <= now.steady && budget_.EarliestRetry(now.steady) <= now.steady) {
    request = retries_.First();
    is_retry = true;
  } else {
    return std::nullopt;
  }
  Start(request, is_retry, now);
  return requests_.Queries(request).front();
}

void Schedule::Start(std::size_t request, bool is_retry, Instant now) {
  budget_.Spend(now.steady, is_retry);
  const auto jitter = random_();
  for (const std::size_t query : requests_.Queries(request)) {
    Entry& entry = entries_[query];
    const auto awaited = Awaited(query);
    entry.awaited = awaited ? std::optional(awaited->bucket_end) : std::nullopt;
    entry.in_flight = true;
    entry.asked = now;
    entry.jitter = jitter;
    entry.retry_at.reset();
  }
  ++in_flight_;
  Rank(request, now);
}

void Schedule::GiveUp(Entry& entry, Instant now) {
  entry.in_flight = false;
  entry.retry_at = now.steady;
  entry.retry_in_budget = false;
}

void Schedule::ForgetApi() {
  entries_.assign(queries_.size(), {});
  refused_.clear();
  budget_.ForgetApi();
  held_until_.reset();
  holds_in_a_row_ = 0;
  transient_in_a_row_ = 0;
  lags_ = LearnedLags(polling_.settle, SlowestLagStep(queries_));
  NoteMove();
}

void Schedule::Resume(std::vector<Resumed> asked, std::optional<WallTime> held_until, Instant now) {
  std::sort(asked.begin(), asked.end(),
            [](const Resumed& a, const Resumed& b) { return a.asked < b.asked; });
  std::vector<std::optional<WallTime>> counted(requests_.size());
  for (const Resumed& each : asked) {
    Entry& entry = entries_[each.query];
    entry.asked = now.InThePast(each.asked);
    entry.reach = each.reach;
    if (!each.answered_well) {
      entry.failures = kFailuresOfAnEarlierRun;
      entry.failures_alike = kFailuresOfAnEarlierRun;
      entry.retry_at = entry.asked->steady + kSoonestAfterRestart;
    }
    // Those that share a request were asked at the same moment, and it was one.
    if (std::exchange(counted[requests_.Of(each.query)], each.asked) == each.asked) continue;
    if (now.steady - entry.asked->steady < kBudgetWindow) budget_.Spend(entry.asked->steady, false);
  }
  NoteMove();
  if (!held_until) return;
  const Milliseconds ahead = std::min<Milliseconds>(*held_until - now.wall, kLongestResumedHold);
  held_until_ = now + ahead;
  holds_in_a_row_ = 1;
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
    if (entry.in_flight) GiveUp(entry, now);
  }
  in_flight_ = 0;
  NoteMove();
}

SteadyTime Schedule::WakeAt(Instant now) {
  RankMoved(now);
  if (in_flight_ >= MostInFlight()) return SteadyTime::max();
  return MayStartAt({.at = due_.FirstAt(), .as_retry = retries_.FirstAt()}, now.steady);
}

WallTime Schedule::NextPoll(std::size_t query, Instant now) {
  RankMoved(now);
  if (entries_[query].in_flight) return now.wall;
  const std::size_t request = requests_.Of(query);
  return now.WallAt(
      MayStartAt({.at = due_.At(request), .as_retry = retries_.At(request)}, now.steady));
}

void Schedule::ObserveRateLimit(std::uint64_t remaining, Seconds reset_in, Instant now) {
  const Seconds sane = std::clamp(reset_in, Seconds(0), kLongestReset);
  budget_.Advise(remaining, now.steady + sane, now.steady);
}

}  // namespace radar_spoof
