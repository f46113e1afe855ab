#include "polling_thread.h"

#include <chrono>
#include <csignal>

#include <unistd.h>

#include "radar_spoof/cli/exit_code.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// Together less than what systemd, Docker and Kubernetes wait, as shipped, before SIGKILL. The
// second part is also for the log to be written.
constexpr auto kPatience = 1s;
constexpr auto kLastPatience = 4s;

bool RunLoop(Poller& poller, Log& log) {
  try {
    poller.Run();
    return true;
  } catch (const std::exception& error) {
    log.Error("polling ended", {{"detail", error.what()}});
    kill(getpid(), SIGTERM);
    return false;
  }
}

}  // namespace

PollingThread::PollingThread(Poller& poller, Log& log)
    : poller_(poller),
      log_(log),
      well_(std::async(std::launch::async, RunLoop, std::ref(poller), std::ref(log))) {}

PollingThread::~PollingThread() { poller_.Stop(); }

bool PollingThread::End() {
  poller_.Stop();
  if (well_.wait_for(kPatience) != std::future_status::ready) {
    log_.Error("the poll loop is stuck; if it stays so the process ends without saving its state");
    if (well_.wait_for(kLastPatience) != std::future_status::ready) _exit(kFailed);
  }
  return well_.get();
}

}  // namespace radar_spoof
