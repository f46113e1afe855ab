// Tells the supervisor's watchdog that the exporter works, but only when it does: the poller's loop
// has come round since the last beat, and every web server answers.
//
// Used by: main's loop, every kBeat. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>

#include "radar_spoof/words/clock.h"

namespace radar_spoof {

class Watchdog {
 public:
  // The poller's loop comes round at least every 10 s, so a supervisor must wait 30 s or more.
  static constexpr Milliseconds kBeat{5000};

  // `turns` grows while polling works. `served` may block for as long as a server is stuck.
  Watchdog(std::function<std::uint64_t()> turns, std::function<bool()> served,
           std::function<void()> notify)
      : turns_(std::move(turns)), served_(std::move(served)), notify_(std::move(notify)) {}

  void Beat() {
    const std::uint64_t turns = turns_();
    if (turns == last_turns_ || !served_()) return;
    last_turns_ = turns;
    notify_();
  }

 private:
  std::function<std::uint64_t()> turns_;
  std::function<bool()> served_;
  std::function<void()> notify_;
  std::uint64_t last_turns_ = 0;
};

}  // namespace radar_spoof
