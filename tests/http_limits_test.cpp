// What one client may take from the others: time, requests, connections, file descriptors.
#include <atomic>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "radar_spoof/serve/http_server.h"
#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::Exchange;
using test::TcpClient;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
constexpr std::string_view kGetAndStay = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// More than the system takes off the server's hands for a client that does not read.
const std::string& LargeBody() {
  static const std::string body(30'000'000, 'x');
  return body;
}

ServerResponse Page(const ServerRequest& request) {
  return {200, {}, request.path == "/large" ? LargeBody() : "page", {}};
}

std::unique_ptr<HttpServer> Serve(ServerOptions options, HttpServer::Handler handler = Page,
                                  ServerThreads threads = ServerThreads::kPool) {
  auto server =
      HttpServer::Start({"127.0.0.1", 0}, threads, std::move(handler), std::move(options));
  if (!server) throw std::runtime_error(server.error());
  return std::move(server).value();
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Sends `byte` every 20 ms until the server ends the connection; how long that took.
steady_clock::duration TimeToDrip(TcpClient& client, std::string_view byte) {
  const auto start = steady_clock::now();
  while (client.ReceiveAll(20ms) == "TIMEOUT" && steady_clock::now() - start < 10s) {
    client.Send(byte);
  }
  return steady_clock::now() - start;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_CASE("a head that drips in is cut off at its deadline, though it is never idle") {
  const auto server = Serve({.head_deadline = 400ms});
  TcpClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nX: ");
  const auto taken = TimeToDrip(client, "a");
  CHECK(taken >= 350ms);
  CHECK(taken < 3s);
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
}

TEST_CASE("a connection that stays open has its deadline from the end of the last response") {
  const auto server = Serve({.head_deadline = 1500ms});
  TcpClient client(server->port());
  CHECK(client.ReceiveAll(800ms) == "TIMEOUT");
  client.Send(kGetAndStay);
  CHECK(Contains(client.ReceiveUntil("page"), "page"));
  CHECK(client.ReceiveAll(900ms) == "TIMEOUT");  // 1.7 s after accept
  CHECK(client.ReceiveAll() == "");
}

TEST_CASE(
    "a TLS hello on the plain port is dropped at the deadline and never reaches the handler") {
  std::atomic<int> handled = 0;
  const auto server = Serve({.head_deadline = 300ms}, [&](const ServerRequest& request) {
    ++handled;
    return Page(request);
  });
  TcpClient client(server->port());
  client.Send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) +
              std::string(500, '\0'));
  CHECK(client.ReceiveAll() == "");
  CHECK(handled == 0);
}

TEST_CASE("a response that is read slowly is cut off at its deadline, and nobody waits for it") {
  (void)LargeBody();
  const auto server = Serve({.response_deadline = 2s});
  TcpClient slow(server->port());
  TcpClient stuck(server->port());
  for (TcpClient* const client : {&slow, &stuck}) {
    client->Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(Contains(client->ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  }
  const auto start = steady_clock::now();
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
  CHECK(steady_clock::now() - start < 1500ms);
  std::size_t received = 0;
  while (steady_clock::now() - start < 2200ms) {
    std::this_thread::sleep_for(20ms);  // that is what makes it slow
    received += slow.ReceiveUntil("x").size();
  }
  for (TcpClient* const client : {&slow, &stuck}) {
    const std::string rest = client->ReceiveAll();
    CHECK(!Contains(rest, "TIMEOUT"));
    CHECK(received + rest.size() < LargeBody().size());
  }
}

TEST_CASE("a request body that drips in is cut off at the response's deadline") {
  const auto server = Serve({.response_deadline = 400ms});
  TcpClient client(server->port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const auto taken = TimeToDrip(client, "b");
  CHECK(taken >= 350ms);
  CHECK(taken < 3s);
}

TEST_CASE("a response that the server itself holds back is not late") {
  const auto server = Serve(
      {.response_deadline = 200ms},
      [](const ServerRequest&) {
        return ServerResponse{200, {}, "page", 600ms};
      },
      ServerThreads::kThreadPerConnection);
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
}

TEST_CASE("requests beyond the limit are told 503 at once, and served when there is room again") {
  const auto server = Serve({.max_requests = 1});
  TcpClient slow(server->port());
  slow.Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(Contains(slow.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  const std::string refused = Exchange(server->port(), kGet);
  CHECK(Contains(refused, "HTTP/1.1 503 "));
  CHECK(Contains(refused, "\r\nRetry-After: 1\r\n"));
  slow.Send(kGet);
  CHECK(Contains(slow.ReceiveAll(), "\r\n\r\npage"));
}

TEST_CASE("connections beyond the limit are closed at once, without work, and leave no trace") {
  const auto server = Serve({.max_connections = 4});
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port()));
    clients.back()->Send(kGetAndStay);
    CHECK(Contains(clients.back()->ReceiveUntil("page"), "page"));
  }
  for (int i = 0; i < 50; ++i) CHECK(TcpClient(server->port()).ReceiveAll() == "");
  const double before = CpuSeconds();
  CHECK(clients[0]->ReceiveAll(500ms) == "TIMEOUT");
  CHECK(CpuSeconds() - before < 0.1);
  for (const auto& client : clients) {
    client->Send(kGet);
    CHECK(Contains(client->ReceiveAll(), "page"));
  }
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

TEST_CASE("without a file descriptor left clients wait, without work, until there is one") {
  const auto server = Serve({});
  const int port = server->port();
  // UBSan looks at a type for the first time through a pipe, so let it do so while there are any.
  CHECK(Contains(Exchange(port, kGet), "page"));
  std::unique_ptr<TcpClient> client;
  {
    const DescriptorLimit one_for_the_client(1);
    client = std::make_unique<TcpClient>(port);
    client->Send(kGet);
    const double before = CpuSeconds();
    CHECK(client->ReceiveAll(500ms) == "TIMEOUT");
    CHECK(CpuSeconds() - before < 0.1);
  }
  CHECK(Contains(client->ReceiveAll(2s), "page"));
}

TEST_CASE("clients never get the last file descriptors") {
  const DescriptorLimit forty(40);
  const auto server = Serve({});
  std::vector<std::unique_ptr<TcpClient>> clients;  // in this process: each costs two descriptors
  std::string reply = "page";
  while (Contains(reply, "page")) {
    clients.push_back(std::make_unique<TcpClient>(server->port()));
    clients.back()->Send(kGetAndStay);
    reply = clients.back()->ReceiveUntil("page");
  }
  CHECK(reply == "");
  const int still_one = ::open("/dev/null", O_RDONLY);
  CHECK(still_one >= 0);
  ::close(still_one);
}

}  // namespace
}  // namespace radar_spoof
