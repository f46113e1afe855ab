// What one client may take from the others: time, requests, connections, file descriptors.
#include <atomic>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "radar_spoof/http/http_server.h"
#include "support/contains.h"
#include "support/descriptor_limit.h"
#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::AwaitOpenDescriptors;
using test::Contains;
using test::DescriptorLimit;
using test::Exchange;
using test::OpenDescriptors;
using test::TcpClient;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
constexpr std::string_view kGetAndStay = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// More than the system takes off the server's hands for a client that does not read.
const std::string& LargeBody() {
  static const std::string body(30'000'000, 'x');
  return body;
}

ServerResponse Page(const ServerRequest& request) {
  return {200, {}, request.path == "/large" ? LargeBody() : "page"};
}

std::unique_ptr<HttpServer> ServeWithin(ServerOptions options, HttpServer::Handler handler = Page,
                                        ServerThreads threads = ServerThreads::kPool) {
  auto server =
      HttpServer::Start({"127.0.0.1", 0}, threads, std::move(handler), std::move(options));
  if (!server) throw std::runtime_error(server.error());
  return std::move(server).value();
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
  const auto server = ServeWithin({.head_deadline = 400ms});
  TcpClient client(server->port());
  const auto start = steady_clock::now();
  client.Send("GET / HTTP/1.1\r\nX: ");
  while (client.ReceiveAll(20ms) == "TIMEOUT") client.Send("a");
  CHECK(steady_clock::now() - start >= 350ms);
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
}

TEST_CASE("a connection that stays open has its deadline from the end of the last response") {
  const auto server = ServeWithin({.head_deadline = 3s});
  TcpClient client(server->port());
  CHECK(client.ReceiveAll(1600ms) == "TIMEOUT");
  client.Send(kGetAndStay);
  CHECK(Contains(client.ReceiveUntil("page"), "page"));
  CHECK(client.ReceiveAll(1600ms) == "TIMEOUT");  // 3.2 s after accept
  CHECK(client.ReceiveAll() == "");
}

TEST_CASE(
    "a TLS hello on the plain port is dropped at the deadline and never reaches the handler") {
  std::atomic<int> handled = 0;
  const auto server = ServeWithin({.head_deadline = 300ms}, [&](const ServerRequest& request) {
    ++handled;
    return Page(request);
  });
  TcpClient client(server->port());
  client.Send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) +
              std::string(500, '\0'));
  CHECK(client.ReceiveAll() == "");
  CHECK(handled == 0);
}

TEST_CASE("nobody waits for a response that is read slowly") {
  const auto server = ServeWithin({.response_deadline = 1h});
  TcpClient stuck(server->port());
  stuck.Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(Contains(stuck.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
}

TEST_CASE("a response that is read slowly is cut off at its deadline") {
  std::atomic<int> handled = 0;
  std::atomic<int> held = 0;  // responses that the server has not done with
  const auto server = ServeWithin({.response_deadline = 2s}, [&](const ServerRequest&) {
    ++held;
    ++handled;
    return ServerResponse{.shared_body = {&LargeBody(), [&](const std::string*) { --held; }}};
  });
  TcpClient slow(server->port());
  TcpClient stuck(server->port());
  for (TcpClient* const client : {&slow, &stuck}) {
    client->Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  std::size_t received = 0;
  while ((handled < 2 || held > 0) && received < LargeBody().size()) {
    std::this_thread::sleep_for(20ms);  // that is what makes it slow
    received += slow.ReceiveUntil("x").size();
  }
  CHECK(received + slow.ReceiveAll().size() < LargeBody().size());
  const std::string rest = stuck.ReceiveAll();
  CHECK(!Contains(rest, "TIMEOUT"));
  CHECK(rest.size() < LargeBody().size());
  CHECK(handled == 2);
}

TEST_CASE("a response that the server itself holds back is not late") {
  const auto server = ServeWithin(
      {.response_deadline = 200ms},
      [](const ServerRequest&) {
        return ServerResponse{200, {}, "page", 600ms};
      },
      ServerThreads::kThreadPerConnection);
  CHECK(Contains(Exchange(server->port(), kGet), "page"));
}

// One that asks for the large page and reads its head only.
std::unique_ptr<TcpClient> SlowReader(int port, const char* from) {
  auto client = std::make_unique<TcpClient>(port, from, 16384);
  client->Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  return client;
}

std::string Scrape(int port, const char* from) {
  TcpClient client(port, from);
  client.Send(kGet);
  return client.ReceiveAll();
}

std::string Address(int number) { return "127.0.1." + std::to_string(number); }

TEST_CASE("300 posts of one client whose bodies never come take nothing from anyone") {
  const auto server = ServeWithin({});
  std::vector<std::unique_ptr<TcpClient>> posts;
  // More than all the answers there may be. Each costs this process two file descriptors, of the
  // 1,024 that are usual.
  for (int i = 0; i < 300; ++i) {
    posts.push_back(std::make_unique<TcpClient>(server->port(), "127.0.0.2"));
    posts.back()->Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(Contains(Scrape(server->port(), "127.0.0.1"), "\r\n\r\npage"));
    CHECK(Contains(Scrape(server->port(), "127.0.0.2"), "\r\n\r\npage"));
  }
  for (const auto& each : posts) CHECK(!Contains(each->ReceiveAll(), "TIMEOUT"));
}

TEST_CASE("a client's slow readers never take all there is, and it is told so") {
  (void)LargeBody();
  const auto server = ServeWithin({.max_responses = 8,
                                   .max_responses_of_client = 4,
                                   .max_response_bytes = std::size_t{1} << 30});
  const int port = server->port();
  std::vector<std::unique_ptr<TcpClient>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(SlowReader(port, "127.0.0.2"));
    CHECK(Contains(slow.back()->ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  }
  const std::string refused = Scrape(port, "127.0.0.2");
  CHECK((Contains(refused, "HTTP/1.1 503 ") || Contains(refused, "page")));  // a second has passed
  if (Contains(refused, "503")) CHECK(Contains(refused, "\r\nRetry-After: 1\r\n"));
  CHECK(Contains(Scrape(port, "127.0.0.1"), "\r\n\r\npage"));
  // Beside another client's they are too many, and give way.
  for (int i = 0; i < 4; ++i) slow.push_back(SlowReader(port, "127.0.0.3"));
  CHECK(Contains(slow.back()->ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  CHECK(Contains(Scrape(port, "127.0.0.1"), "\r\n\r\npage"));
}

TEST_CASE("a client's slow readers are replaced by its own newer requests") {
  (void)LargeBody();
  const auto server = ServeWithin({.max_responses = 8,
                                   .max_responses_of_client = 4,
                                   .max_response_bytes = std::size_t{1} << 30});
  const int port = server->port();
  std::vector<std::unique_ptr<TcpClient>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(SlowReader(port, "127.0.0.1"));
    CHECK(Contains(slow.back()->ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  }
  const auto deadline = steady_clock::now() + 20s;
  std::string reply;
  while (!Contains(reply, "page") && steady_clock::now() < deadline) {
    reply = Scrape(port, "127.0.0.1");
    CHECK((Contains(reply, "page") || Contains(reply, "HTTP/1.1 503 ")));
  }
  CHECK(Contains(reply, "page"));
}

TEST_CASE(
    "a client that takes its last bytes slowly and leaves nothing open counts until it has them") {
  const std::string body(150'000, 'x');  // which the system takes at once
  const auto server = ServeWithin(
      {.max_responses_of_client = 2, .response_deadline = 2s}, [&](const ServerRequest& request) {
        return ServerResponse{200, {}, request.path == "/" ? "page" : body};
      });
  const int port = server->port();
  std::vector<std::unique_ptr<TcpClient>> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::make_unique<TcpClient>(port, "127.0.0.2", 4096));
    slow.back()->Send("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(Contains(slow.back()->ReceiveUntil("\r\n\r\n"), "HTTP/1.1 200"));
  }
  slow.push_back(std::make_unique<TcpClient>(port, "127.0.0.2", 4096));
  slow.back()->Send("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string third = slow.back()->ReceiveUntil("\r\n\r\n");
  CHECK((Contains(third, "HTTP/1.1 503") || Contains(third, "HTTP/1.1 200")));
  // One that reads gets all of it, though the server has long closed; one that does not is reset.
  const std::string rest = slow[1]->ReceiveAll(1500ms);
  CHECK((rest.size() >= 140'000 || Contains(third, "200")));
}

TEST_CASE("connections of one client beyond its share replace those that waited longest") {
  const auto server =
      ServeWithin({.max_connections = 16, .max_connections_of_client = 4, .head_deadline = 1min});
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port(), "127.0.0.2"));
    clients.back()->Send("GET / HTTP/1.1\r\n");
    if (i % 8 == 7) CHECK(Contains(Scrape(server->port(), "127.0.0.2"), "page"));
  }
  // One that the server had not come to could not go for its successors; it goes for the next. It
  // may come to them in another order; connections_test has what it does then.
  for (int tries = 0; tries < 100; ++tries) {
    std::erase_if(clients, [](const auto& client) { return client->ReceiveAll(50ms) == ""; });
    if (clients.size() <= 4) break;
    CHECK(Contains(Scrape(server->port(), "127.0.0.2"), "page"));
  }
  CHECK(clients.size() <= 4);
  TcpClient newest(server->port(), "127.0.0.2");
  newest.Send("GET / HTTP/1.1\r\n");
  CHECK(Contains(Scrape(server->port(), "127.0.0.2"), "page"));
  CHECK(newest.ReceiveAll(100ms) == "TIMEOUT");
}

TEST_CASE("connections beyond all there are replace one of who has most; a new client is let in") {
  const auto server = ServeWithin({.max_connections = 16, .max_connections_of_client = 8});
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port(), Address(i % 8 + 1).c_str()));
    clients.back()->Send("GET / HTTP/1.1\r\n");
    CHECK(Contains(Scrape(server->port(), "127.0.0.1"), "page"));
  }
  const double before = CpuSeconds();
  CHECK(clients.back()->ReceiveAll(500ms) == "TIMEOUT");
  CHECK(CpuSeconds() - before < 0.1);
}

TEST_CASE("answers hold so many bytes and no more, whoever asks for them how slowly") {
  std::atomic<int> living = 0;
  const auto server =
      ServeWithin({.max_response_bytes = 100'000'000}, [&](const ServerRequest& request) {
        if (request.path == "/") return ServerResponse{200, {}, "page"};
        ++living;
        ServerResponse response;
        response.shared_body = {new std::string(LargeBody()), [&](const std::string* text) {
                                  --living;
                                  delete text;
                                }};
        return response;
      });
  std::vector<std::unique_ptr<TcpClient>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(SlowReader(server->port(), Address(i + 1).c_str()));
    (void)slow.back()->ReceiveUntil("\r\n\r\n");
    CHECK(living <= 8);  // three, and those that are being reset
  }
  CHECK(Contains(Scrape(server->port(), "127.0.0.1"), "page"));
}

TEST_CASE("without a file descriptor left clients wait, without work, until there is one") {
  const auto server = ServeWithin({});
  const int port = server->port();
  const auto before = OpenDescriptors();
  // UBSan looks at a type for the first time through a pipe, so let it do so while there are any.
  CHECK(Contains(Exchange(port, kGet), "page"));
  AwaitOpenDescriptors(before);
  std::unique_ptr<TcpClient> client;
  {
    const DescriptorLimit one_for_the_client(1);
    client = std::make_unique<TcpClient>(port);
    client->Send(kGet);
    const double cpu_before = CpuSeconds();
    CHECK(client->ReceiveAll(500ms) == "TIMEOUT");
    CHECK(CpuSeconds() - cpu_before < 0.1);
  }
  CHECK(Contains(client->ReceiveAll(2s), "page"));
}

TEST_CASE("clients never get the last file descriptors, and one that has most makes room") {
  const DescriptorLimit sixty(60);
  const auto server = ServeWithin({});
  std::vector<std::unique_ptr<TcpClient>> clients;  // in this process: each costs two descriptors
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port(), "127.0.0.2"));
    clients.back()->Send(kGetAndStay);
    CHECK(Contains(clients.back()->ReceiveUntil("page"), "page"));
    CHECK(Contains(Scrape(server->port(), "127.0.0.1"), "page"));
  }
  const int still_one = ::open("/dev/null", O_RDONLY);
  CHECK(still_one >= 0);
  ::close(still_one);
}

TEST_CASE("a server that could not have clients is refused, with the descriptors that it needs") {
  const DescriptorLimit few(20);
  const auto server = HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kPool, Page);
  CHECK_FALSE(server.ok());
  if (!server) {
    CHECK(Contains(server.error(), "cannot serve on 127.0.0.1:0: "));
    CHECK(Contains(server.error(), " file descriptors are allowed (RLIMIT_NOFILE), "));
    CHECK(Contains(server.error(), " are needed at least"));
  }
}

}  // namespace
}  // namespace radar_spoof
