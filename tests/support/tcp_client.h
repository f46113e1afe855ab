// A TCP client that sends exactly the bytes it is told to: for what a well-behaved client cannot
// say. Loopback only.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace radar_spoof::test {

class TcpClient {
 public:
  explicit TcpClient(int port, int family = AF_INET) : fd_(::socket(family, SOCK_STREAM, 0)) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    four.sin_port = htons(static_cast<in_port_t>(port));
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    six.sin6_port = four.sin_port;
    const int connected = family == AF_INET
                              ? ::connect(fd_, reinterpret_cast<sockaddr*>(&four), sizeof four)
                              : ::connect(fd_, reinterpret_cast<sockaddr*>(&six), sizeof six);
    if (connected != 0) throw std::runtime_error("connect");
  }
  // From one of the loopback network's addresses: "127.0.0.2". `receive_buffer` bytes of what it
  // is sent wait to be read, more or less; 0: as the system likes.
  TcpClient(int port, const char* from, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    (void)::inet_pton(AF_INET, from, &address.sin_addr);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("bind");
    }
    address.sin_port = htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect");
    }
  }
  ~TcpClient() { ::close(fd_); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void CloseWriting() { ::shutdown(fd_, SHUT_WR); }

  // Everything until the server closes; "TIMEOUT" is appended when it does not.
  std::string ReceiveAll(std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    return Receive(timeout, {});
  }
  // Everything until `mark` has arrived `times` times, or as ReceiveAll.
  std::string ReceiveUntil(std::string_view mark, int times = 1,
                           std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    return Receive(timeout, mark, times);
  }

 private:
  std::string Receive(std::chrono::milliseconds timeout, std::string_view mark, int times = 1) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::string received;
    while (mark.empty() || Count(received, mark) < times) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd waiting{fd_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
        return received + "TIMEOUT";
      }
      char buffer[16384];
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) return received;
      received.append(buffer, static_cast<std::size_t>(size));
    }
    return received;
  }
  static int Count(std::string_view text, std::string_view mark) {
    int count = 0;
    for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
      ++count;
    }
    return count;
  }

  int fd_;
};

// One request on a connection of its own, and the whole reply.
inline std::string Exchange(int port, std::string_view request, int family = AF_INET) {
  TcpClient client(port, family);
  client.Send(request);
  return client.ReceiveAll();
}

}  // namespace radar_spoof::test
