// Tells the supervisor's watchdog that the exporter works, but only when it does: the poller's loop
// has come round since it was last told, and every web server answers.
//
// Thread rule: one thread.
#pragma once

#include <chrono>
#include <functional>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

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
