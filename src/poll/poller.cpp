#include "radar_spoof/poll/poller.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "api_record.h"
#include "failure_log.h"
#include "radar_spoof/core/rfc3339.h"
#include "radar_spoof/expect/expectation.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLongestWait = 10s;
// How soon a corrected token file is noticed while queries are refused.
constexpr Milliseconds kRefusedWait = 2s;
constexpr Milliseconds kTellAgain = 15min;
// By how much a hold must grow for its new end to be told at once.
constexpr Milliseconds kNotable = 1min;

Result<SpoofSample, Failure> SampleFrom(const Query& query,
                                        const Result<SpoofWindow, Failure>& window) {
  if (!window) return window.error();
  return JudgedSampleOf(query, window.value());
}

PollReport ReportOf(const Result<SpoofSample, Failure>& sample,
                    std::optional<Seconds> retry_after) {
  PollReport report;
  report.retry_after = retry_after;
  if (!sample) {
    report.failure = sample.error().retry;
    report.fewer_series = sample.error().fewer_series;
    return report;
  }
  report.last_updated = sample.value().last_updated;
  // A bucket without mail is as new as any: the schedule waits for what comes after it.
  report.newest_bucket_end = sample.value().complete_until;
  return report;
}

}  // namespace

Poller::Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store,
               Log& log, std::uint32_t seed, std::unique_ptr<StateSaver> saver)
    : clock_(clock),
      http_(http),
      store_(store),
      log_(log),
      settings_(std::move(settings)),
      credentials_(std::make_shared<const Credentials>(settings_.credentials)),
      endpoint_(RadarEndpoint(settings_.config.api().base_url, settings_.config.api().path)),
      request_number_(seed),
      schedule_(settings_.config.api(), settings_.config.polling(), settings_.config.queries(),
                seed),
      state_(FirstSnapshot(settings_.config, clock.Now().wall)),
      saver_(std::move(saver)) {
  if (saver_) saver_->Resume(settings_.config.api(), state_, schedule_, clock.Now());
  failure_log_ = std::make_unique<FailureLog>(state_, log);
  PublishAll();
}

Poller::~Poller() = default;

void Poller::Run() {
  while (!stopped_) {
    try {
      Turn(kLongestWait);
    } catch (const std::exception& error) {
      GiveUpTurn(error.what());
    }
  }
  http_.CancelAll();
  if (saver_) SaveState();
}

bool Poller::RunOnce() {
  const auto& queries = state_.queries;
  for (std::size_t tried = 0; !stopped_;) {
    while (tried < queries.size() && queries[tried].tried()) ++tried;
    if (tried == queries.size()) break;
    Turn(kLongestWait);
    const auto& held_until = schedule_.held_until();
    if (held_until && held_until->steady > clock_.Now().steady) break;
  }
  http_.CancelAll();
  return std::all_of(queries.begin(), queries.end(), std::mem_fn(&QueryState::success));
}

void Poller::Stop() {
  {
    const std::lock_guard lock(messages_mutex_);
    stopped_ = true;
  }
  messages_taken_.notify_all();
  http_.Wake();
}

void Poller::Turn(Milliseconds longest_wait) {
  last_turn_ = std::chrono::steady_clock::now();
  TakeMessages();
  RefreshCredentials(false);
  StartDue();
  // Before the first byte of what was just started: if its answer ends this process, the next one
  // does not hurry.
  if (saver_ && saver_->DueAt() <= clock_.Now().steady) SaveState();
  const Instant now = clock_.Now();
  if (schedule_.HasRefused()) longest_wait = std::min(longest_wait, kRefusedWait);
  SteadyTime wake = std::min(schedule_.WakeAt(now), now.steady + longest_wait);
  // The clock was set.
  if (schedule_.revision() != published_revision_) PublishAll();
  if (saver_) wake = std::min(wake, saver_->DueAt());
  if (auto finished = http_.Wait(std::max(wake, now.steady) - now.steady)) Finish(*finished);
}

void Poller::AbandonInFlight() {
  http_.CancelAll();
  endpoint_.StopFindingOut();
  const std::size_t unanswered = in_flight_.size() - undecided_.size();
  if (unanswered > 0) state_.api.requests[0] += unanswered;
  schedule_.AbandonInFlight(clock_.Now());
  in_flight_.clear();
  undecided_.clear();
}

void Poller::StartDue() {
  while (const auto first = schedule_.StartNext(clock_.Now())) {
    Send(*first, {{next_form_.value_or(endpoint_.form())}, {}, {}});
    if (saver_) saver_->NoteChange();
  }
}

std::vector<const Query*> Poller::AskedWith(std::size_t first) const {
  std::vector<const Query*> asked;
  for (const std::size_t query : schedule_.Together(first)) {
    asked.push_back(&schedule_.queries()[query]);
  }
  return asked;
}

void Poller::Send(std::size_t first, InFlight request) {
  RadarRequest built =
      BuildRequest(request.tried.back(), AskedWith(first), request_number_++, *credentials_);
  request.names = std::move(built.names);
  request.credentials = credentials_;
  in_flight_.insert_or_assign(first, std::move(request));
  http_.Start(first, built.http);
}

void Poller::Finish(const HttpClient::Finished& finished) {
  const std::size_t first = finished.id;
  const Instant now = clock_.Now();
  const InFlight request = in_flight_.at(first);
  const std::vector<const Query*> asked = AskedWith(first);

  AnswerOutcome outcome = OutcomeOf(asked, request.names, finished, *request.credentials, now);
  NoteAnswer(finished, state_.api);
  Observe(first, outcome.rate_limits, now);
  PollEnd end;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    end.samples.push_back(SampleFrom(*asked[i], outcome.windows[i]));
    end.reports.push_back(ReportOf(end.samples[i], outcome.retry_after));
  }
  const auto is_good = std::mem_fn(&Result<SpoofSample, Failure>::ok);
  const auto failed = std::find_if_not(end.samples.begin(), end.samples.end(), is_good);
  state_.api.up = failed == end.samples.end();
  log_.Debug("answered", {{"query", asked.front()->name},
                          {"queries", asked.size()},
                          {"status", finished.result ? finished.result.value().status : 0},
                          {"milliseconds", finished.duration.count()},
                          {"outcome", state_.api.up ? std::string_view("good")
                                                    : Name(failed->error().reason)}});
  if (std::any_of(end.samples.begin(), end.samples.end(), is_good)) {
    NoteGood(request.tried.back(), asked.front()->name);
  }
  if (failed != end.samples.end()) {
    ++state_.api.failures[static_cast<std::size_t>(failed->error().reason)];
    next_form_.reset();
    if (const auto other = OtherForm(first, request, outcome)) {
      if (AskAgain(first, request, *other, now)) return;
      endpoint_.StopFindingOut();
      next_form_ = other;
      for (PollReport& report : end.reports) report.failure = RetryClass::kTransientOnce;
    } else if (outcome.form == FormProblem::kMayBeNames && endpoint_.IsFindingOut()) {
      undecided_.insert_or_assign(first, std::move(end));
      return;
    }
  }
  EndPoll(first, end, now);
  if (!endpoint_.IsFindingOut()) EndUndecided(now);
}

bool Poller::AskAgain(std::size_t first, InFlight request, RequestForm form, Instant now) {
  if (!schedule_.TryExtraRequest(now)) return false;
  request.tried.push_back(std::move(form));
  Send(first, std::move(request));
  return true;
}

void Poller::EndPoll(std::size_t first, const PollEnd& end, Instant now) {
  const RequestGroup queries = schedule_.Together(first);
  const auto failed = std::find_if_not(end.samples.begin(), end.samples.end(),
                                       std::mem_fn(&Result<SpoofSample, Failure>::ok));
  in_flight_.erase(first);
  if (queries.size() > 1 && failed != end.samples.end() &&
      schedule_.IsTooMany(first, failed->error().fewer_series, now)) {
    Halve(first, failed->error(), now);
  } else {
    Record(queries, end, now);
  }
  if (saver_) saver_->NoteChange();
  Publish(queries);
}

void Poller::EndUndecided(Instant now) {
  for (const auto& [first, end] : std::exchange(undecided_, {})) {
    const InFlight request = in_flight_.at(first);
    const RequestForm& form = endpoint_.form();
    if (!form.named && AskAgain(first, request, form, now)) continue;
    EndPoll(first, end, now);
  }
}

void Poller::Record(const RequestGroup& queries, const PollEnd& end, Instant now) {
  for (std::size_t i = 0; i < queries.size(); ++i) {
    schedule_.Record(queries[i], end.reports[i], now);
  }
  // After the record: what changes here releases these queries too.
  if (end.reports.front().failure == RetryClass::kCredentials) RefreshCredentials(true);
  for (std::size_t i = 0; i < queries.size(); ++i) Conclude(queries[i], end.samples[i], now);
  NoteHold(now);
}

void Poller::Observe(std::size_t first, const std::map<std::string, RateLimitHeader>& policies,
                     Instant now) {
  for (const auto& [name, header] : policies) {
    if (!header.remaining || !header.reset_in) continue;
    schedule_.ObserveRateLimit(first, name, *header.remaining, *header.reset_in, now);
  }
  NoteRateLimits(policies, now.wall, state_.api);
}

std::optional<RequestForm> Poller::OtherForm(std::size_t first, const InFlight& request,
                                             const AnswerOutcome& outcome) {
  const auto& window = outcome.windows.front();
  const bool refused = !window && window.error().reason == FailureReason::kUnauthorized;
  if (refused && request.credentials != credentials_) return request.tried.back();
  return endpoint_.Other(request.tried, outcome.form, schedule_.queries()[first].name);
}

void Poller::NoteGood(const RequestForm& form, const std::string& query) {
  next_form_.reset();
  const auto [path, names] = endpoint_.NoteGood(form, query);
  if (path) {
    log_.Warn(EndpointInUse::kPathNotUsed,
              {{"path", form.endpoint.path()}, {"not_found", state_.api.path}});
    state_.api.path = form.endpoint.path();
  }
  if (names) log_.Warn(EndpointInUse::kNamesNotUsed);
}

void Poller::Halve(std::size_t first, const Failure& refusal, Instant now) {
  if (!std::exchange(told_of_halving_, true)) {
    log_.Warn("a request for several series is refused; this one and any other are halved",
              {{"queries", schedule_.Together(first).size()},
               {"reason", Name(refusal.reason)},
               {"detail", refusal.detail}});
  }
  schedule_.Halve(first, now);
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
  failure_log_->Note(query, state, now.steady);
}

// Holds that follow each other are told of when the first begins, then at most every 15 minutes
// with the end of that which holds now, and when an answer shows that they are over.
void Poller::NoteHold(Instant now) {
  const auto before = std::exchange(state_.api.blocked_until, schedule_.held_until());
  const auto& held = state_.api.blocked_until;
  if (!held) return;
  if (held->steady <= now.steady) {
    if (holds_ > 0 && state_.api.up) {
      log_.Info("the API does not limit the rate any more", {{"holds", std::exchange(holds_, 0)}});
    }
    return;
  }
  const bool begins = !before || before->steady <= now.steady;
  if (begins) ++holds_;
  const bool tell = holds_ > 1 ? now.steady - told_of_hold_.at >= kTellAgain
                               : begins || held->steady - told_of_hold_.until > kNotable;
  if (!tell) return;
  told_of_hold_ = {now.steady, held->steady};
  log_.Warn("the API limits the rate; every query waits",
            {{"until", FormatRfc3339(held->wall)}, {"holds", holds_}});
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
  credentials_ = InUse(read.value().credentials);
  if (!changed) return;
  log_.Info("the credentials were read again", {{"origin", read.value().origin}});
  AbandonInFlight();
  schedule_.ReleaseRefused(clock_.Now());
}

// The same object while they are the same, so that a request knows whether it was sent with them.
std::shared_ptr<const Credentials> Poller::InUse(const Credentials& credentials) const {
  if (AreSame(credentials, *credentials_)) return credentials_;
  return std::make_shared<const Credentials>(credentials);
}

void Poller::PublishAll() {
  const Instant now = clock_.Now();
  for (std::size_t i = 0; i < state_.queries.size(); ++i) {
    state_.queries[i].next_poll = schedule_.NextPoll(i, now);
  }
  state_.api.budget = {schedule_.SpentLately(now), settings_.config.api().rate_limit, now.wall};
  state_.api.blocked_until = schedule_.held_until();
  store_.Publish(state_);
  published_revision_ = schedule_.revision();
}

void Poller::Publish(const RequestGroup& queries) {
  if (schedule_.revision() != published_revision_) return PublishAll();
  const Instant now = clock_.Now();
  state_.api.budget = {schedule_.SpentLately(now), settings_.config.api().rate_limit, now.wall};
  SnapshotChange change{.queries = {}, .api = state_.api};
  change.queries.reserve(queries.size());
  for (const std::size_t query : queries) {
    state_.queries[query].next_poll = schedule_.NextPoll(query, now);
    change.queries.emplace_back(query, state_.queries[query]);
  }
  store_.Publish(std::move(change));
}

void Poller::SaveState() { saver_->Save(settings_.config.api(), state_, schedule_, clock_.Now()); }

}  // namespace radar_spoof
