// What the service supervisor is told, in systemd's notification protocol: how far start and stop
// are, and that the exporter works. sd_notify(3) and sd_watchdog_enabled(3) are the sources.
// Without a supervisor each call does nothing. libsystemd's own sd_notify() waits for ever for a
// supervisor that does not read.
//
// Blocking: half a second at most. Thread rule: one thread, while nobody changes the environment.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/file.h"

namespace radar_spoof {

// False when there is a supervisor that could not be told: to be tried again.
bool NotifyReady();
void NotifyStopping();

// The sockets that the supervisor passed to this process, at least one (sd_listen_fds(3)). The
// error says what there is instead. To be called once.
Result<std::vector<FileDescriptor>, std::string> TakeSockets();

// Whether the supervisor waits for NotifyAlive() from time to time.
bool WatchdogWaits();
void NotifyAlive();

// Calls `notify`, but only when the exporter works: the poller's loop has come round since the last
// call, and every web server answers.
class Watchdog {
 public:
  // The poller's loop comes round at least every 10 s, so a supervisor must wait 30 s or more.
  static constexpr Milliseconds kBeat{5000};

  // `last_turn` moves while polling works. `served` may block for as long as a server is stuck.
  Watchdog(std::function<std::chrono::steady_clock::time_point()> last_turn,
           std::function<bool()> served, std::function<void()> notify)
      : last_turn_(std::move(last_turn)), served_(std::move(served)), notify_(std::move(notify)) {}

  void Beat() {
    const auto turn = last_turn_();
    if (turn == told_turn_ || !served_()) return;
    told_turn_ = turn;
    notify_();
  }

 private:
  std::function<std::chrono::steady_clock::time_point()> last_turn_;
  std::function<bool()> served_;
  std::function<void()> notify_;
  std::chrono::steady_clock::time_point told_turn_{};
};

}  // namespace radar_spoof
