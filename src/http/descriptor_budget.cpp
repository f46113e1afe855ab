#include "descriptor_budget.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

// Half of them for clients, half for polls, files and what a page says of the process.
constexpr int kFewestLeft = 16;
constexpr int kMostReserved = 32;

int Allowed() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

}  // namespace

Result<DescriptorBudget, std::string> DescriptorBudget::AfterOpening(int more) {
  const int allowed = Allowed();
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (lowest_free >= 0) (void)::close(lowest_free);
  const int in_use = lowest_free < 0 ? allowed : lowest_free;
  const int needed = in_use + more + kFewestLeft;
  if (allowed < needed) {
    return std::to_string(allowed) + " file descriptors are allowed (RLIMIT_NOFILE), " +
           std::to_string(needed) + " are needed at least";
  }
  const int left = allowed - in_use - more;
  const int reserved = std::min(left / 2, kMostReserved);
  return DescriptorBudget{left - reserved, allowed - reserved, allowed - reserved / 2};
}

}  // namespace radar_spoof
