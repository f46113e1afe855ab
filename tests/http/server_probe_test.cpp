// HttpServer::Answers, which the watchdog asks.
#include <fstream>
#include <latch>
#include <list>
#include <semaphore>

#include <doctest/doctest.h>

#include "radar_spoof/http/http_server.h"
#include "support/certificates.h"
#include "support/tcp_client.h"
#include "support/temporary_directory.h"

namespace radar_spoof::test {
namespace {

ServerResponse Page(const ServerRequest&) { return {200, {}, "page", {}}; }

TEST_CASE("a running server answers itself, wherever it is bound, with TLS and without") {
  for (const char* address : {":0", "127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0"}) {
    CAPTURE(address);
    const auto server =
        HttpServer::Start(ListenAddress::Parse(address).value(), ServerThreads::kPool, Page);
    REQUIRE(server);
    CHECK(server.value()->Answers());
  }
  const TemporaryDirectory directory;
  MakeCertificate(directory, "server");
  ServerOptions options;
  options.tls = TlsSettings{.certificate_pem = ReadText(directory.Path("server.crt")),
                            .key_pem = ReadText(directory.Path("server.key")),
                            .client_ca_pem = ""};
  const auto server =
      HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kPool, Page, std::move(options));
  REQUIRE(server);
  CHECK(server.value()->Answers());
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
        return Page(request);
      });
  REQUIRE(server);
  // The server deals connections out by descriptor number, and both ends are of this process: the
  // spare descriptor makes the number of a turn differ from the last one's by three, not by two,
  // so that the turns come to both threads. One that comes to a stuck thread only waits there.
  std::list<TcpClient> clients;
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
}  // namespace radar_spoof::test
