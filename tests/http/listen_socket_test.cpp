#include "radar_spoof/http/listen_socket.h"

#include <array>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::size_t BytesTaken(int descriptor) {
  static constexpr std::array<char, 4096> kPiece{};
  std::size_t taken = 0;
  ssize_t sent = 0;
  do {
    sent = ::send(descriptor, kPiece.data(), kPiece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) taken += static_cast<std::size_t>(sent);
  } while (sent > 0 && taken < (std::size_t{16} << 20));
  return taken;
}

TEST_CASE("a client that does not read holds little of the kernel's memory") {
  const Descriptor listening(OpenListenSocket({"127.0.0.1", 0}).value());
  const test::TcpClient client(BoundPort(listening.get()));
  const Descriptor accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const std::size_t taken = BytesTaken(accepted.get());
  CHECK(taken > 64 * 1024);
  // 192 KiB of ours, and what the client's side takes before it is read: 128 KiB by default.
  CHECK(taken < 448 * 1024);
}

TEST_CASE("what a client sends and nobody reads holds little of the kernel's memory") {
  const Descriptor listening(OpenListenSocket({"127.0.0.1", 0}).value());
  test::TcpClient client(BoundPort(listening.get()), "127.0.0.1");
  const Descriptor accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  int size = 0;
  socklen_t length = sizeof size;
  REQUIRE(::getsockopt(accepted.get(), SOL_SOCKET, SO_RCVBUF, &size, &length) == 0);
  CHECK(size == 32 * 1024);
}

}  // namespace
}  // namespace radar_spoof
