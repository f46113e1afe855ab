#include "radar_spoof/http/listen_socket.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <latch>
#include <list>
#include <map>
#include <semaphore>

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "radar_spoof/http/http_server.h"
#include "support/certificates.h"
#include "support/curl_command.h"
#include "support/tcp_client.h"
#include "support/temporary_directory.h"

namespace {

// Names of several addresses, which no /etc/hosts has everywhere.
const std::map<std::string, std::vector<const char*>> kNames = {
    {"both-are-here", {"127.0.0.2", "127.0.0.1"}},
    {"one-is-elsewhere", {"192.0.2.1", "127.0.0.1"}},  // RFC 5737: nobody's
};

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                           addrinfo** found) {
  static const auto real =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const auto name = kNames.find(host == nullptr ? "" : host);
  if (name == kNames.end()) return real(host, port, hints, found);
  for (const char* const address : name->second) {
    const int error = real(address, port, hints, found);
    if (error != 0) return error;
    found = &(*found)->ai_next;
  }
  return 0;
}

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
  const Descriptor listening(OpenListenSocket({"127.0.0.1", 0}).value().Release());
  const test::TcpClient client(BoundPort(listening.get()));
  const Descriptor accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const std::size_t taken = BytesTaken(accepted.get());
  CHECK(taken > 64 * 1024);
  // 192 KiB of ours, and what the client's side takes before it is read: 128 KiB by default.
  CHECK(taken < 448 * 1024);
}

TEST_CASE("what a client sends and nobody reads holds little of the kernel's memory") {
  const Descriptor listening(OpenListenSocket({"127.0.0.1", 0}).value().Release());
  test::TcpClient client(BoundPort(listening.get()), "127.0.0.1");
  const Descriptor accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  int size = 0;
  socklen_t length = sizeof size;
  REQUIRE(::getsockopt(accepted.get(), SOL_SOCKET, SO_RCVBUF, &size, &length) == 0);
  CHECK(size == 32 * 1024);
}

TEST_CASE("a name is served on its first address that is here, and not while that is in use") {
  auto first = OpenListenSocket({"both-are-here", 0});
  REQUIRE(first);
  const int port = BoundPort(first.value().number());
  CHECK(OpenListenSocket({"127.0.0.1", port}));
  const auto again = OpenListenSocket({"both-are-here", port});
  REQUIRE_FALSE(again);
  CHECK(again.error() ==
        "cannot listen on both-are-here:" + std::to_string(port) + ": Address already in use");
  CHECK(OpenListenSocket({"one-is-elsewhere", 0}));
}

TEST_CASE("listen addresses are read in every form, and written back the same") {
  for (const char* text : {":10766", "127.0.0.1:10766", "[::1]:10766", "localhost:0", "[::]:65535",
                           "[fe80::1%lo]:1"}) {
    CAPTURE(text);
    const auto address = ListenAddress::Parse(text);
    CHECK(address.ok());
    if (address) CHECK(address.value().Text() == text);
  }
  const auto six = ListenAddress::Parse("[::1]:10766");
  CHECK(six.value().host == "::1");
  CHECK(six.value().port == 10766);
}

TEST_CASE("a bad listen address is refused with what is wrong") {
  struct Row {
    const char* text;
    const char* problem;
  };
  const Row rows[] = {
      {"", "no port"},
      {"localhost", "no port"},
      {"::1", "an IPv6 address stands in brackets"},
      {"::1:80", "an IPv6 address stands in brackets"},
      {"[::1]", "bad IPv6 address"},
      {"[]:80", "bad IPv6 address"},
      {"[1.2.3.4]:80", "bad IPv6 address"},
      {"::", "an IPv6 address stands in brackets"},
      {"a b:80", "bad host"},
      {"http://x:80", "an IPv6 address stands in brackets"},
      {"x/y:80", "bad host"},
      {"x:", "the port is not a number from 0 to 65535"},
      {"x:-1", "the port is not a number from 0 to 65535"},
      {"x:-0", "the port is not a number from 0 to 65535"},
      {"x:65536", "the port is not a number from 0 to 65535"},
      {"x:80 ", "the port is not a number from 0 to 65535"},
      {"x:0x50", "the port is not a number from 0 to 65535"},
      {"x:http", "the port is not a number from 0 to 65535"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = ListenAddress::Parse(row.text);
    CHECK(!address.ok());
    if (!address) {
      CHECK(address.error() == "\"" + std::string(row.text) + "\": " + row.problem +
                                   "; expected HOST:PORT, [IPV6]:PORT or :PORT");
    }
  }
}

ServerResponse AnyPage(const ServerRequest&) { return {200, {}, "page"}; }

TEST_CASE("a running server answers itself, wherever it is bound, with TLS and without") {
  for (const char* address : {":0", "127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0"}) {
    CAPTURE(address);
    const auto server =
        HttpServer::Start(ListenAddress::Parse(address).value(), ServerThreads::kPool, AnyPage);
    REQUIRE(server);
    CHECK(server.value()->Answers());
  }
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "server");
  ServerOptions options;
  options.tls = TlsSettings{.certificate_pem = test::ReadText(directory.Path("server.crt")),
                            .key_pem = test::ReadText(directory.Path("server.key")),
                            .client_ca_pem = ""};
  const auto server =
      HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kPool, AnyPage, std::move(options));
  REQUIRE(server);
  CHECK(server.value()->Answers());
}

// A socket of the Unix domain, as another process leaves it to this one: bound, and it blocks.
FileDescriptor BoundIn(const test::TemporaryDirectory& directory) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  directory.Path("s").copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  CHECK(::bind(socket.number(), generic, sizeof address) == 0);
  return socket;
}

TEST_CASE("a socket of the Unix domain that was bound by another process is served") {
  const test::TemporaryDirectory directory;
  FileDescriptor bound = BoundIn(directory);
  CHECK(!AdoptListenSocket(bound.number()).ok());  // which leaves it to its owner
  REQUIRE(::listen(bound.number(), 4) == 0);
  auto adopted = AdoptListenSocket(bound.Release());
  REQUIRE(adopted);
  const int number = adopted.value().number();
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(number, F_GETFL) & O_NONBLOCK) != 0);
  std::vector<FileDescriptor> sockets;
  sockets.push_back(std::move(adopted).value());
  const auto server =
      HttpServer::Start(std::move(sockets), ServerThreads::kPool, [](const ServerRequest& request) {
        return ServerResponse{200, {}, "for " + request.client + "."};
      });
  REQUIRE(server);
  CHECK(server.value()->addresses() == std::vector{directory.Path("s")});
  CHECK(server.value()->ports() == std::vector{0});
  CHECK(test::RunCurl("--unix-socket '" + directory.Path("s") + "' http://x/") == "for .");
  CHECK(server.value()->Answers());
  // A path that this process cannot go, as in another mount namespace, proves nothing.
  std::filesystem::remove(directory.Path("s"));
  CHECK(server.value()->Answers());
}

TEST_CASE("what is no socket that listens is not taken") {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const FileDescriptor socket(::socket(AF_INET, type, 0));
    const auto adopted = AdoptListenSocket(socket.number());
    CHECK(!adopted.ok());
    if (!adopted) CHECK(adopted.error() == "no socket that listens");
  }
  CHECK(!AdoptListenSocket(999'999).ok());
}

TEST_CASE("a server whose threads are stuck does not answer, and does once they are free") {
  constexpr int kThreads = 2;
  std::counting_semaphore<> stuck(0);
  std::latch release(1);
  const auto server =
      HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kPool, [&](const ServerRequest& request) {
        if (request.path == "/stick") {
          stuck.release();
          release.wait();
        }
        return AnyPage(request);
      });
  REQUIRE(server);
  // The server deals connections out by descriptor number, and both ends are of this process: the
  // spare descriptor makes the number of a turn differ from the last one's by three, not by two,
  // so that the turns come to both threads. One that comes to a stuck thread only waits there.
  std::list<test::TcpClient> clients;
  std::list<std::ifstream> spares;
  int stuck_threads = 0;
  for (int turn = 0; turn < 32 && stuck_threads < kThreads; ++turn) {
    clients.emplace_back(server.value()->port());
    clients.back().Send("GET /stick HTTP/1.1\r\nHost: x\r\n\r\n");
    spares.emplace_back("/dev/null");
    if (stuck.try_acquire_for(std::chrono::milliseconds(100))) ++stuck_threads;
  }
  CHECK(stuck_threads == kThreads);
  CHECK_FALSE(server.value()->Answers());
  release.count_down();
  CHECK(server.value()->Answers());
}

}  // namespace
}  // namespace radar_spoof
