#include "radar_spoof/core/write_all.h"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

// Whether another try may go better.
bool MayTryAgain(int descriptor) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN) return false;
  pollfd room{descriptor, POLLOUT, 0};
  return poll(&room, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && MayTryAgain(descriptor)) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace radar_spoof
