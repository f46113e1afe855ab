// A process that runs out of file descriptors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace radar_spoof::test {

inline std::ptrdiff_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Blocks until a server has closed what it kept of connections (until the client has acknowledged
// all), so that `before` are open again.
inline void AwaitOpenDescriptors(std::ptrdiff_t before) {
  while (OpenDescriptors() > before) std::this_thread::yield();
}

// As many descriptors as are open now and `more`, for as long as this lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int more) {
    ::getrlimit(RLIMIT_NOFILE, &old_);
    const int lowest_free = ::open("/dev/null", O_RDONLY);
    ::close(lowest_free);
    rlimit low = old_;
    low.rlim_cur = static_cast<rlim_t>(lowest_free + more);
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &old_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit old_{};
};

}  // namespace radar_spoof::test
