// Connections as unruly servers and proxies treat them: the front before a real server, byte by
// byte on real sockets.
#include <ctime>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <pthread.h>

#include "simulator/unruly_front.h"
#include "support/descriptor_limit.h"
#include "support/tcp_client.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using radar_spoof::test::DescriptorLimit;
using radar_spoof::test::TcpClient;

class FrontRig {
 public:
  explicit FrontRig(const ConnectionFaults& faults) {
    auto server = HttpServer::Start(
        {"127.0.0.1", 0}, ServerThreads::kThreadPerConnection, [](const ServerRequest& request) {
          return ServerResponse{200, {}, "answer to " + request.path + ";"};
        });
    REQUIRE(server.ok());
    server_ = std::move(server).value();
    auto front = UnrulyFront::Start({"127.0.0.1", 0}, server_->port(), faults);
    REQUIRE(front.ok());
    front_ = std::move(front).value();
  }

  int port() const { return front_->port(); }
  void Stop() { front_.reset(); }

 private:
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<UnrulyFront> front_;
};

std::string Get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("every answer is sent twice, at once or later, on a connection that stays open") {
  for (const Milliseconds later : {0ms, 5ms}) {
    const FrontRig rig({.answer_twice = later});
    TcpClient client(rig.port());
    for (const char* path : {"/1", "/2"}) {
      client.Send(Get(path));
      const std::string said = client.ReceiveUntil(std::string("answer to ") + path + ";", 2);
      CHECK(Count(said, "HTTP/1.1 200 OK\r\n") == 2);
      CHECK(said.substr(0, said.size() / 2) == said.substr(said.size() / 2));
    }
  }
}

TEST_CASE("the second answer comes as long after the first as it is told to") {
  const FrontRig rig({.answer_twice = 50ms});
  TcpClient client(rig.port());
  const auto began = std::chrono::steady_clock::now();
  client.Send(Get("/1"));
  CHECK(Count(client.ReceiveUntil("answer to /1;", 2), "answer to /1;") == 2);
  CHECK(std::chrono::steady_clock::now() - began >= 50ms);
}

TEST_CASE("a client that wants the connection closed gets both answers, and then its end") {
  const FrontRig rig({.answer_twice = 1ms});
  TcpClient client(rig.port());
  client.Send(Get("/1", "Connection: close\r\n"));
  CHECK(Count(client.ReceiveAll(), "answer to /1;") == 2);
}

TEST_CASE("HEAD is answered twice, too, without a body") {
  const FrontRig rig({.answer_twice = 0ms});
  TcpClient client(rig.port());
  client.Send("HEAD /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string said = client.ReceiveAll();
  CHECK(Count(said, "HTTP/1.1 200 OK\r\n") == 2);
  CHECK(Count(said, "answer") == 0);
}

TEST_CASE("a connection on which nothing is asked gets 408 and is closed") {
  const FrontRig rig({.idle_408 = 20ms});
  TcpClient client(rig.port());
  const std::string said = client.ReceiveAll();
  CHECK(said.starts_with("HTTP/1.1 408 Request Time-out\r\n"));
  CHECK(said.ends_with("</body></html>\n"));
  CHECK(said.size() - said.find("<html>") == 110);  // as Content-length says
}

TEST_CASE("so is one that was used before") {
  const FrontRig rig({.idle_408 = 1s});
  TcpClient client(rig.port());
  client.Send(Get("/1"));
  CHECK(Count(client.ReceiveAll(), "answer to /1;HTTP/1.1 408 Request Time-out\r\n") == 1);
}

TEST_CASE("what waits ends when the front does") {
  FrontRig rig({.answer_twice = 1h});
  TcpClient idle(rig.port());
  TcpClient waiting(rig.port());
  waiting.Send(Get("/1"));
  waiting.ReceiveUntil("answer to /1;");
  rig.Stop();
  CHECK(waiting.ReceiveAll().empty());
  CHECK(idle.ReceiveAll().empty());
}

TEST_CASE("without a descriptor a client waits, and costs no work, until there is one") {
  const FrontRig rig({.answer_twice = 0ms});
  auto limit = std::make_unique<DescriptorLimit>(1);
  TcpClient client(rig.port());
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(500ms);
  CHECK(std::clock() - before < CLOCKS_PER_SEC / 10);
  limit.reset();
  client.Send(Get("/1"));
  CHECK(Count(client.ReceiveUntil("answer to /1;", 2), "HTTP/1.1 200 OK\r\n") == 2);
}

TEST_CASE("a client for whom there is no thread is let go, and the next one served") {
  const FrontRig rig({.answer_twice = 0ms});
  pthread_attr_t usual;
  REQUIRE(pthread_getattr_default_np(&usual) == 0);
  pthread_attr_t too_large = usual;
  REQUIRE(pthread_attr_setstacksize(&too_large, std::size_t{1} << 60U) == 0);
  REQUIRE(pthread_setattr_default_np(&too_large) == 0);
  CHECK(TcpClient(rig.port()).ReceiveAll().empty());
  REQUIRE(pthread_setattr_default_np(&usual) == 0);
  TcpClient client(rig.port());
  client.Send(Get("/1"));
  CHECK(Count(client.ReceiveUntil("answer to /1;", 2), "HTTP/1.1 200 OK\r\n") == 2);
}

TEST_CASE("an address that is taken is named") {
  const FrontRig rig({.answer_twice = 0ms});
  const auto second = UnrulyFront::Start({"127.0.0.1", rig.port()}, 1, {.idle_408 = 1s});
  REQUIRE(!second.ok());
  CHECK(second.error() ==
        "cannot listen on 127.0.0.1:" + std::to_string(rig.port()) + ": Address already in use");
}

}  // namespace
}  // namespace radar_spoof::simulator
