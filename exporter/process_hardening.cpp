#include "process_hardening.h"

#include <csignal>

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace radar_spoof {

void OpenStandardDescriptors() {
  int descriptor = 0;
  do {
    // The lowest free number is the one that is opened. Not for writing: who prints to a stream
    // that was closed is to be told that it failed.
    descriptor = open("/dev/null", O_RDONLY);
  } while (descriptor >= STDIN_FILENO && descriptor <= STDERR_FILENO);
  if (descriptor > STDERR_FILENO) close(descriptor);
}

void SurviveFileSizeLimit() { std::signal(SIGXFSZ, SIG_IGN); }

void ForbidCoreDumps() {
  const rlimit none{0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0);
}

void ReturnFreedMemory() {
  constexpr int kBigBlock = 128 * 1024;
  // Setting the threshold ends its growing with what was freed.
  (void)mallopt(M_MMAP_THRESHOLD, kBigBlock);
}

}  // namespace radar_spoof
