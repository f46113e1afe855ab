#include "process.h"

#include <algorithm>

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

constexpr int kAll[] = {SIGINT, SIGTERM, SIGHUP};

extern "C" void EndAtOnce(int signal) { _exit(128 + signal); }

}  // namespace

void OpenStandardDescriptors() {
  int descriptor = 0;
  do {
    // The lowest free number is the one that is opened. Not for writing: who prints to a stream
    // that was closed is to be told that it failed.
    descriptor = open("/dev/null", O_RDONLY);
  } while (descriptor >= STDIN_FILENO && descriptor <= STDERR_FILENO);
  if (descriptor > STDERR_FILENO) close(descriptor);
}

void HardenProcess() {
  // A file that may not grow any more (RLIMIT_FSIZE) is a failed write, EFBIG, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  // No core dump, and no debugger of the same user, may read the credential from memory.
  const rlimit none{0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0);
  // Left to itself, malloc keeps what one big answer took for the next one, which seldom comes:
  // setting the threshold ends its growing with what was freed.
  constexpr int kBigBlock = 128 * 1024;
  (void)mallopt(M_MMAP_THRESHOLD, kBigBlock);
}

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
