#include "radar_spoof/http/listen_socket.h"

#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Steady = std::chrono::steady_clock;

// Of the page that is sent. What is copied beyond the processor's caches costs twice: the kernel's
// own limit, 4 MiB, made a scrape of 1.4 MB 1.7 times as expensive. Not less, for the sake of long
// ways: it allows 3.8 MB/s at 50 ms.
constexpr int kSendBufferBytes = 96 * 1024;

// Of what a client sends while it is answered, and nobody reads. A whole head fits into it.
constexpr int kReceiveBufferBytes = 16 * 1024;

// Accepted connections of TCP inherit both.
void SetBuffers(int fd) {
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
}

// The descriptor, or -errno.
int BindAndListen(const sockaddr* address, socklen_t size) {
  const int family = address->sa_family;
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return -errno;
  const int fd = socket.number();
  const int on = 1;
  const int off = 0;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  SetBuffers(fd);
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

constexpr std::chrono::milliseconds kPatience{500};
constexpr std::string_view kRequest =
    "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// An address that is bound to every interface is reached over loopback.
void AimAtLoopback(sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) six.sin6_addr = in6addr_loopback;
  } else if (address.ss_family == AF_INET) {
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
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    if (errno == EAGAIN) return false;  // in the Unix domain: nobody has accepted for long
    if (errno != EINPROGRESS) return true;
    if (!Await(descriptor, POLLOUT, deadline)) return false;
  }
  (void)send(descriptor, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  return Await(descriptor, POLLIN, deadline);
}

}  // namespace

Result<ListenAddress, std::string> ListenAddress::Parse(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    return "\"" + std::string(text) + "\": " + std::string(what) +
           "; expected HOST:PORT, [IPV6]:PORT or :PORT";
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail("no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() < 3) return fail("bad IPv6 address");
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return fail("bad IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return fail("an IPv6 address stands in brackets");
  }
  for (const char c : host) {
    if (c <= ' ' || c > '~' || c == '[' || c == ']' || c == '/') return fail("bad host");
  }

  const auto port = ParseNumber<unsigned>(digits);
  if (!port || *port > 65535) return fail("the port is not a number from 0 to 65535");
  return ListenAddress{std::string(host), static_cast<int>(*port)};
}

std::string ListenAddress::Text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<FileDescriptor, std::string> OpenListenSocket(const ListenAddress& address) {
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
    // Only past addresses that this machine does not have: where one is in use, so is the name.
    const addrinfo* each = found;
    for (; each != nullptr && (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT); each = each->ai_next) {
      fd = BindAndListen(each->ai_addr, each->ai_addrlen);
    }
  }
  if (fd < 0) return failure + SystemErrorText(-fd);
  return FileDescriptor(fd);
}

Result<FileDescriptor, std::string> AdoptListenSocket(int descriptor) {
  const auto option = [descriptor](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_ACCEPTCONN) != 1 || option(SO_TYPE) != SOCK_STREAM)
    return std::string("no socket that listens");
  const int family = option(SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) {
    return std::string("a socket of an address family that is not served");
  }
  FileDescriptor socket(descriptor);
  (void)::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  (void)::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  SetBuffers(descriptor);
  return socket;
}

int BoundPort(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  (void)::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
  if (bound.ss_family != AF_INET) return 0;
  return ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

std::string BoundAddressText(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  (void)::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(bound);
    if (size <= offsetof(sockaddr_un, sun_path)) return "";
    std::string path(local.sun_path, size - offsetof(sockaddr_un, sun_path));
    if (path.front() == '\0') return "@" + path.substr(1);
    return path.substr(0, path.find('\0'));
  }
  char host[INET6_ADDRSTRLEN] = "";
  const void* const bytes =
      bound.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(bound).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(bound).sin_addr;
  (void)::inet_ntop(bound.ss_family, bytes, host, sizeof host);
  return ListenAddress{host, BoundPort(descriptor)}.Text();
}

bool ServerAnswers(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  AimAtLoopback(address);
  const FileDescriptor probe(
      socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return errno == EMFILE || errno == ENFILE;
  return Asks(probe.number(), address, size);
}

}  // namespace radar_spoof
