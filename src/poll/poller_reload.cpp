// The part of Poller that takes over a new configuration.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "failure_log.h"
#include "radar_spoof/core/url_host.h"
#include "radar_spoof/poll/poller.h"

namespace radar_spoof {

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

Poller::ReloadEnd Poller::AwaitReload(Milliseconds at_most) {
  std::unique_lock lock(messages_mutex_);
  messages_taken_.wait_for(lock, at_most, [this] { return stopped_ || !reload_pending_; });
  if (reload_pending_) return stopped_ ? ReloadEnd::kStopped : ReloadEnd::kNotYet;
  return reload_taken_over_ ? ReloadEnd::kTakenOver : ReloadEnd::kNotTakenOver;
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
  PublishAll();
  {
    const std::lock_guard lock(messages_mutex_);
    reload_pending_ = new_settings_ || reload_failed_;
    reload_taken_over_ = state_.reload.successful;
  }
  messages_taken_.notify_all();
}

// The same file again, perhaps with other credentials: what is in flight goes on.
void Poller::ApplyUnchanged(Settings settings) {
  const Instant now = clock_.Now();
  credentials_ = InUse(settings.credentials);
  settings_ = std::move(settings);
  schedule_.ReleaseRefused(now);
  state_.reload = {.successful = true, .last_success = now.wall};
}

// Whatever may throw comes first, on copies: a configuration is taken over whole or not at all.
void Poller::Apply(Settings settings) {
  const bool unchanged = settings.config.AsksAsDoes(settings_.config);
  // A reload also puts together again what was halved.
  if (unchanged && !schedule_.HasParts()) return ApplyUnchanged(std::move(settings));
  const Instant now = clock_.Now();
  AbandonInFlight();
  const ApiConfig& api = settings.config.api();
  const ApiConfig& old = settings_.config.api();
  // The numbers of another API are other numbers.
  const bool same_api = RadarEndpoint(api.base_url, api.path).IsSameApi({old.base_url, old.path});
  const bool same_options = api == old;
  auto kept = KeptQueries(schedule_.queries(), settings.config.queries());
  if (!same_api) kept.assign(kept.size(), std::nullopt);
  auto told = failure_log_->CarriedOver(kept);
  Snapshot next = FirstSnapshot(settings.config, now.wall);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) next.queries[i] = state_.queries[*kept[i]];
  }
  next.api = state_.api;
  if (!same_api) {
    next.api.up = false;
    next.api.rate_limit.clear();
    next.api.blocked_until.reset();
  }
  next.api.host = HostAndPort(api.base_url);
  if (!same_options) next.api.path = api.path;
  EndpointInUse endpoint =
      same_options ? endpoint_ : EndpointInUse(RadarEndpoint(api.base_url, api.path));
  auto credentials = InUse(settings.credentials);
  Schedule schedule = schedule_;
  schedule.Reconfigure(api, settings.config.polling(), settings.config.queries());
  if (!same_api) schedule.ForgetApi();
  if (!unchanged) schedule.ReleaseFailed(now);
  schedule.ReleaseRefused(now);
  if (!same_options) http_.Configure(ClientOptions(api));

  if (!same_options) next_form_.reset();
  credentials_ = std::move(credentials);
  endpoint_ = std::move(endpoint);
  schedule_ = std::move(schedule);
  failure_log_->Replace(std::move(told));
  state_ = std::move(next);
  settings_ = std::move(settings);
  told_of_halving_ = false;
  if (!same_api) holds_ = 0;
}

static_assert(std::is_nothrow_move_assignable_v<EndpointInUse> &&
              std::is_nothrow_move_assignable_v<Schedule> &&
              std::is_nothrow_move_assignable_v<Snapshot> &&
              std::is_nothrow_move_assignable_v<Settings>);

}  // namespace radar_spoof
