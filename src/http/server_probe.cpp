#include "server_probe.h"

#include <cerrno>
#include <chrono>
#include <string_view>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"

namespace radar_spoof {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{500};
constexpr std::string_view kRequest =
    "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// An address that is bound to every interface is reached over loopback.
void AimAtLoopback(sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) six.sin6_addr = in6addr_loopback;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(address);
    if (four.sin_addr.s_addr == htonl(INADDR_ANY)) four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
}

bool Await(int descriptor, short events, Steady::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
  pollfd waiting{descriptor, events, 0};
  return left > 0 && poll(&waiting, 1, static_cast<int>(left)) == 1;
}

bool Asks(int descriptor, const sockaddr_storage& address, socklen_t size) {
  const auto deadline = Steady::now() + kPatience;
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
      (errno != EINPROGRESS || !Await(descriptor, POLLOUT, deadline))) {
    return false;
  }
  (void)send(descriptor, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  return Await(descriptor, POLLIN, deadline);
}

}  // namespace

bool ServerAnswers(int listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  AimAtLoopback(address);
  const FileDescriptor probe(
      socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return errno == EMFILE || errno == ENFILE;
  return Asks(probe.number(), address, size);
}

}  // namespace radar_spoof
