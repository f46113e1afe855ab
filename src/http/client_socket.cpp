#include "client_socket.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace radar_spoof {

bool HasUntaken(int descriptor) {
  int bytes = 0;
  return ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

void ResetConnection(int descriptor) {
  const linger at_once{1, 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void)::shutdown(descriptor, SHUT_RDWR);
}

int KeepUntaken(int descriptor, int limit) {
  const int kept = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (kept >= limit) {
    (void)::close(kept);
    return -1;
  }
  // Over TLS the library has not: there its last words are those of TLS.
  if (kept >= 0) (void)::shutdown(kept, SHUT_WR);
  return kept;
}

}  // namespace radar_spoof
