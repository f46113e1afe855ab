#include "reload_loop.h"

#include <algorithm>

namespace radar_spoof {

void ReloadLoop::Run(const std::vector<Source>& sources) {
  for (Milliseconds wait{0};;) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return stopped_ || wish_; });
    if (stopped_) return;
    const auto cause = std::exchange(wish_, std::nullopt);
    for (Waiting& each : waiting_) each.begun = true;
    lock.unlock();
    wait = kLookInterval;
    // What lacks memory now has it at the next look.
    try {
      if (cause) Reload(sources, *cause);
      for (const Source& source : sources) {
        NoteReading(&source.file);
        wait = std::min(wait, source.look());
      }
    } catch (const std::exception& error) {
      log_.Error("reload loop: iteration failed, retrying", {{"detail", error.what()}});
    }
    NoteReading(nullptr);
  }
}

void ReloadLoop::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void ReloadLoop::Ask() {
  const std::lock_guard lock(mutex_);
  wish_ = ReloadCause::kSignal;
  changed_.notify_all();
}

std::shared_ptr<AskedReload> ReloadLoop::AskFromWeb() {
  auto asked = std::make_shared<AskedReload>();
  const SteadyTime deadline = clock_.Now().steady + kAnswerWithin;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < kMostWaiting) {
    waiting_.push_back({asked, deadline});
  } else {
    asked->outcome = AskedReload::Outcome::kTooManyWait;
    asked->ended.Done();
  }
  if (!wish_) wish_ = ReloadCause::kRequest;
  changed_.notify_all();
  return asked;
}

Milliseconds ReloadLoop::Attend() {
  const SteadyTime now = clock_.Now().steady;
  auto wait = Milliseconds::max();
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [now, &wait](const Waiting& each) {
    if (each.deadline > now) {
      wait = std::min(wait, each.deadline - now);
      return false;
    }
    each.asked->ended.Done();
    return true;
  });
  const auto seconds = [](Milliseconds length) {
    return std::chrono::floor<Seconds>(length).count();
  };
  if (const auto ended = std::exchange(ended_hang_, std::nullopt)) {
    log_.Info("the configuration can be read again",
              {{"file", *ended->file}, {"seconds", seconds(ended->length)}});
  }
  if (reading_ && !reading_->told && now - reading_->since >= kHungAfter) {
    reading_->told = true;
    log_.Warn("reading the configuration hangs; nothing is reloaded until it returns",
              {{"file", *reading_->file}, {"seconds", seconds(now - reading_->since)}});
  }
  return wait;
}

void ReloadLoop::Reload(const std::vector<Source>& sources, ReloadCause cause) {
  std::optional<std::string> problem;
  for (const Source& source : sources) {
    NoteReading(&source.file);
    auto found = source.reload(cause);
    if (!problem) problem = std::move(found);
  }
  Answer(problem);
}

void ReloadLoop::NoteReading(const std::string* file) {
  const SteadyTime now = clock_.Now().steady;
  const std::lock_guard lock(mutex_);
  if (reading_ && reading_->told) ended_hang_ = {reading_->file, now - reading_->since};
  reading_ = file == nullptr ? std::nullopt : std::optional(Reading{file, now});
}

void ReloadLoop::Answer(const std::optional<std::string>& problem) {
  const std::lock_guard lock(mutex_);
  const auto begun = std::partition(waiting_.begin(), waiting_.end(),
                                    [](const Waiting& each) { return !each.begun; });
  // Without memory for it nobody is answered here, but by Attend().
  for (auto each = begun; each != waiting_.end(); ++each) {
    if (problem) each->asked->problem = *problem;
  }
  for (auto each = begun; each != waiting_.end(); ++each) {
    each->asked->outcome =
        problem ? AskedReload::Outcome::kNotReloaded : AskedReload::Outcome::kReloaded;
    each->asked->ended.Done();
  }
  waiting_.erase(begun, waiting_.end());
}

}  // namespace radar_spoof
