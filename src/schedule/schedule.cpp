#include "radar_spoof/schedule/schedule.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "slot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kBudgetWindow = 5min;
constexpr Milliseconds kSoonestAfterRestart = 60s;
constexpr int kFailuresOfAnEarlierRun = 3;  // enough for no quick retry
constexpr Seconds kLongestLagStep = 1h;
// The clocks are read one after the other, and the wall clock is slewed.
constexpr Milliseconds kClockTolerance = 50ms;
// More than what a certificate or a bucket's end ever turns on.
constexpr Milliseconds kClockStep = 1min;
// What the lag's estimate must have changed by for every query to be ordered anew.
constexpr Milliseconds kLagTolerance = 1s;
// What no quick retry helps is tried again so soon, where the next slot is days away.
constexpr Milliseconds kHopelessCadence = 1h;
// After so many holds in a row a retry is asked whatever was planned.
constexpr int kHoldsWithRetry = 2;
constexpr Milliseconds kHour = 1h;

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
      lags_(polling.settle, SlowestLagStep(queries_), queries_.size()),
      budget_(api.rate_limit, polling.retry_max),
      random_(seed) {
  ClearOrder();
}

void Schedule::Reconfigure(const ApiConfig& api, const PollingConfig& polling,
                           std::vector<Query> queries) {
  std::vector<Entry> entries(queries.size());
  const auto kept = KeptQueries(queries_, queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    // Other bounds need an answer to be judged by.
    const bool same_bounds =
        kept[i] && queries_[*kept[i]].alert.expected == queries[i].alert.expected;
    if (same_bounds) entries[i] = entries_[*kept[i]];
  }
  if (polling.settle != polling_.settle) {
    lags_ = DataLags(polling.settle, SlowestLagStep(queries), queries.size());
  }
  max_concurrency_ = api.max_concurrency;
  polling_ = polling;
  queries_ = std::move(queries);
  entries_ = std::move(entries);
  refused_ = static_cast<int>(std::ranges::count(entries_, true, &Entry::refused));
  just_refused_.clear();
  budget_.SetLimits(api.rate_limit, polling.retry_max);
  requests_ = SharedRequests(queries_, api.max_series_per_request);
  lags_.ForgetQueries(SlowestLagStep(queries_), queries_.size());
  ClearOrder();
}

void Schedule::ClearOrder() {
  due_.Clear();
  retries_.Clear();
  Invalidate();
}

void Schedule::Invalidate() {
  ordered_for_.reset();
  ++revision_;
}

void Schedule::RefreshOrder(Instant now) {
  const Milliseconds apart = now.wall.time_since_epoch() - now.steady.time_since_epoch();
  NoteClockStep(apart, now);
  if (ordered_for_ && std::chrono::abs(apart - *ordered_for_) < kClockTolerance) return;
  if (ordered_for_) Invalidate();
  due_.Resize(requests_.size());
  retries_.Resize(requests_.size());
  for (std::size_t request = 0; request < requests_.size(); ++request) UpdateOrder(request, now);
  ordered_lag_ = lags_.Shared();
  ordered_for_ = apart;
}

void Schedule::NoteClockStep(Milliseconds apart, Instant now) {
  const auto before = std::exchange(clocks_apart_, apart);
  if (!before || std::chrono::abs(apart - *before) < kClockStep) return;
  lags_ = DataLags(polling_.settle, SlowestLagStep(queries_), queries_.size());
  hold_.FollowClock(now);
  ReleaseFailed(now);
}

void Schedule::UpdateOrder(std::size_t request, Instant now) {
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
  return std::ranges::any_of(queries, [this](std::size_t query) { return IsInFlight(query); });
}

Milliseconds Schedule::Offset(std::size_t query) const {
  const Milliseconds spread =
      SpreadOf(queries_[QueriesSharingRequest(query).front()].name, queries_[query].poll_interval);
  if (!IsAlignedToBuckets(queries_[query])) return Milliseconds(polling_.settle) + spread;
  return lags_.Expected(query) + spread;
}

WallTime Schedule::Slot(std::size_t query, Instant now) const {
  const Entry& entry = entries_[query];
  // Kept on the steady clock, so that a step of the wall clock moves it along.
  return SlotAfter({.asked = now.WallAt(entry.asked->steady),
                    .reach = entry.reach,
                    .offset = entry.offset,
                    .asked_too_early = entry.asked_too_early,
                    .failed = entry.failures > 0},
                   queries_[query], Offset(query));
}

Schedule::Due Schedule::DueOf(std::size_t query, Instant now) const {
  const Entry& entry = entries_[query];
  if (!entry.asked) return {.at = SteadyTime::min()};
  if (entry.refused) return {.at = *entry.retry_at};
  const SteadyTime slot =
      std::max(now.SteadyAt(Slot(query, now)), entry.not_before.value_or(SteadyTime::min()));
  if (entry.failed_in_run == outage_.run() && NothingAnswers()) {
    return {.as_retry = std::min(slot, entry.retry_at.value_or(slot))};
  }
  if (!entry.retry_at) return {.at = slot};
  if (entry.retry_in_budget) return {.at = slot, .as_retry = *entry.retry_at};
  return {.at = std::min(*entry.retry_at, slot)};
}

SteadyTime Schedule::EarliestRequest(SteadyTime now) const {
  const SteadyTime earliest = hold_.NotBefore(budget_.EarliestRequest(now));
  return NothingAnswers() ? std::max(earliest, outage_.NextOfOthers(polling_.retry_max)) : earliest;
}

SteadyTime Schedule::EarliestRetry(SteadyTime now) const {
  const SteadyTime earliest = hold_.NotBefore(budget_.EarliestRetry(now));
  return NothingAnswers() ? std::max(earliest, outage_.NextOfFailed(polling_.retry_max)) : earliest;
}

SteadyTime Schedule::MayStartAt(const Due& due, SteadyTime now) const {
  SteadyTime at = due.at;
  if (at != DueOrder::kNever) at = std::max(at, EarliestRequest(now));
  if (due.as_retry >= at) return at;
  return std::min(at, std::max(due.as_retry, EarliestRetry(now)));
}

std::optional<RequestGroup> Schedule::StartNext(Instant now) {
  const auto in_flight = [this](std::size_t query) { return IsInFlight(query); };
  if (requests_.JoinParts(in_flight, now.steady)) ClearOrder();
  RefreshOrder(now);
  if (in_flight_ >= MostInFlight()) return std::nullopt;
  std::size_t request = 0;
  bool is_retry = false;
  if (due_.FirstAt() <= now.steady && EarliestRequest(now.steady) <= now.steady) {
    request = due_.First();
  } else if (retries_.FirstAt() <= now.steady && EarliestRetry(now.steady) <= now.steady) {
    request = retries_.First();
    is_retry = true;
  } else {
    return std::nullopt;
  }
  Start(request, is_retry, now);
  return requests_.Queries(request);
}

void Schedule::Start(std::size_t request, bool is_retry, Instant now) {
  const RequestGroup& queries = requests_.Queries(request);
  const std::uint64_t number =
      budget_.Spend(now.steady, is_retry ? RequestBudget::Kind::kRetry : KindOf(queries, now));
  const auto jitter = random_();
  for (const std::size_t query : queries) {
    Entry& entry = entries_[query];
    const auto awaited = AwaitedBucketOf(queries_[query], entry.reach);
    entry.awaited = awaited ? std::optional(awaited->end) : std::nullopt;
    entry.in_slot = IsSlotDue(query, now);
    entry.offset = Offset(query);
    entry.in_flight = true;
    entry.asked = now;
    entry.request_number = number;
    entry.jitter = jitter;
    entry.retry_at.reset();
    entry.released = false;
  }
  ++in_flight_;
  UpdateOrder(request, now);
}

bool Schedule::IsSlotDue(std::size_t query, Instant now) const {
  return !entries_[query].asked || now.SteadyAt(Slot(query, now)) <= now.steady;
}

// Of a request that is due, but as a retry.
RequestBudget::Kind Schedule::KindOf(const RequestGroup& queries, Instant now) const {
  using enum RequestBudget::Kind;
  auto kind = kAgain;
  for (const std::size_t query : queries) {
    const Entry& entry = entries_[query];
    if (entry.failures == 0 && entry.asked_too_early > 0) continue;
    if (!entry.released || IsSlotDue(query, now)) return kSlot;
    kind = kRetry;
  }
  return kind;
}

void Schedule::DropFromFlight(Entry& entry, Instant now) {
  entry.in_flight = false;
  entry.retry_at = now.steady;
  entry.retry_in_budget = false;
}

void Schedule::ForgetApi() {
  entries_.assign(queries_.size(), {});
  refused_ = 0;
  budget_.ForgetApi();
  hold_ = {};
  outage_ = Outage();
  lags_ = DataLags(polling_.settle, SlowestLagStep(queries_), queries_.size());
  Invalidate();
}

void Schedule::Resume(std::vector<Resumed> asked, std::optional<WallTime> held_until, Instant now) {
  std::ranges::sort(asked, {}, &Resumed::asked);
  std::vector<std::optional<WallTime>> counted(requests_.size());
  for (const Resumed& each : asked) {
    Entry& entry = entries_[each.query];
    entry.asked = now.AtPastWallTime(each.asked);
    if (each.reach) entry.reach = std::min(*each.reach, now.wall);
    if (!each.answered_well) {
      entry.failures = kFailuresOfAnEarlierRun;
      entry.failures_of_class = kFailuresOfAnEarlierRun;
      entry.retry_at = entry.asked->steady + kSoonestAfterRestart;
    }
    // Those that share a request were asked at the same moment, and it was one.
    if (std::exchange(counted[requests_.Of(each.query)], each.asked) == each.asked) continue;
    if (now.steady - entry.asked->steady >= kBudgetWindow) continue;
    (void)budget_.Spend(entry.asked->steady, RequestBudget::Kind::kSlot);
  }
  Invalidate();
  if (held_until) hold_.Resume(*held_until, now);
}

std::optional<WallTime> Schedule::LastAsked(std::size_t query, Instant now) const {
  const auto& asked = entries_[query].asked;
  if (!asked) return std::nullopt;
  return now.WallAt(asked->steady);
}

bool Schedule::TryExtraRequest(std::size_t query, Instant now) {
  if (hold_.NotBefore(budget_.EarliestRequest(now.steady)) > now.steady) return false;
  entries_[query].request_number = budget_.Spend(now.steady, RequestBudget::Kind::kSlot);
  return true;
}

void Schedule::DropAllInFlight(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.in_flight) DropFromFlight(entry, now);
  }
  in_flight_ = 0;
  Invalidate();
}

SteadyTime Schedule::WakeAt(Instant now) {
  RefreshOrder(now);
  if (in_flight_ >= MostInFlight()) return SteadyTime::max();
  return MayStartAt({.at = due_.FirstAt(), .as_retry = retries_.FirstAt()}, now.steady);
}

WallTime Schedule::NextPoll(std::size_t query, Instant now) {
  RefreshOrder(now);
  if (entries_[query].in_flight) return now.wall;
  const std::size_t request = requests_.Of(query);
  return now.WallAt(
      MayStartAt({.at = due_.At(request), .as_retry = retries_.At(request)}, now.steady));
}

void Schedule::ObserveRateLimit(std::size_t query, const std::string& policy,
                                std::uint64_t remaining, Seconds reset_in, Instant now) {
  budget_.Advise(policy, remaining, reset_in, entries_[query].request_number, now.steady);
}

void Schedule::Record(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.in_flight = false;
  if (report.failure) {
    RecordFailure(query, report, now);
  } else {
    RecordGood(query, report, now);
  }
  entry.awaited.reset();
  entry.fewer_may_help = report.fewer_series == FewerSeries::kMayHelp;
  const std::size_t request = requests_.Of(query);
  if (RequestInFlight(request)) return;
  --in_flight_;
  EndRequest(request, now);
  UpdateOrder(request, now);
}

// What the request says of all others.
void Schedule::EndRequest(std::size_t request, Instant now) {
  const RequestGroup& queries = requests_.Queries(request);
  const auto is_good = [this](std::size_t query) { return entries_[query].failures == 0; };
  const bool good = std::any_of(queries.begin(), queries.end(), is_good);
  const auto is_transient = [this](std::size_t query) {
    return entries_[query].last_failure_class == RetryClass::kTransient;
  };
  if (good) {
    EndHolds(entries_[queries.front()].asked->steady, now);
    ReleaseRefusedByMistake(now);
    EndOutage(now);
  } else if (std::all_of(queries.begin(), queries.end(), is_transient)) {
    const bool nothing_answered = NothingAnswers();
    const Entry& front = entries_[queries.front()];
    outage_.NoteFailure(front.failed_in_run == outage_.run(), front.asked->steady);
    for (const std::size_t query : queries) entries_[query].failed_in_run = outage_.run();
    // While nothing answers, each failure puts off the next request of any query.
    if (nothing_answered || NothingAnswers()) Invalidate();
  }
  const bool may_be_too_many = !good && entries_[queries.front()].fewer_may_help;
  const auto next = requests_.NoteEnd(request, good, may_be_too_many, now.steady);
  if (next == SharedRequests::Next::kAskEndsAlone) AskEndsAlone(request, now);
  if (next == SharedRequests::Next::kAskRefusedNow) ReleaseDoubtful(now);
}

// Those that were held for long have waited for their slots since.
void Schedule::EndHolds(SteadyTime asked, Instant now) {
  const bool were_long = hold_.in_a_row() > kHoldsWithRetry;
  hold_.NoteGood(asked);
  if (!were_long || hold_.in_a_row() > 0) return;
  for (Entry& entry : entries_) {
    if (entry.last_failure_class != RetryClass::kThrottled || !Release(entry, now)) continue;
    entry.released = true;
  }
  Invalidate();
}

// One good answer proves the credentials good, so others were refused by mistake; but only once
// each, lest a query that is refused for itself is asked with every good answer.
void Schedule::ReleaseRefusedByMistake(Instant now) {
  if (just_refused_.empty()) return;
  for (const std::size_t query : std::exchange(just_refused_, {})) {
    Entry& entry = entries_[query];
    if (entry.refused && !entry.in_flight) entry.retry_at = now.steady;
  }
  Invalidate();
}

// One good answer proves the API is back, so that nobody waits out a delay that grew meanwhile.
void Schedule::EndOutage(Instant now) {
  const std::uint64_t run = outage_.run();
  if (NothingAnswers()) Invalidate();
  const Outage::Release release =
      outage_.NoteGood(requests_.Wholes(), budget_.SentSince(now.steady - kHour), now.steady);
  if (release == Outage::Release::kNone) return;
  for (Entry& entry : entries_) {
    const bool failed_so =
        entry.failed_in_run == run && entry.last_failure_class == RetryClass::kTransient;
    if (!failed_so || !Release(entry, now)) continue;
    entry.retry_in_budget = release == Outage::Release::kCounted;
    entry.released = true;
  }
  Invalidate();
}

void Schedule::ReleaseFailed(Instant now) {
  outage_.Forget();
  for (Entry& entry : entries_) (void)Release(entry, now);
  Invalidate();
}

// Due now, if its last poll failed.
bool Schedule::Release(Entry& entry, Instant now) {
  if (entry.in_flight || entry.failures == 0) return false;
  entry.retry_at = std::max(now.steady, entry.not_before.value_or(now.steady));
  entry.retry_in_budget = false;
  return true;
}

void Schedule::RecordGood(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  entry.failures = 0;
  entry.failures_of_class = 0;
  entry.not_before.reset();
  NoteRefused(query, false);
  // By the clock as it is now: it may have been set since.
  const WallTime reach = std::min(report.last_updated, now.wall);
  entry.reach = reach;
  const bool is_there = !entry.awaited || reach >= *entry.awaited;
  // Who is asked early, since another shares the request, lacks nothing.
  const bool is_early = !is_there && !entry.in_slot;
  if (IsAlignedToBuckets(queries_[query])) {
    const WallTime newest = FloorTo(reach, Length(queries_[query].agg_interval));
    lags_.Observe(query, now.WallAt(entry.asked->steady), reach, newest,
                  is_early ? std::nullopt : entry.awaited);
  }
  if (std::chrono::abs(lags_.Shared() - ordered_lag_) >= kLagTolerance) Invalidate();
  if (is_early) return;
  entry.asked_too_early = is_there ? 0 : entry.asked_too_early + 1;
}

void Schedule::RecordFailure(std::size_t query, const PollReport& report, Instant now) {
  Entry& entry = entries_[query];
  ++entry.failures;
  entry.failures_of_class =
      *report.failure == entry.last_failure_class ? entry.failures_of_class + 1 : 1;
  entry.last_failure_class = *report.failure;
  entry.not_before.reset();
  if (*report.failure == RetryClass::kTransient && report.retry_after) {
    entry.not_before = now.steady + ClampRetryAfter(*report.retry_after);
  }
  std::minstd_rand jitter(entry.jitter);
  if (*report.failure == RetryClass::kThrottled) {
    hold_.Extend(report.retry_after, entry.asked->steady, now, jitter);
    Invalidate();
    NoteRefused(query, false);
    entry.retry_in_budget = hold_.in_a_row() <= kHoldsWithRetry;
    entry.retry_at = entry.retry_in_budget ? hold_.until()->steady : now.steady + kHopelessCadence;
    return;
  }
  const Retry retry = NextRetry(*report.failure, entry.failures_of_class, report.retry_after,
                                polling_.retry_max, jitter);
  NoteRefused(query, retry.refused);
  entry.retry_in_budget = retry.delay && retry.in_budget;
  entry.retry_at = now.steady + retry.delay.value_or(kHopelessCadence);
}

void Schedule::NoteRefused(std::size_t query, bool refused) {
  Entry& entry = entries_[query];
  if (refused && !entry.refused) just_refused_.insert(query);
  if (refused != entry.refused) refused_ += refused ? 1 : -1;
  entry.refused = refused;
}

void Schedule::ReleaseRefused(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.last_failure_class == RetryClass::kCredentials) (void)Release(entry, now);
  }
  Invalidate();
}

// As many series at once as the API takes.

void Schedule::Halve(std::size_t query, Instant now) {
  const std::size_t first = requests_.Of(query);
  ReserveOneMore();
  const std::size_t second = requests_.Halve(first, now.steady);
  --in_flight_;
  for (const std::size_t half : {first, second}) {
    for (const std::size_t each : requests_.Queries(half)) DropFromFlight(entries_[each], now);
    UpdateOrder(half, now);
  }
}

// What may throw comes first.
void Schedule::ReserveOneMore() {
  due_.Resize(requests_.size() + 1);
  retries_.Resize(requests_.size() + 1);
}

// The others wait for their slot. Two, as one may be refused for itself.
void Schedule::AskEndsAlone(std::size_t request, Instant now) {
  const std::size_t ends[] = {requests_.Queries(request).front(),
                              requests_.Queries(request).back()};
  for (const std::size_t query : ends) {
    ReserveOneMore();
    const bool is_alone = requests_.Queries(requests_.Of(query)).size() == 1;
    const std::size_t alone = is_alone ? requests_.Of(query) : requests_.TakeOut(query);
    DropFromFlight(entries_[query], now);
    UpdateOrder(alone, now);
  }
}

// Those of whose requests it is known now that they asked for too many.
void Schedule::ReleaseDoubtful(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.fewer_may_help) (void)Release(entry, now);
  }
  Invalidate();
}

}  // namespace radar_spoof
