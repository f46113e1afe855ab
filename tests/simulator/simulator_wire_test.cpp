// The simulated API through a real server and a real socket.
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "support/simulator_calls.h"
#include "support/tcp_client.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

class ServedSimulator {
 public:
  explicit ServedSimulator(const SimulatorOptions& options = {})
      : clock_("2026-06-09T08:06:40Z"), simulator_(options, clock_) {
    auto started = HttpServer::Start(
        {"127.0.0.1", 0}, ServerThreads::kThreadPerConnection,
        [this](const ServerRequest& request) { return simulator_.Handle(request); });
    REQUIRE(started.ok());
    server_ = std::move(started).value();
  }

  std::string Call(const std::string& request_line, const std::string& headers = "") const {
    radar_spoof::test::TcpClient client(server_->port());
    client.Send(request_line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers +
                "\r\n");
    return client.ReceiveAll();
  }
  int port() const { return server_->port(); }
  void Stop() { server_.reset(); }

 private:
  test::TurnedClock clock_;
  Simulator simulator_;
  std::unique_ptr<HttpServer> server_;
};

const std::string kToken = "Authorization: Bearer simulator-token\r\n";
const std::string kGet = "GET " + std::string(test::kSpoof);

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a request over the wire is answered with the series, percent-decoded and in order") {
  const ServedSimulator served;
  const std::string answer = served.Call(
      kGet + "?name=a%20b&dateRange=1w&spf=PASS%2CFAIL&name=c&dateRange=1wcontrol&spf=", kToken);
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(Contains(answer, "\r\nContent-Type: application/json\r\n"));
  CHECK(Contains(answer, "\r\nRatelimit: \"default\";r=1199;t=300\r\n"));
  CHECK(Contains(answer, "\r\nRatelimit-Policy: \"default\";q=1200;w=300\r\n"));
  CHECK(Contains(answer, R"("result":{"a b":{"timestamps":["2026-06-02T07:00:00Z",)"));
  CHECK(Contains(answer, R"("c":{"timestamps":["2026-05-26T07:00:00Z",)"));
}

TEST_CASE("a plus sign in an offset must be encoded to survive, as everywhere on the web") {
  const ServedSimulator served;
  const std::string start = "?dateStart=2026-06-01T02:00:00%2B02:00&dateEnd=2026-06-01T01:00:00Z";
  CHECK(Contains(served.Call(kGet + start, kToken),
                 R"("timestamps":["2026-06-01T00:00:00Z","2026-06-01T00:15:00Z")"));
}

TEST_CASE("header names are matched whatever their case") {
  const ServedSimulator served;
  CHECK(served.Call(kGet + "?dateRange=1d", "AUTHORIZATION: Bearer simulator-token\r\n")
            .starts_with("HTTP/1.1 200 "));
  CHECK(served.Call(kGet + "?dateRange=1d", "Authorization: Bearer wrong\r\n")
            .starts_with("HTTP/1.1 403 "));
}

TEST_CASE("the scenario is switched with PUT, with and without a body, and read back") {
  const ServedSimulator served;
  CHECK(served.Call("PUT /scenario/outage").starts_with("HTTP/1.1 200 "));
  CHECK(served.Call(kGet + "?dateRange=1d", kToken).starts_with("HTTP/1.1 503 "));
  CHECK(served.Call("POST /scenario/calm", "Content-Length: 0\r\n").starts_with("HTTP/1.1 200 "));
  CHECK(Contains(served.Call("GET /scenario"), R"("scenario":"calm")"));
}

TEST_CASE("a slow answer holds up no other call and is given up when the server stops") {
  SimulatorOptions options;
  options.scenario = Scenario::kSlow;
  options.slow_delay = 1h;
  ServedSimulator served(options);
  radar_spoof::test::TcpClient waiting(served.port());
  waiting.Send(kGet + "?dateRange=1d HTTP/1.1\r\nHost: a\r\n" + kToken + "\r\n");
  std::string requests;
  while (!Contains(requests, R"("api_requests":1,)")) requests = served.Call("GET /requests");
  served.Stop();
  CHECK(!Contains(waiting.ReceiveAll(), "serie_0"));
}

TEST_CASE("a slow answer arrives after its delay") {
  SimulatorOptions options;
  options.scenario = Scenario::kSlow;
  options.slow_delay = 150ms;
  const ServedSimulator served(options);
  const auto began = std::chrono::steady_clock::now();
  CHECK(Contains(served.Call(kGet + "?dateRange=1d", kToken), "serie_0"));
  CHECK(std::chrono::steady_clock::now() - began >= 150ms);
}

}  // namespace
}  // namespace radar_spoof::simulator
