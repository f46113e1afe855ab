// The part of Poller that goes on after an exception, which is a lack of memory.
#include <thread>
#include <utility>

#include "radar_spoof/poll/poller.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kPauseAfterException = 1s;
constexpr Milliseconds kPauseWithoutMemory = 10ms;

}  // namespace

// For this, too, there may be no memory, again and again.
void Poller::GiveUpTurn(const char* reason) {
  bool told = false;
  for (bool done = false; !done && !stopped_;) {
    try {
      if (!std::exchange(told, true)) {
        log_.Error("a turn of the loop was given up", {{"detail", reason}});
      }
      FailInFlight();
      EndReload(false);
      (void)http_.Wait(kPauseAfterException);
      done = true;
    } catch (const std::exception&) {
      std::this_thread::sleep_for(kPauseWithoutMemory);
    }
  }
}

// After a lack of memory the books may differ; the schedule's are right.
void Poller::FailInFlight() {
  http_.CancelAll();
  endpoint_.StopFindingOut();
  in_flight_.clear();
  undecided_.clear();
  for (std::size_t i = 0; i < schedule_.queries().size(); ++i) {
    if (schedule_.IsInFlight(i)) {
      schedule_.Record(i, {.failure = RetryClass::kTransient}, clock_.Now());
    }
  }
  schedule_.AbandonInFlight(clock_.Now());
}

}  // namespace radar_spoof
