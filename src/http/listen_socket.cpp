#include "radar_spoof/http/listen_socket.h"

#include <cerrno>
#include <memory>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// Of the page that is sent. What is copied beyond the processor's caches costs twice: the kernel's
// own limit, 4 MiB, made a scrape of 1.4 MB 1.7 times as expensive. Not less, for the sake of long
// ways: it allows 3.8 MB/s at 50 ms.
constexpr int kSendBufferBytes = 96 * 1024;

// Of what a client sends while it is answered, and nobody reads. A whole head fits into it.
constexpr int kReceiveBufferBytes = 16 * 1024;

// The descriptor, or -errno.
int BindAndListen(const sockaddr* address, socklen_t size) {
  const int family = address->sa_family;
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return -errno;
  const int fd = socket.number();
  const int on = 1;
  const int off = 0;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted connections inherit both.
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  if (family == AF_INET6) (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, address, size) == 0 && ::listen(fd, SOMAXCONN) == 0) return socket.Release();
  return -errno;
}

int BindEveryAddress(int port) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_any;
  six.sin6_port = htons(static_cast<in_port_t>(port));
  const int fd = BindAndListen(reinterpret_cast<const sockaddr*>(&six), sizeof six);
  if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL) return fd;

  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_ANY);
  four.sin_port = htons(static_cast<in_port_t>(port));
  return BindAndListen(reinterpret_cast<const sockaddr*>(&four), sizeof four);
}

}  // namespace

Result<int, std::string> OpenListenSocket(const ListenAddress& address) {
  const std::string failure = "cannot listen on " + address.Text() + ": ";
  int fd = -EADDRNOTAVAIL;
  if (address.host.empty()) {
    fd = BindEveryAddress(address.port);
  } else {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error =
        ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (error != 0) {
      return failure + (error == EAI_SYSTEM ? SystemErrorText(errno) : ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const addrinfo* each = found; each != nullptr && fd < 0; each = each->ai_next) {
      fd = BindAndListen(each->ai_addr, each->ai_addrlen);
    }
  }
  if (fd < 0) return failure + SystemErrorText(-fd);
  return fd;
}

int BoundPort(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

}  // namespace radar_spoof
