#include "radar_spoof/publish/poller.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/words/rfc3339.h"
#include "redaction.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLogRepeat = 15min;
constexpr Milliseconds kLongestWait = 1min;
// How soon a corrected token file is noticed while queries are refused.
constexpr Milliseconds kRefusedWait = 2s;

HttpClientOptions OptionsOf(const ApiConfig& api) {
  return {.ca_file = api.ca_file, .timeout = api.timeout, .max_connections = api.max_concurrency};
}

}  // namespace

Poller::Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store,
               Log& log, std::uint32_t seed)
    : clock_(clock),
      http_(http),
      store_(store),
      log_(log),
      settings_(std::move(settings)),
      endpoint_(settings_.config.api().base_url, settings_.config.api().path),
      schedule_(settings_.config.api(), settings_.config.polling(), settings_.config.queries(),
                seed),
      state_(FirstSnapshot(settings_.config, clock.Now().wall)),
      reported_(settings_.config.queries().size()) {
  Publish();
}

void Poller::Run() {
  while (!stopped_) Turn(kLongestWait);
  http_.CancelAll();
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
  stopped_ = true;
  http_.Wake();
}

void Poller::Reconfigure(Settings settings) {
  const std::lock_guard lock(messages_mutex_);
  new_settings_ = std::move(settings);
  reload_failed_ = false;
  http_.Wake();
}

void Poller::NoteFailedReload() {
  const std::lock_guard lock(messages_mutex_);
  reload_failed_ = true;
  http_.Wake();
}

void Poller::Turn(Milliseconds longest_wait) {
  TakeMessages();
  RefreshCredentials(false);
  StartDue();
  const Instant now = clock_.Now();
  if (schedule_.HasRefused()) longest_wait = std::min(longest_wait, kRefusedWait);
  const SteadyTime wake = std::min(schedule_.WakeAt(now), now.steady + longest_wait);
  if (auto finished = http_.Wait(std::max(wake - now.steady, 0ms))) Finish(std::move(*finished));
}

void Poller::TakeMessages() {
  std::optional<Settings> settings;
  bool failed = false;
  {
    const std::lock_guard lock(messages_mutex_);
    settings.swap(new_settings_);
    std::swap(failed, reload_failed_);
  }
  if (settings) Apply(std::move(*settings));
  if (failed) state_.reload.successful = false;
  if (settings || failed) Publish();
}

void Poller::Apply(Settings settings) {
  const Instant now = clock_.Now();
  AbandonInFlight();
  Snapshot next = FirstSnapshot(settings.config, now.wall);
  std::vector<Reported> reported(next.queries.size());
  for (std::size_t i = 0; i < next.queries.size(); ++i) {
    const auto kept =
        std::find_if(state_.queries.begin(), state_.queries.end(),
                     [&](const auto& old) { return old.query == next.queries[i].query; });
    if (kept == state_.queries.end()) continue;
    reported[i] = reported_[static_cast<std::size_t>(kept - state_.queries.begin())];
    next.queries[i] = std::move(*kept);
  }
  next.api = std::move(state_.api);
  const ApiConfig& api = settings.config.api();
  if (api != settings_.config.api()) {
    http_.Configure(OptionsOf(api));
    endpoint_ = RadarEndpoint(api.base_url, api.path);
    try_next_.reset();
    next.api.path = api.path;
  }
  schedule_.Reconfigure(api, settings.config.polling(), settings.config.queries());
  schedule_.ReleaseRefused(now);
  state_ = std::move(next);
  reported_ = std::move(reported);
  settings_ = std::move(settings);
}

void Poller::AbandonInFlight() {
  http_.CancelAll();
  for (const auto& [query, request] : in_flight_) schedule_.Abandon(query, clock_.Now());
  in_flight_.clear();
}

void Poller::StartDue() {
  while (const auto query = schedule_.StartNext(clock_.Now())) {
    Send(*query, {try_next_.value_or(endpoint_), false});
  }
}

void Poller::Send(std::size_t query, const InFlight& request) {
  in_flight_.insert_or_assign(query, request);
  http_.Start(query,
              BuildRequest(request.endpoint, schedule_.queries()[query], settings_.credentials));
}

void Poller::Finish(HttpClient::Finished finished) {
  const std::size_t query = finished.id;
  const Instant now = clock_.Now();
  const InFlight request = in_flight_.at(query);
  in_flight_.erase(query);

  const int status = finished.result ? finished.result.value().status : 0;
  ++state_.api.requests[status];
  state_.api.duration.Observe(std::chrono::duration<double>(finished.duration).count());

  PollReport report;
  const auto outcome = Judge(query, finished, now, report);
  state_.api.up = outcome.ok();
  if (outcome) {
    UsePath(request);
  } else {
    ++state_.api.failures[static_cast<std::size_t>(outcome.error().reason)];
    report.failure = outcome.error().retry;
    if (outcome.error().reason == FailureReason::kNotFound) {
      if (TryOtherPath(query, request, now)) return;
      if (try_next_) report.failure = RetryClass::kTransientOnce;
    }
  }
  schedule_.Record(query, report, now);
  // After the record: what changes here releases this query too.
  if (report.failure == RetryClass::kCredentials) RefreshCredentials(true);
  Conclude(query, outcome, now);
  Publish();
}

Result<SpoofSample, Failure> Poller::Judge(std::size_t query, HttpClient::Finished& finished,
                                           Instant now, PollReport& report) {
  if (!finished.result) return finished.result.error();
  HttpResponse& response = finished.result.value();
  try {
    ReadHeaders(response, now, report);
    const Query& asked = schedule_.queries()[query];
    auto outcome = ReadAnswer(asked, response, now.wall);
    if (!outcome) {
      // The detail is made again from a body without the credential: an excerpt may have cut it.
      response.body = Redacted(std::move(response.body), settings_.credentials);
      const auto again = ReadAnswer(asked, response, now.wall);
      Failure failure = outcome.error();
      failure.detail = Redacted(again ? "" : again.error().detail, settings_.credentials);
      return failure;
    }
    report.last_updated = outcome.value().last_updated;
    if (const auto start = outcome.value().bucket_start) {
      report.newest_bucket_end = *start + Length(asked.agg_interval);
    }
    return outcome;
  } catch (const std::bad_alloc&) {
    return Failure(FailureReason::kTransport, "out of memory while reading the answer");
  }
}

void Poller::ReadHeaders(const HttpResponse& response, Instant now, PollReport& report) {
  report.retry_after = ParseRetryAfter(response.Header("retry-after"), now.wall);
  const auto policies =
      ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"));
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
  Report(query, now);
}

void Poller::Report(std::size_t query, Instant now) {
  const QueryState& state = state_.queries[query];
  Reported& reported = reported_[query];
  const bool failing = !state.success();
  if (failing == reported.failing && (!failing || now.steady < reported.at + kLogRepeat)) return;
  reported = {failing, now.steady};
  if (!failing) {
    log_.Info("query is well again", {{"query", state.query.name}});
    return;
  }
  log_.Warn("query fails", {{"query", state.query.name},
                            {"reason", Name(state.last_failure->reason)},
                            {"detail", state.last_failure->detail},
                            {"failures", state.failures}});
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
  store_.Publish(state_);
}

}  // namespace radar_spoof
