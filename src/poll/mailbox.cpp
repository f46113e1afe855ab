#include "mailbox.h"

namespace radar_spoof {

void Mailbox::PostReload(Settings settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
  failed_ = false;
  pending_ = true;
}

void Mailbox::PostFailedReload() {
  const std::lock_guard lock(mutex_);
  failed_ = true;
  pending_ = true;
}

void Mailbox::PostStop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  answered_.notify_all();
}

Poller::ReloadEnd Mailbox::Await(Milliseconds at_most) {
  using ReloadEnd = Poller::ReloadEnd;
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, at_most, [this] { return stopped_ || !pending_; });
  if (pending_) return stopped_ ? ReloadEnd::kStopped : ReloadEnd::kNotYet;
  return taken_over_ ? ReloadEnd::kTakenOver : ReloadEnd::kNotTakenOver;
}

std::optional<Mailbox::Reload> Mailbox::Take() {
  const std::lock_guard lock(mutex_);
  if (!settings_ && !failed_) return std::nullopt;
  return Reload{std::exchange(settings_, std::nullopt), std::exchange(failed_, false)};
}

void Mailbox::Answer(bool taken_over) {
  const std::lock_guard lock(mutex_);
  pending_ = settings_ || failed_;
  taken_over_ = taken_over;
  answered_.notify_all();
}

}  // namespace radar_spoof
