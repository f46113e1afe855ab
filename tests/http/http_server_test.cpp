#include "radar_spoof/http/http_server.h"

#include <atomic>
#include <fstream>
#include <future>
#include <mutex>
#include <semaphore>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>

#include "support/certificates.h"
#include "support/contains.h"
#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::Contains;
using test::Exchange;
using test::TcpClient;

constexpr std::string_view kClose = "Host: x\r\nConnection: close\r\n\r\n";

std::string Request(std::string_view line, std::string_view headers = "") {
  return std::string(line) + " HTTP/1.1\r\n" + std::string(headers) + std::string(kClose);
}

// "200" of "HTTP/1.1 200 OK...".
std::string Status(std::string_view reply) {
  return std::string(reply.substr(0, 9) == "HTTP/1.1 " ? reply.substr(9, 3) : reply);
}

std::string Body(std::string_view reply) {
  const auto end = reply.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(reply.substr(end + 4));
}

ServerResponse Echo(const ServerRequest& request) {
  std::string body = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) body += " " + name + "=" + value;
  return {200, {{"Content-Type", "text/plain"}, {"X-Test", "1"}}, body};
}

std::unique_ptr<HttpServer> Serve(HttpServer::Handler handler, ServerOptions options = {},
                                  ServerThreads threads = ServerThreads::kPool,
                                  const std::string& host = "127.0.0.1") {
  auto server = HttpServer::Start({host, 0}, threads, std::move(handler), std::move(options));
  if (!server) throw std::runtime_error(server.error());
  return std::move(server).value();
}

// With these, a server that waits for a client waits for longer than a test may take.
constexpr std::chrono::milliseconds kForever = std::chrono::hours(1);
ServerOptions Patient() { return {.head_deadline = kForever, .response_deadline = kForever}; }

TEST_CASE("the handler sees method, decoded path and decoded query, in order") {
  const auto server = Serve(Echo);
  CHECK(Body(Exchange(server->port(), Request("GET /a%20b/%2Fc?x=1&x=%26&y+z=a+b&flag"))) ==
        "GET /a b//c x=1 x=& y z=a b flag=");
  CHECK(Body(Exchange(server->port(), Request("PUT /p"))) == "PUT /p");
  CHECK(Body(Exchange(server->port(), Request("BREW /p"))) == "BREW /p");
}

TEST_CASE("the handler sees header names in lower case and values as sent") {
  const auto server = Serve([](const ServerRequest& request) {
    return ServerResponse{200, {}, std::string(request.Header("x-mixed"))};
  });
  CHECK(Body(Exchange(server->port(), Request("GET /", "X-MiXeD: a B\r\n"))) == "a B");
}

TEST_CASE("a reply carries its headers and the exact Content-Length") {
  const auto server = Serve(Echo);
  const std::string reply = Exchange(server->port(), Request("GET /four"));
  CHECK(Contains(reply, "\r\nContent-Length: 9\r\n"));
  CHECK(Contains(reply, "\r\nX-Test: 1\r\n"));
  CHECK(Body(reply) == "GET /four");
}

TEST_CASE("a large body arrives whole") {
  const std::string large(3'000'000, 'x');
  const auto server = Serve([&](const ServerRequest&) { return ServerResponse{200, {}, large}; });
  CHECK(Body(Exchange(server->port(), Request("GET /"))) == large);
}

TEST_CASE("a body that begins with a shared text arrives whole, over and over") {
  const auto shared = std::make_shared<const std::string>(std::string(3'000'000, 's'));
  for (const std::string own : {"", "own"}) {
    const auto server = Serve(
        [&](const ServerRequest&) { return ServerResponse{.body = own, .shared_body = shared}; });
    for (int i = 0; i < 3; ++i) {
      CHECK(Body(Exchange(server->port(), Request("GET /"))) == *shared + own);
    }
    CHECK(Contains(Exchange(server->port(), Request("HEAD /")),
                   "\r\nContent-Length: " + std::to_string(3'000'000 + own.size()) + "\r\n"));
  }
  CHECK(shared.use_count() == 1);
}

TEST_CASE("HEAD is answered with GET's headers and no body") {
  const auto server = Serve(Echo);
  const std::string reply = Exchange(server->port(), Request("HEAD /four"));
  CHECK(Status(reply) == "200");
  CHECK(Contains(reply, "\r\nContent-Length: 10\r\n"));
  CHECK(Body(reply).empty());
}

TEST_CASE("pipelined requests are answered in order on one connection") {
  const auto server = Serve(Echo);
  TcpClient client(server->port());
  client.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" + Request("GET /2"));
  const std::string replies = client.ReceiveAll();
  const auto first = replies.find("GET /1");
  CHECK(first != std::string::npos);
  CHECK(replies.find("GET /2") > first);
  CHECK(!Contains(replies, "TIMEOUT"));
}

TEST_CASE("a client that has shut its sending side still gets its answer") {
  const auto server = Serve(Echo);
  TcpClient client(server->port());
  client.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  client.CloseWriting();
  CHECK(Body(client.ReceiveUntil("GET /1")) == "GET /1");
}

TEST_CASE("requests that a strict server refuses never reach the handler") {
  std::atomic<int> handled = 0;
  const auto server = Serve([&](const ServerRequest& request) {
    ++handled;
    return Echo(request);
  });
  struct Row {
    const char* name;
    std::string request;
    const char* status;
    const char* or_status = "";  // of another version of libmicrohttpd; nullptr: closes silently
  };
  const Row rows[] = {
      {"no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
      {"two Hosts", Request("GET /", "Host: y\r\n"), "400"},
      {"space before the colon", Request("GET /", "X-A : b\r\n"), "400"},
      {"header without a colon", Request("GET /", "garbage\r\n"), "400"},
      {"bare LF everywhere", "GET / HTTP/1.1\nHost: x\nConnection: close\n\n", "400"},
      {"bare LF and padding", "GET / HTTP/1.1\nHost:    x\nConnection:     close\n\n", "400"},
      {"bare LF after one header", "GET / HTTP/1.1\r\nX: a\n" + std::string(kClose), "400"},
      {"bare LF after the request line", "GET / HTTP/1.1\n" + std::string(kClose), "400"},
      {"bare LF after the last header", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\n\r\n",
       "400"},
      {"bare LF for the empty line", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\n", "400"},
      {"bare CR in a header", Request("GET /", "X: a\rb\r\n"), "400"},
      {"bare CR at a header's end", Request("GET /", "X: a\r\r\n"), "400"},
      {"DEL in a header", Request("GET /", "X: a\x7f\r\n"), "400"},
      {"folded header", Request("GET /", "X: a\r\n b\r\n"), "400"},
      {"header folded with a tab", Request("GET /", "X: a\r\n\tb\r\n"), "400"},
      {"folded header without a value", Request("GET /", "X:\r\n b\r\n"), "400"},
      {"header folded to nothing", Request("GET /", "X: a\r\n \r\n"), "400"},
      {"folded Transfer-Encoding",
       Request("POST /", "Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n", "400"},
      {"folded Content-Length", Request("POST /", "Content-Length:\r\n 3\r\n") + "abc", "400"},
      {"Content-Length folded on", Request("POST /", "Content-Length: 3\r\n 4\r\n") + "abc", "400"},
      {"folded last header", "GET / HTTP/1.1\r\nConnection: close\r\nHost: x\r\n y\r\n\r\n", "400"},
      {"space before the first header", Request("GET /", " X: a\r\n"), "400"},
      {"NUL in the target", Request({"GET /\0a", 7}), "400", nullptr},
      {"NUL in a header", Request("GET /", {"X: a\0b\r\n", 8}), "400"},
      {"NUL before a header", Request("GET /", {"X:\0a\r\n", 7}), "400"},
      {"NUL in a header's name", Request("GET /", {"X\0: a\r\n", 8}), "400"},
      {"two spaces before the target", Request("GET  /"), "400"},
      {"two spaces after the target", Request("GET / "), "400"},
      {"a tab before the target", Request("GET\t/"), "400", nullptr},
      {"a space before the method", Request(" GET /"), "400", nullptr},
      {"a space after the version", "GET / HTTP/1.1 \r\n" + std::string(kClose), "400"},
      {"65 headers",
       [] {
         std::string headers;
         for (int i = 0; i < 63; ++i) headers += "X: a\r\n";
         return Request("GET /", headers);
       }(),
       "431"},
      {"space in the target", Request("GET /a b"), "400"},
      {"CR in the target", Request("GET /a\rb"), "400"},
      {"raw UTF-8 in the target", Request("GET /\xc3\xbc"), "400"},
      {"broken escape", Request("GET /%zz"), "400"},
      {"cut escape", Request("GET /%4"), "400"},
      {"absolute form for another host", Request("GET http://y/"), "400"},
      {"CONNECT", Request("CONNECT y:443"), "400"},
      {"CONNECT to a path", Request("CONNECT /"), "400"},
      {"Content-Length and chunked",
       Request("POST /",
               "Content-Length: 3\r\nTransfer-Encoding: "
               "chunked\r\n") +
           "0\r\n\r\n",
       "400"},
      {"two Content-Lengths",
       Request("POST /", "Content-Length: 1\r\nContent-Length: 2\r\n") + "ab", "400"},
      {"Content-Length that is no number", Request("POST /", "Content-Length: abc\r\n"), "400"},
      {"negative Content-Length", Request("POST /", "Content-Length: -1\r\n"), "400"},
      {"Content-Length over 2^64", Request("POST /", "Content-Length: 99999999999999999999\r\n"),
       "413", "400"},
      {"unknown transfer coding", Request("POST /", "Transfer-Encoding: foo\r\n"), "400", "501"},
      {"HTTP/0.9", "GET /\r\n\r\n", "400"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"17 KiB of header", Request("GET /", "X: " + std::string(17408, 'a') + "\r\n"), "431"},
      {"1 MB of header", Request("GET /", "X: " + std::string(1'000'000, 'a') + "\r\n"), "431"},
      {"2000 headers",
       [] {
         std::string headers;
         for (int i = 0; i < 2000; ++i) headers += "X: a\r\n";
         return Request("GET /", headers);
       }(),
       "431"},
      {"1 MB of target", Request("GET /" + std::string(1'000'000, 'a')), "414"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    const std::string reply = Exchange(server->port(), row.request);
    if (row.or_status == nullptr && reply.empty()) continue;
    if (row.or_status != nullptr && Status(reply) == row.or_status) continue;
    CHECK(Status(reply) == row.status);
  }
  CHECK(handled == 0);
}

TEST_CASE("requests that are unusual and legal are served") {
  const auto server = Serve(Echo);
  const std::string kilobytes(15'000, 'a');
  CHECK(Status(Exchange(server->port(), "GET / HTTP/1.0\r\n\r\n")) == "200");
  CHECK(Body(Exchange(server->port(), Request("GET http://X/a?b=c"))) == "GET /a b=c");
  CHECK(Body(Exchange(server->port(), Request("OPTIONS *"))) == "OPTIONS *");
  CHECK(Status(Exchange(server->port(), Request("GET /", "X: " + kilobytes + "\r\n"))) == "200");
  CHECK(Status(Exchange(server->port(), Request("GET /" + kilobytes))) == "200");
  CHECK(Status(Exchange(server->port(), "\r\n" + Request("GET /"))) == "200");
  CHECK(Status(Exchange(server->port(), Request("GET /", "X:\ta\t\xc3\xbc \r\nY:\r\nZ:z\r\n"))) ==
        "200");
  CHECK(Status(Exchange(server->port(), Request("GET /", "Cookie: a=b; c\r\n"))) == "200");
  std::string headers;
  for (int i = 0; i < 62; ++i) headers += "X: a\r\n";
  CHECK(Status(Exchange(server->port(), Request("GET /", headers))) == "200");
  // Some versions of libmicrohttpd 1.0 refuse it.
  const std::string nul = Exchange(server->port(), Request("GET /a%00b"));
  if (Status(nul) != "400") CHECK(Body(nul) == std::string("GET /a\0b", 8));
}

TEST_CASE("blanks around a header's value are no part of it") {
  const auto server = Serve([](const ServerRequest& request) {
    return ServerResponse{200, {}, "<" + std::string(request.Header("x")) + ">"};
  });
  for (const auto& [header, value] : {std::pair{"X:a", "<a>"},
                                      {"X: a", "<a>"},
                                      {"X: a ", "<a>"},
                                      {"X:\t a b\t \t", "<a b>"},
                                      {"X:  ", "<>"}}) {
    const std::string line(header);
    CAPTURE(line);
    CHECK(Body(Exchange(server->port(), Request("GET /", line + "\r\n"))) == value);
  }
}

TEST_CASE("the handler is told the client's address, IPv4 as IPv4 on a socket that serves both") {
  const auto server = Serve(
      [](const ServerRequest& request) {
        return ServerResponse{200, {}, request.client};
      },
      {}, ServerThreads::kPool, "");
  CHECK(Body(Exchange(server->port(), Request("GET /"), AF_INET)) == "127.0.0.1");
  CHECK(Body(Exchange(server->port(), Request("GET /"), AF_INET6)) == "::1");
}

TEST_CASE(
    "a request is answered at its head, and closed if it announced a body, which may never come") {
  const auto server = Serve(Echo);
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "BREW"}) {
    for (const char* framing :
         {"Content-Length: 100\r\n", "Content-Length: 1000000000\r\n",
          "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\nExpect: 100-continue\r\n"}) {
      CAPTURE(std::string(method) + " " + framing);
      const std::string reply = Exchange(
          server->port(), std::string(method) + " / HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n");
      CHECK(Status(reply) == "200");
      CHECK(Contains(reply, "\r\nConnection: close\r\n"));
      if (method != std::string("HEAD")) CHECK(Body(reply) == std::string(method) + " /");
    }
  }
}

TEST_CASE("a request with a body that does come is answered like one without") {
  const auto server = Serve(Echo);
  CHECK(Body(Exchange(server->port(), Request("POST /", "Content-Length: 3\r\n") + "abc")) ==
        "POST /");
  CHECK(Body(Exchange(server->port(), Request("POST /", "Transfer-Encoding: chunked\r\n") +
                                          "3\r\nabc\r\n0\r\n\r\n")) == "POST /");
  CHECK(Body(Exchange(server->port(), Request("POST /", "Content-Length: 0\r\n"))) == "POST /");
}

// As many as the limit on a request's head allows: pairs of four bytes.
TEST_CASE("a query of any number of parameters is served, as long as the head is not too long") {
  const auto server = Serve([](const ServerRequest& request) {
    return ServerResponse{200, {}, std::to_string(request.query.size())};
  });
  for (const int count : {400, 1000, 4000}) {
    CAPTURE(count);
    std::string target = "/?";
    for (int i = 0; i < count; ++i) target += "a=1&";
    CHECK(Body(Exchange(server->port(), Request("GET " + target))) == std::to_string(count));
  }
  std::string target = "/?";
  while (target.size() < 16'500) target += "a=1&";
  CHECK(Status(Exchange(server->port(), Request("GET " + target))) == "431");
}

TEST_CASE("what a response awaits keeps no other client waiting, and decides what is sent") {
  std::mutex mutex;
  std::vector<std::shared_ptr<Awaited>> awaited;
  std::counting_semaphore<> asked(0);
  auto server = Serve([&](const ServerRequest& request) {
    if (request.path != "/later") return Echo(request);
    ServerResponse response;
    response.awaited = std::make_shared<Awaited>();
    response.then = [&request] { return Echo(request); };
    const std::lock_guard lock(mutex);
    awaited.push_back(response.awaited);
    asked.release();
    return response;
  });
  // More than there are threads: none of them waits.
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port()));
    clients.back()->Send(i % 2 == 0 ? Request("GET /later")
                                    : Request("POST /later", "Content-Length: 9\r\n"));
    asked.acquire();
  }
  CHECK(Body(Exchange(server->port(), Request("GET /now"))) == "GET /now");
  for (int i = 0; i < 4; ++i) awaited[static_cast<std::size_t>(i)]->Done();
  for (int i = 0; i < 4; ++i) {
    CHECK(Body(clients[static_cast<std::size_t>(i)]->ReceiveAll()) ==
          (i % 2 == 0 ? "GET /later" : "POST /later"));
  }
  server.reset();
  for (int i = 4; i < 8; ++i) CHECK(clients[static_cast<std::size_t>(i)]->ReceiveAll() == "");
  for (const auto& each : awaited) each->Done();  // to nobody
}

TEST_CASE("several addresses are served by one server, and told apart by their ports") {
  auto server = HttpServer::Start({{"127.0.0.1", 0}, {"127.0.0.2", 0}, {"::1", 0}},
                                  ServerThreads::kPool, Echo);
  REQUIRE(server);
  const std::vector<int> ports = server.value()->ports();
  REQUIRE(ports.size() == 3);
  CHECK(Body(Exchange(ports[0], Request("GET /1"))) == "GET /1");
  CHECK(Body(Exchange(ports[2], Request("GET /3"), AF_INET6)) == "GET /3");
  CHECK_THROWS(TcpClient(ports[1]));  // which goes to 127.0.0.1
  CHECK(server.value()->Answers());
}

TEST_CASE("an exception in the handler is a 500 for one client, and reported") {
  std::mutex mutex;
  std::string reported;
  ServerOptions options;
  options.on_error = [&](std::string_view text) {
    const std::lock_guard lock(mutex);
    reported += text;
  };
  const auto server = Serve(
      [](const ServerRequest& request) {
        if (request.path == "/boom") throw std::runtime_error("out of luck");
        if (request.path == "/int") throw 42;
        return Echo(request);
      },
      options);
  const std::string reply = Exchange(server->port(), Request("GET /boom"));
  CHECK(Status(reply) == "500");
  CHECK(!Contains(reply, "luck"));
  CHECK(Status(Exchange(server->port(), Request("GET /int"))) == "500");
  CHECK(Status(Exchange(server->port(), Request("GET /"))) == "200");
  const std::lock_guard lock(mutex);
  CHECK(reported == "out of luckunknown exception");
}

TEST_CASE("20 clients at once are each answered with their own page") {
  for (const auto threads : {ServerThreads::kPool, ServerThreads::kThreadPerConnection}) {
    const auto server = Serve(Echo, {}, threads);
    std::vector<std::future<std::string>> replies;
    for (int i = 0; i < 20; ++i) {
      replies.push_back(std::async(std::launch::async, [&server, i] {
        std::string bodies;
        for (int turn = 0; turn < 20; ++turn) {
          bodies = Body(Exchange(server->port(), Request("GET /" + std::to_string(i))));
        }
        return bodies;
      }));
    }
    for (int i = 0; i < 20; ++i) {
      CHECK(replies[static_cast<std::size_t>(i)].get() == "GET /" + std::to_string(i));
    }
  }
}

TEST_CASE("idle and half-open clients do not keep others waiting") {
  const auto server = Serve(Echo, Patient());
  std::vector<std::unique_ptr<TcpClient>> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(std::make_unique<TcpClient>(server->port()));
    if (i % 2 == 0) idle.back()->Send("GET /metrics HTTP/1.1\r\nHost: x\r\n");
  }
  CHECK(Status(Exchange(server->port(), Request("GET /"))) == "200");
  for (const auto& client : idle) CHECK(client->ReceiveAll(0ms) == "TIMEOUT");
}

TEST_CASE(
    "destruction does not wait for idle, half-open and keep-alive clients, and they are dropped") {
  for (const auto threads : {ServerThreads::kPool, ServerThreads::kThreadPerConnection}) {
    auto server = Serve(Echo, Patient(), threads);
    const int port = server->port();
    TcpClient idle(port);
    TcpClient half_open(port);
    half_open.Send("GET / HT");
    TcpClient kept_alive(port);
    kept_alive.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(Contains(kept_alive.ReceiveUntil("GET /1"), "GET /1"));
    server.reset();
    CHECK(idle.ReceiveAll() == "");
    CHECK(kept_alive.ReceiveAll() == "");
    CHECK_THROWS(TcpClient(port));
  }
}

TEST_CASE("a delayed response arrives late, and other clients do not wait for it") {
  const auto server = Serve(
      [](const ServerRequest& request) {
        ServerResponse response = Echo(request);
        if (request.path == "/slow") response.delay = 300ms;
        if (request.path == "/never") response.delay = kForever;
        return response;
      },
      {}, ServerThreads::kThreadPerConnection);
  TcpClient never(server->port());
  never.Send(Request("GET /never"));
  CHECK(Status(Exchange(server->port(), Request("GET /fast"))) == "200");
  TcpClient slow(server->port());
  const auto start = std::chrono::steady_clock::now();
  slow.Send(Request("GET /slow"));
  CHECK(Body(slow.ReceiveAll()) == "GET /slow");
  CHECK(std::chrono::steady_clock::now() - start >= 300ms);
}

TEST_CASE("destruction wakes delayed responses, whose clients get no answer") {
  std::counting_semaphore<> entered(0);
  auto server = Serve(
      [&](const ServerRequest& request) {
        ServerResponse response = Echo(request);
        if (request.path == "/slow") response.delay = kForever;
        entered.release();
        return response;
      },
      {}, ServerThreads::kThreadPerConnection);
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server->port()));
    clients.back()->Send(Request("GET /slow"));
    entered.acquire();
  }
  // By the time these are answered the first of the delayed ones are asleep, not about to be.
  for (int i = 0; i < 8; ++i) {
    CHECK(Status(Exchange(server->port(), Request("GET /fast"))) == "200");
  }
  server.reset();
  for (const auto& client : clients) CHECK(client->ReceiveAll() == "");
}

TEST_CASE(
    "connections that are open when TLS settings change keep them for one request, then close") {
  const auto server = Serve([](const ServerRequest& request) {
    return ServerResponse{200, {}, request.path + std::to_string(request.settings)};
  });
  TcpClient idle(server->port());
  idle.Send("GET /1/ HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(Contains(idle.ReceiveUntil("/1/0"), "/1/0"));
  TcpClient half_way(server->port());
  half_way.Send("GET /2/ HTTP/1.1\r\nHos");
  CHECK(Body(Exchange(server->port(), Request("GET /3/"))) == "/3/0");  // half_way was accepted
  CHECK(server->settings() == 0);
  CHECK(server->UseTls(std::nullopt) == std::nullopt);
  CHECK(server->settings() == 1);
  half_way.Send("t: x\r\n\r\n");
  idle.Send("GET /4/ HTTP/1.1\r\nHost: x\r\n\r\n");
  for (const auto& [client, body] : {std::pair(&half_way, "/2/0"), {&idle, "/4/0"}}) {
    const std::string reply = client->ReceiveAll();
    CHECK(Contains(reply, "\r\nConnection: close\r\n"));
    CHECK(Body(reply) == body);
  }
  CHECK(Body(Exchange(server->port(), Request("GET /5/"))) == "/5/1");
}

int ThreadsOfProcess() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "Threads:") break;
  }
  int count = 0;
  status >> count;
  return count;
}

TEST_CASE("what served by old settings is gone soon, though nobody ever connects") {
  const auto server = Serve(Echo);
  const int threads = ThreadsOfProcess();
  for (int turn = 0; turn < 3; ++turn) CHECK(server->UseTls(std::nullopt) == std::nullopt);
  CHECK(ThreadsOfProcess() > threads);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (ThreadsOfProcess() > threads && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  CHECK(ThreadsOfProcess() == threads);
}

TEST_CASE("a port in use is reported with the address and the system's reason") {
  const auto first = Serve(Echo);
  const auto second = HttpServer::Start({"127.0.0.1", first->port()}, ServerThreads::kPool, Echo);
  CHECK(!second.ok());
  CHECK(second.error() ==
        "cannot listen on 127.0.0.1:" + std::to_string(first->port()) + ": Address already in use");
}

TEST_CASE("an address that is not this machine's or not a name is reported") {
  const auto foreign = HttpServer::Start({"192.0.2.1", 0}, ServerThreads::kPool, Echo);
  CHECK(!foreign.ok());
  CHECK(foreign.error() == "cannot listen on 192.0.2.1:0: Cannot assign requested address");
  const auto nonsense = HttpServer::Start({"1.2.3", -1}, ServerThreads::kPool, Echo);
  CHECK(!nonsense.ok());
}

TEST_CASE("a stopped server gives its port and descriptors back") {
  auto first = Serve(Echo);
  const int port = first->port();
  first.reset();
  const int before = ::open("/dev/null", O_RDONLY);
  ::close(before);
  {
    const auto again = HttpServer::Start({"127.0.0.1", port}, ServerThreads::kPool, Echo);
    CHECK(again.ok());
  }
  const int after = ::open("/dev/null", O_RDONLY);
  ::close(after);
  CHECK(after == before);
}

TEST_CASE("without a host both IPv6 and IPv4 are served") {
  const auto server = Serve(Echo, {}, ServerThreads::kPool, "");
  CHECK(Status(Exchange(server->port(), Request("GET /"), AF_INET)) == "200");
  CHECK(Status(Exchange(server->port(), Request("GET /"), AF_INET6)) == "200");
}

TEST_CASE("an IPv6 literal is served on IPv6 alone") {
  std::atomic<int> asked = 0;
  const auto server = Serve(
      [&asked](const ServerRequest& request) {
        ++asked;
        return Echo(request);
      },
      {}, ServerThreads::kPool, "::1");
  CHECK(Status(Exchange(server->port(), Request("GET /"), AF_INET6)) == "200");
  CHECK(asked == 1);
  try {
    // Somebody else may have the same port of IPv4.
    (void)Exchange(server->port(), Request("GET /"), AF_INET);
  } catch (const std::exception&) {  // most often nobody
  }
  CHECK(asked == 1);
}

}  // namespace
}  // namespace radar_spoof
