#include "radar_spoof/publish/poller.h"

#include <algorithm>
#include <functional>
#include <new>
#include <utility>

#include "failure_log.h"
#include "judge.h"
#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLongestWait = 10s;
// How soon a corrected token file is noticed while queries are refused.
constexpr Milliseconds kRefusedWait = 2s;
constexpr Milliseconds kPauseAfterException = 1s;

}  // namespace

Poller::Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store,
               Log& log, std::uint32_t seed, std::unique_ptr<StateSaver> saver)
    : clock_(clock),
      http_(http),
      store_(store),
      log_(log),
      settings_(std::move(settings)),
      endpoint_(settings_.config.api().base_url, settings_.config.api().path),
      schedule_(settings_.config.api(), settings_.config.polling(), settings_.config.queries(),
                seed),
      state_(FirstSnapshot(settings_.config, clock.Now().wall)),
      saver_(std::move(saver)) {
  if (saver_) saver_->Resume(settings_.config.api().base_url, state_, schedule_, clock.Now());
  failure_log_ = std::make_unique<FailureLog>(state_, log);
  Publish();
}

Poller::~Poller() = default;

void Poller::Run() {
  while (!stopped_) {
    try {
      Turn(kLongestWait);
    } catch (const std::exception& error) {
      log_.Error("a turn of the loop was given up", {{"detail", error.what()}});
      FailInFlight();
      if (!stopped_) (void)http_.Wait(kPauseAfterException);
    }
  }
  http_.CancelAll();
  if (saver_) SaveState();
}

bool Poller::RunOnce() {
  const auto& queries = state_.queries;
  const auto all = [&queries](auto is) { return std::all_of(queries.begin(), queries.end(), is); };
  while (!stopped_ && !all(std::mem_fn(&QueryState::tried))) {
    Turn(kLongestWait);
    const auto& held_until = schedule_.held_until();
    if (held_until && held_until->steady > clock_.Now().steady) break;
  }
  http_.CancelAll();
  return all(std::mem_fn(&QueryState::success));
}

void Poller::Stop() {
  {
    const std::lock_guard lock(messages_mutex_);
    stopped_ = true;
  }
  messages_taken_.notify_all();
  http_.Wake();
}

void Poller::Reconfigure(Settings settings) {
  const std::lock_guard lock(messages_mutex_);
  new_settings_ = std::move(settings);
  reload_failed_ = false;
  reload_pending_ = true;
  http_.Wake();
}

void Poller::NoteFailedReload() {
  const std::lock_guard lock(messages_mutex_);
  reload_failed_ = true;
  reload_pending_ = true;
  http_.Wake();
}

void Poller::AwaitReload(Milliseconds at_most) {
  std::unique_lock lock(messages_mutex_);
  messages_taken_.wait_for(lock, at_most, [this] { return stopped_ || !reload_pending_; });
}

void Poller::Turn(Milliseconds longest_wait) {
  ++turns_;
  TakeMessages();
  RefreshCredentials(false);
  StartDue();
  // Before the first byte of what was just started: if its answer ends this process, the next one
  // does not hurry.
  if (saver_ && saver_->DueAt() <= clock_.Now().steady) SaveState();
  const Instant now = clock_.Now();
  if (schedule_.HasRefused()) longest_wait = std::min(longest_wait, kRefusedWait);
  SteadyTime wake = std::min(schedule_.WakeAt(now), now.steady + longest_wait);
  if (saver_) wake = std::min(wake, saver_->DueAt());
  if (auto finished = http_.Wait(std::max(wake, now.steady) - now.steady)) Finish(*finished);
}

void Poller::TakeMessages() {
  std::optional<Settings> settings;
  bool failed = false;
  {
    const std::lock_guard lock(messages_mutex_);
    settings.swap(new_settings_);
    std::swap(failed, reload_failed_);
  }
  if (!settings && !failed) return;
  try {
    if (settings) Apply(std::move(*settings));
  } catch (const std::exception&) {
    EndReload(true);
    throw;
  }
  EndReload(failed);
}

void Poller::EndReload(bool failed) {
  if (failed) state_.reload.successful = false;
  Publish();
  {
    const std::lock_guard lock(messages_mutex_);
    reload_pending_ = new_settings_ || reload_failed_;
  }
  messages_taken_.notify_all();
}

// What may throw comes before what changes anything that depends on the queries.
void Poller::Apply(Settings settings) {
  const Instant now = clock_.Now();
  AbandonInFlight();
  Snapshot next = FirstSnapshot(settings.config, now.wall);
  const auto kept = KeptQueries(schedule_.queries(), settings.config.queries());
  auto told = failure_log_->CarriedOver(kept);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) next.queries[i] = state_.queries[*kept[i]];
  }
  next.api = state_.api;
  const ApiConfig& api = settings.config.api();
  if (api != settings_.config.api()) {
    RadarEndpoint endpoint(api.base_url, api.path);
    next.api.path = api.path;
    http_.Configure(ClientOptions(api));
    endpoint_ = std::move(endpoint);
    try_next_.reset();
  }
  schedule_.Reconfigure(api, settings.config.polling(), settings.config.queries());
  schedule_.ReleaseRefused(now);
  failure_log_->Replace(std::move(told));
  state_ = std::move(next);
  settings_ = std::move(settings);
}

void Poller::AbandonInFlight() {
  http_.CancelAll();
  schedule_.AbandonInFlight(clock_.Now());
  in_flight_.clear();
}

// After a lack of memory the books may differ; the schedule's are right.
void Poller::FailInFlight() {
  http_.CancelAll();
  in_flight_.clear();
  for (std::size_t i = 0; i < schedule_.queries().size(); ++i) {
    if (schedule_.IsInFlight(i)) {
      schedule_.Record(i, {.failure = RetryClass::kTransient}, clock_.Now());
    }
  }
}

void Poller::StartDue() {
  while (const auto query = schedule_.StartNext(clock_.Now())) {
    Send(*query, {try_next_.value_or(endpoint_), false});
    if (saver_) saver_->NoteChange();
  }
}

void Poller::Send(std::size_t query, const InFlight& request) {
  in_flight_.insert_or_assign(query, request);
  http_.Start(query,
              BuildRequest(request.endpoint, schedule_.queries()[query], settings_.credentials));
}

void Poller::Finish(const HttpClient::Finished& finished) {
  const std::size_t query = finished.id;
  const Instant now = clock_.Now();
  const InFlight request = in_flight_.at(query);

  const int status = finished.result ? finished.result.value().status : 0;
  ++state_.api.requests[status];
  state_.api.duration.Observe(std::chrono::duration<double>(finished.duration).count());

  auto [outcome, report, rate_limits] =
      Judge(schedule_.queries()[query], finished, settings_.credentials, now);
  NoteRateLimits(rate_limits, now);
  state_.api.up = outcome.ok();
  if (outcome) {
    UsePath(request);
  } else {
    ++state_.api.failures[static_cast<std::size_t>(outcome.error().reason)];
    if (outcome.error().reason == FailureReason::kNotFound) {
      if (TryOtherPath(query, request, now)) return;
      if (try_next_) report.failure = RetryClass::kTransientOnce;
    }
  }
  in_flight_.erase(query);
  schedule_.Record(query, report, now);
  if (saver_) saver_->NoteChange();
  // After the record: what changes here releases this query too.
  if (report.failure == RetryClass::kCredentials) RefreshCredentials(true);
  Conclude(query, outcome, now);
  Publish();
}

void Poller::NoteRateLimits(const std::map<std::string, RateLimitHeader>& policies, Instant now) {
  for (const auto& [name, header] : policies) {
    if (header.remaining && header.reset_in) {
      schedule_.ObserveRateLimit(*header.remaining, *header.reset_in, now);
    }
    auto& published = state_.api.rate_limit;
    if (!published.contains(name) && published.size() >= kMaxRateLimitPolicies) continue;
    RateLimitPolicy& policy = published[name];
    if (header.quota) policy.limit = header.quota;
    if (header.remaining) policy.remaining = header.remaining;
    if (header.reset_in) policy.reset = now.wall + *header.reset_in;
  }
}

bool Poller::TryOtherPath(std::size_t query, const InFlight& request, Instant now) {
  try_next_.reset();
  if (request.other_path) return false;
  try_next_ = request.endpoint == endpoint_ ? endpoint_.Alternative() : endpoint_;
  if (!try_next_ || !schedule_.TryExtraRequest(now)) return false;
  Send(query, {*std::exchange(try_next_, std::nullopt), true});
  return true;
}

void Poller::UsePath(const InFlight& request) {
  try_next_.reset();
  if (request.endpoint == endpoint_) return;
  log_.Warn("the API does not have the configured path any more; using the other one",
            {{"path", request.endpoint.path()}, {"not_found", endpoint_.path()}});
  endpoint_ = request.endpoint;
  state_.api.path = endpoint_.path();
}

void Poller::Conclude(std::size_t query, const Result<SpoofSample, Failure>& outcome, Instant now) {
  QueryState& state = state_.queries[query];
  ++state.polls;
  if (outcome) {
    state.sample = outcome.value();
    state.last_success = now;
    state.last_failure.reset();
  } else {
    ++state.failures;
    state.last_failure = outcome.error();
  }
  const auto previous_hold = state_.api.blocked_until;
  state_.api.blocked_until = schedule_.held_until();
  if (state_.api.blocked_until && (!previous_hold || previous_hold->steady <= now.steady) &&
      state_.api.blocked_until->steady > now.steady) {
    log_.Warn("the API limits the rate; every query waits",
              {{"until", FormatRfc3339(state_.api.blocked_until->wall)}});
  }
  failure_log_->Note(query, state, now.steady);
}

void Poller::RefreshCredentials(bool even_if_unchanged) {
  const bool changed = settings_.credential_reader.Changed();
  if (!changed && !even_if_unchanged) return;
  auto read = settings_.credential_reader.Read();
  if (!read) {
    log_.Warn("the credentials cannot be read again; the old ones stay in use",
              {{"detail", read.error()}});
    return;
  }
  settings_.credentials = read.value().credentials;
  if (!changed) return;
  log_.Info("the credentials were read again", {{"origin", read.value().origin}});
  AbandonInFlight();
  schedule_.ReleaseRefused(clock_.Now());
}

void Poller::Publish() {
  const Instant now = clock_.Now();
  for (std::size_t i = 0; i < state_.queries.size(); ++i) {
    state_.queries[i].next_poll = schedule_.NextPoll(i, now);
  }
  state_.api.budget = {schedule_.SpentLately(now), settings_.config.api().rate_limit, now.wall};
  store_.Publish(state_);
}

void Poller::SaveState() {
  saver_->Save(settings_.config.api().base_url, state_, schedule_, clock_.Now());
}

}  // namespace radar_spoof
