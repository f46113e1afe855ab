#include "radar_spoof/poll/poller.h"

#include <algorithm>
#include <thread>
#include <type_traits>

#include "failure_log.h"
#include "mailbox.h"
#include "reading_log.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLongestWait = 10s;
// How soon a corrected token file is noticed while queries are refused.
constexpr Milliseconds kRefusedWait = 2s;
constexpr Milliseconds kPauseAfterException = 1s;
constexpr Milliseconds kPauseWithoutMemory = 10ms;

using Sample = Result<SpoofSample, Failure>;
const auto kIsGood = std::mem_fn(&Sample::ok);

PollReport ReportOf(const Sample& sample, std::optional<Seconds> retry_after,
                    std::optional<RetryClass> retry) {
  if (!sample) {
    return {.failure = retry.value_or(sample.error().retry),
            .retry_after = retry_after,
            .fewer_series = sample.error().fewer_series};
  }
  return {.last_updated = sample.value().last_updated};
}

}  // namespace

Poller::Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store,
               Log& log, std::uint32_t seed, std::unique_ptr<StateSaver> saver, Log* readings)
    : clock_(clock),
      http_(http),
      store_(store),
      log_(log),
      readings_(readings),
      mailbox_(std::make_unique<Mailbox>()),
      settings_(std::move(settings)),
      credentials_(std::make_shared<const CredentialsInUse>(settings_.credentials)),
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

// The loop.

void Poller::Run() {
  while (!mailbox_->stopped()) {
    try {
      Turn();
    } catch (const std::exception& error) {
      RecoverFromException(error.what());
    }
  }
  http_.CancelAll();
  if (saver_) SaveState();
}

bool Poller::RunOnce() {
  const auto& queries = state_.queries;
  for (std::size_t tried = 0; !mailbox_->stopped();) {
    while (tried < queries.size() && queries[tried].tried()) ++tried;
    if (tried == queries.size()) break;
    Turn();
    const auto& held_until = schedule_.held_until();
    if (held_until && held_until->steady > clock_.Now().steady) break;
  }
  http_.CancelAll();
  return std::all_of(queries.begin(), queries.end(), std::mem_fn(&QueryState::success));
}

void Poller::Turn() {
  last_turn_ = std::chrono::steady_clock::now();
  TakeReload();
  RefreshCredentials(false);
  StartDueRequests();
  // Before the first byte of what was just started: if its answer ends this process, the next one
  // does not hurry.
  if (saver_ && saver_->DueAt() <= clock_.Now().steady) SaveState();
  const Instant now = clock_.Now();
  const Milliseconds longest_wait = schedule_.HasRefused() ? kRefusedWait : kLongestWait;
  SteadyTime wake = std::min(schedule_.WakeAt(now), now.steady + longest_wait);
  // The clock was set.
  if (schedule_.revision() != published_revision_) PublishAll();
  if (saver_) wake = std::min(wake, saver_->DueAt());
  if (auto finished = http_.Wait(std::max(wake, now.steady) - now.steady)) {
    OnTransferEnded(*std::move(finished));
  }
}

// An exception is a lack of memory. For this, too, there may be none, again and again.
void Poller::RecoverFromException(const char* reason) {
  bool told = false;
  for (bool done = false; !done && !mailbox_->stopped();) {
    try {
      if (!std::exchange(told, true)) {
        log_.Error("poll loop: iteration failed, retrying", {{"detail", reason}});
      }
      FailAllInFlight();
      EndReload(false);
      (void)http_.Wait(kPauseAfterException);
      done = true;
    } catch (const std::exception&) {
      std::this_thread::sleep_for(kPauseWithoutMemory);
    }
  }
}

// What other threads ask for.

void Poller::Stop() {
  mailbox_->PostStop();
  http_.Wake();
}

void Poller::Reconfigure(Settings settings) {
  mailbox_->PostReload(std::move(settings));
  http_.Wake();
}

void Poller::NoteFailedReload() {
  mailbox_->PostFailedReload();
  http_.Wake();
}

Poller::ReloadEnd Poller::AwaitReload(Milliseconds at_most) { return mailbox_->Await(at_most); }

void Poller::TakeReload() {
  auto reload = mailbox_->Take();
  if (!reload) return;
  try {
    if (reload->settings) Apply(*std::move(reload->settings));
  } catch (const std::exception&) {
    EndReload(true);
    throw;
  }
  EndReload(reload->failed);
}

void Poller::EndReload(bool failed) {
  if (failed) state_.reload.successful = false;
  PublishAll();
  mailbox_->Answer(state_.reload.successful);
}

// Whatever may throw comes first, on copies: a configuration is taken over whole or not at all.
void Poller::Apply(Settings settings) {
  const bool unchanged = settings.config.HasSameEffectAs(settings_.config);
  // A reload also puts together again what was halved.
  if (unchanged && !schedule_.HasParts()) return ApplyUnchanged(std::move(settings));
  const Instant now = clock_.Now();
  DropAllInFlight();
  const ApiConfig& api = settings.config.api();
  const ApiConfig& old = settings_.config.api();
  // The numbers of another API are other numbers.
  const bool same_api = RadarEndpoint(api.base_url, api.path).IsSameApi({old.base_url, old.path});
  const bool same_options = api == old;
  auto kept = KeptQueries(schedule_.queries(), settings.config.queries());
  if (!same_api) kept.assign(kept.size(), std::nullopt);
  FailureLog failure_log = failure_log_->CarriedOver(kept, same_api);
  Snapshot next = SnapshotAfterReload(state_, settings.config, kept, same_api, now.wall);
  if (same_options) next.api.path = state_.api.path;
  EndpointInUse endpoint =
      same_options ? endpoint_ : EndpointInUse(RadarEndpoint(api.base_url, api.path));
  if (!unchanged) endpoint.ForgetRefused();
  auto credentials = InUse(settings.credentials);
  Schedule schedule = schedule_;
  schedule.Reconfigure(api, settings.config.polling(), settings.config.queries());
  if (!same_api) schedule.ForgetApi();
  if (!unchanged) schedule.ReleaseFailed(now);
  schedule.ReleaseRefused(now);
  if (!same_options) http_.Configure(ClientOptions(api));

  if (!same_options) next_form_.reset();
  retries_without_names_.clear();
  credentials_ = std::move(credentials);
  endpoint_ = std::move(endpoint);
  schedule_ = std::move(schedule);
  *failure_log_ = std::move(failure_log);
  state_ = std::move(next);
  settings_ = std::move(settings);
}

static_assert(std::is_nothrow_move_assignable_v<EndpointInUse> &&
              std::is_nothrow_move_assignable_v<Schedule> &&
              std::is_nothrow_move_assignable_v<FailureLog> &&
              std::is_nothrow_move_assignable_v<Snapshot> &&
              std::is_nothrow_move_assignable_v<Settings>);

// The same file again, perhaps with other credentials: what is in flight goes on.
void Poller::ApplyUnchanged(Settings settings) {
  const Instant now = clock_.Now();
  credentials_ = InUse(settings.credentials);
  settings_ = std::move(settings);
  schedule_.ReleaseRefused(now);
  state_.reload = {.successful = true, .last_success = now.wall};
}

// Credentials.

void Poller::RefreshCredentials(bool even_if_unchanged) {
  const bool changed = settings_.credential_reader.Changed();
  if (!changed && !even_if_unchanged) return;
  auto read = settings_.credential_reader.Read();
  if (!read) {
    log_.Warn("the credentials cannot be read again; the old ones stay in use",
              {{"detail", read.error()}});
    return;
  }
  auto credentials = InUse(read.value().credentials);
  if (credentials != credentials_) {
    credentials_ = std::move(credentials);
    log_.Info("the credentials were read again", {{"origin", read.value().origin}});
    DropAllInFlight();
  } else if (!changed) {
    return;
  }
  schedule_.ReleaseRefused(clock_.Now());
}

// The same object while they are the same, so that a request knows whether it was sent with them.
std::shared_ptr<const CredentialsInUse> Poller::InUse(const Credentials& credentials) const {
  if (AreSame(credentials, credentials_->credentials)) return credentials_;
  return std::make_shared<const CredentialsInUse>(credentials);
}

// Requests begin.

void Poller::StartDueRequests() {
  while (const auto queries = schedule_.StartNext(clock_.Now())) {
    InFlight request{*queries, {next_form_.value_or(endpoint_.form())}, {}, {}};
    if (auto forms = retries_without_names_.extract(queries->front()))
      request.tried = forms.mapped();
    Send(std::move(request));
    if (saver_) saver_->NoteChange();
  }
}

void Poller::Send(InFlight request) {
  RadarRequest built = BuildRequest(request.tried.back(), QueriesOf(request), request_number_++,
                                    credentials_->credentials);
  request.names = std::move(built.names);
  request.credentials = credentials_;
  const HttpClient::TransferId id = request.queries.front();
  in_flight_.insert_or_assign(id, std::move(request));
  http_.Start(id, built.http);
}

std::vector<const Query*> Poller::QueriesOf(const InFlight& request) const {
  std::vector<const Query*> queries;
  for (const std::size_t query : request.queries) queries.push_back(&schedule_.queries()[query]);
  return queries;
}

void Poller::ForgetInFlight() {
  http_.CancelAll();
  endpoint_.StopFindingOut();
  in_flight_.clear();
  undecided_.clear();
}

void Poller::DropAllInFlight() {
  const std::size_t unanswered = in_flight_.size() - undecided_.size();
  ForgetInFlight();
  for (std::size_t i = 0; i < unanswered; ++i) metrics_.CountRequest(0, std::nullopt);
  schedule_.DropAllInFlight(clock_.Now());
}

// After a lack of memory the books may differ; the schedule's are right.
void Poller::FailAllInFlight() {
  ForgetInFlight();
  for (std::size_t i = 0; i < schedule_.queries().size(); ++i) {
    if (schedule_.IsInFlight(i)) {
      schedule_.Record(i, {.failure = RetryClass::kTransient}, clock_.Now());
    }
  }
  schedule_.DropAllInFlight(clock_.Now());
}

// Requests end.

void Poller::OnTransferEnded(HttpClient::Finished finished) {
  const Instant now = clock_.Now();
  const InFlight request = in_flight_.at(finished.id);
  const std::vector<const Query*> queries = QueriesOf(request);
  const std::string& first = queries.front()->name;

  AnswerOutcome outcome =
      OutcomeOf(queries, request.names, finished, request.credentials->redactor, now);
  metrics_.CountRequest(finished.result ? finished.result.value().status : 0, finished.duration);
  state_.api.asked = true;
  ObserveRateLimits(request, outcome.rate_limits, now);
  PollEnd end{SamplesOf(queries, outcome.windows), outcome.retry_after, {}};
  const auto failed = std::find_if_not(end.samples.begin(), end.samples.end(), kIsGood);
  state_.api.up = failed == end.samples.end();
  log_.Debug("answered", {{"query", first},
                          {"queries", queries.size()},
                          {"status", finished.result ? finished.result.value().status : 0},
                          {"milliseconds", finished.duration.count()},
                          {"outcome", state_.api.up ? std::string_view("good")
                                                    : Name(failed->error().reason)}});
  if (std::any_of(end.samples.begin(), end.samples.end(), kIsGood)) {
    KeepForm(request.tried.back(), first);
  }
  if (failed != end.samples.end()) {
    metrics_.CountFailure(failed->error().reason);
    next_form_.reset();
    if (const auto other = OtherForm(request, outcome)) {
      if (AskAgain(request, *other, now)) return;
      endpoint_.StopFindingOut();
      TryNext(request, *other, outcome.form);
      end.retry = RetryClass::kTransientOnce;
    } else if (outcome.form == FormProblem::kMayBeNames && endpoint_.IsFindingOut()) {
      undecided_.insert_or_assign(finished.id, std::move(end));
      return;
    }
  }
  EndPoll(request, end, now);
  if (!endpoint_.IsFindingOut()) EndUndecided(now);
}

void Poller::ObserveRateLimits(const InFlight& request,
                               const std::map<std::string, RateLimitHeader>& policies,
                               Instant now) {
  auto& shown = state_.api.rate_limit;
  for (const auto& [name, header] : policies) {
    if (header.remaining && header.reset_in) {
      schedule_.ObserveRateLimit(request.queries.front(), name, *header.remaining, *header.reset_in,
                                 now);
    }
    if (!shown.contains(name) && shown.size() >= kMaxRateLimitPolicies) continue;
    RateLimitPolicy& policy = shown[name];
    if (header.quota) policy.limit = header.quota;
    if (header.remaining) policy.remaining = header.remaining;
    if (header.reset_in) policy.reset = now.wall + *header.reset_in;
  }
}

void Poller::KeepForm(const RequestForm& form, const std::string& query) {
  next_form_.reset();
  const auto [path, names] = endpoint_.NoteGood(form, query);
  if (path) {
    log_.Warn(EndpointInUse::kPathNotUsed,
              {{"path", form.endpoint.path()}, {"not_found", state_.api.path}});
    retries_without_names_.clear();
    state_.api.path = form.endpoint.path();
  }
  if (names) log_.Warn(EndpointInUse::kNamesNotUsed);
}

std::optional<RequestForm> Poller::OtherForm(const InFlight& request,
                                             const AnswerOutcome& outcome) {
  const auto& window = outcome.windows.front();
  const bool refused = !window && window.error().reason == FailureReason::kUnauthorized;
  if (refused && request.credentials != credentials_) return request.tried.back();
  return endpoint_.Other(request.tried, outcome.form,
                         schedule_.queries()[request.queries.front()].name);
}

bool Poller::AskAgain(InFlight request, RequestForm form, Instant now) {
  if (!schedule_.TryExtraRequest(request.queries.front(), now)) return false;
  request.tried.push_back(std::move(form));
  Send(std::move(request));
  return true;
}

void Poller::TryNext(const InFlight& request, const RequestForm& form, FormProblem problem) {
  if (problem == FormProblem::kMayBeNames) {
    auto forms = request.tried;
    forms.push_back(form);
    retries_without_names_.insert_or_assign(request.queries.front(), std::move(forms));
  } else if (problem != FormProblem::kNone) {
    next_form_ = form;
  }
}

void Poller::EndUndecided(Instant now) {
  for (const auto& [id, end] : std::exchange(undecided_, {})) {
    const InFlight request = in_flight_.at(id);
    const RequestForm& form = endpoint_.form();
    if (!form.named && AskAgain(request, form, now)) continue;
    EndPoll(request, end, now);
  }
}

void Poller::EndPoll(const InFlight& request, const PollEnd& end, Instant now) {
  const RequestGroup& queries = request.queries;
  const auto failed = std::find_if_not(end.samples.begin(), end.samples.end(), kIsGood);
  in_flight_.erase(queries.front());
  if (queries.size() > 1 && failed != end.samples.end() &&
      schedule_.IsTooMany(queries.front(), failed->error().fewer_series, now)) {
    failure_log_->NoteHalving(queries.size(), failed->error());
    schedule_.Halve(queries.front(), now);
  } else {
    RecordOutcomes(queries, end, now);
  }
  if (saver_) saver_->NoteChange();
  Publish(queries);
}

void Poller::RecordOutcomes(const RequestGroup& queries, const PollEnd& end, Instant now) {
  // Before the record: without memory for this they are asked again soon, not at their next slot.
  for (std::size_t i = 0; i < queries.size(); ++i) {
    UpdateQueryState(queries[i], end.samples[i], now);
  }
  bool refused = false;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const PollReport report = ReportOf(end.samples[i], end.retry_after, end.retry);
    schedule_.Record(queries[i], report, now);
    refused = refused || report.failure == RetryClass::kCredentials;
  }
  // After the record: what changes here releases these queries too.
  if (refused) RefreshCredentials(true);
  state_.api.blocked_until = schedule_.held_until();
  failure_log_->NoteHold(state_.api.blocked_until, state_.api.up, now.steady);
}

void Poller::UpdateQueryState(std::size_t query, const Sample& outcome, Instant now) {
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
  failure_log_->NotePoll(query, state, now.steady);
  if (readings_ && outcome) LogReading(state, state_.polling, now, *readings_);
}

// What others see.

void Poller::PublishAll() {
  const Instant now = clock_.Now();
  for (std::size_t i = 0; i < state_.queries.size(); ++i) {
    QueryState& query = state_.queries[i];
    query.next_poll = schedule_.NextPoll(i, now);
    // The clock was ahead then, and was set since.
    auto& success = query.last_success;
    if (success && success->wall > now.wall) success->wall = now.WallAt(success->steady);
  }
  state_.reload.last_success = std::min(state_.reload.last_success, now.wall);
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
