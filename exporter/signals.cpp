#include "signals.h"

#include <algorithm>

#include <unistd.h>

namespace radar_spoof {
namespace {

constexpr int kAll[] = {SIGINT, SIGTERM, SIGHUP};

extern "C" void EndAtOnce(int signal) { _exit(128 + signal); }

}  // namespace

sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kAll) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void LetSignalsEnd(const sigset_t& signals) {
  if (getpid() == 1) {
    for (const int signal : kAll) std::signal(signal, EndAtOnce);
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

int AwaitSignal(const sigset_t& signals, Milliseconds at_most) {
  const timespec patience{.tv_sec = at_most.count() / 1000,
                          .tv_nsec = at_most.count() % 1000 * 1'000'000};
  return std::max(0, sigtimedwait(&signals, nullptr, &patience));
}

}  // namespace radar_spoof
