// The part of Poller that takes over a new configuration.
#include <algorithm>
#include <utility>

#include "failure_log.h"
#include "radar_spoof/publish/poller.h"

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

void Poller::AwaitReload(Milliseconds at_most) {
  std::unique_lock lock(messages_mutex_);
  messages_taken_.wait_for(lock, at_most, [this] { return stopped_ || !reload_pending_; });
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
  }
  messages_taken_.notify_all();
}

// The same file again, perhaps with other credentials: what is in flight goes on.
void Poller::ApplyUnchanged(Settings settings) {
  const Instant now = clock_.Now();
  settings_ = std::move(settings);
  schedule_.ReleaseRefused(now);
  state_.reload = {.successful = true, .last_success = now.wall};
}

// What may throw comes before what changes anything that depends on the queries.
void Poller::Apply(Settings settings) {
  // A reload also puts together again what was halved.
  if (!told_of_halving_ && settings.config.AsksAsDoes(settings_.config)) {
    return ApplyUnchanged(std::move(settings));
  }
  const Instant now = clock_.Now();
  AbandonInFlight();
  Snapshot next = FirstSnapshot(settings.config, now.wall);
  // The numbers of another API are other numbers.
  const bool same_api = settings.config.api().base_url == settings_.config.api().base_url;
  auto kept = KeptQueries(schedule_.queries(), settings.config.queries());
  if (!same_api) kept.assign(kept.size(), std::nullopt);
  auto told = failure_log_->CarriedOver(kept);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) next.queries[i] = state_.queries[*kept[i]];
  }
  next.api = state_.api;
  next.api.up = same_api && state_.api.up;
  const ApiConfig& api = settings.config.api();
  if (api != settings_.config.api()) {
    RadarEndpoint endpoint(api.base_url, api.path);
    next.api.path = api.path;
    http_.Configure(ClientOptions(api));
    endpoint_ = std::move(endpoint);
    try_next_.reset();
  }
  schedule_.Reconfigure(api, settings.config.polling(), settings.config.queries());
  if (!same_api) schedule_.ForgetPolls();
  schedule_.ReleaseRefused(now);
  failure_log_->Replace(std::move(told));
  state_ = std::move(next);
  settings_ = std::move(settings);
  told_of_halving_ = false;
}

}  // namespace radar_spoof
