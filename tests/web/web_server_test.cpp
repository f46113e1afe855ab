#include "radar_spoof/web/web_server.h"

#include <atomic>
#include <future>
#include <optional>

#include <doctest/doctest.h>

#include "support/certificates.h"
#include "support/curl_command.h"
#include "support/descriptor_limit.h"
#include "support/tcp_client.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

constexpr const char* kHead = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
// Of "secret".
constexpr const char* kUsers =
    "basic_auth_users: {prom: $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW}\n";

// A server with the certificate "old"; "new" is another one, of the same address.
class WebServerFixture {
 public:
  WebServerFixture() {
    for (const char* name : {"old", "new"}) test::MakeCertificate(directory_, name);
    directory_.Write("both.crt", Pem("old.crt") + Pem("new.crt"));
    UseCertificate("old");
    Start(kHead);
  }

 protected:
  std::string Pem(const std::string& name) const { return test::ReadText(directory_.Path(name)); }
  void UseCertificate(const std::string& name) const {
    directory_.Write("server.crt", Pem(name + ".crt"));
    directory_.Write("server.key", Pem(name + ".key"));
  }
  void Start(const std::string& yaml) {
    const std::string file = directory_.Write("web.yaml", yaml);
    auto config = LoadWebConfig(file);
    if (!config) throw std::runtime_error(config.error().front().Text());
    auto server =
        WebServer::Start({{{"127.0.0.1", 0}},
                          {},
                          file,
                          [this](const ServerRequest& request) { return Page(request); },
                          [](const ServerRequest& request) { return request.path == "/probe"; }},
                         std::move(config).value(), auth_, log_);
    if (!server) throw std::runtime_error(server.error());
    server_ = std::move(server).value();
  }

  ServerResponse Page(const ServerRequest& request) {
    ++requests_;
    requests_.notify_all();
    const auto decision = auth_.Check(request.Header("authorization"), request.client,
                                      request.settings, SteadyTime(Seconds(1000)));
    if (decision.outcome != AuthDecision::Outcome::kComparing) return Page(decision);
    ServerResponse response;
    response.awaited = {decision.comparison, &decision.comparison->done};
    response.then = [comparison = decision.comparison] { return Page(comparison->decision); };
    return response;
  }
  static ServerResponse Page(const AuthDecision& decision) {
    return {decision.outcome == AuthDecision::Outcome::kAllowed ? 200 : 401,
            {{"X-Frame-Options", "the page's own"}},
            "page\n",
            {}};
  }
  void WaitForRequests(int more) const {
    const int enough = requests_ + more;
    for (int seen = requests_; seen < enough; seen = requests_) requests_.wait(seen);
  }

  int port() const { return server_->ports().front(); }
  // "200" and so on; "000" without a connection.
  std::string Status(const std::string& authority, const std::string& options = "") const {
    return test::RunCurl("-o /dev/null -w '%{http_code}' --cacert '" + directory_.Path(authority) +
                         "' " + options + " https://127.0.0.1:" + std::to_string(port()) + "/");
  }
  int Logged(std::string_view text) const {
    int count = 0;
    for (auto at = lines_.find(text); at != std::string::npos; at = lines_.find(text, at + 1)) {
      ++count;
    }
    return count;
  }

  test::TemporaryDirectory directory_;
  std::string lines_;
  Log log_{LogLevel::kInfo, LogFormat::kLogfmt, [this](std::string_view line) { lines_ += line; }};
  BasicAuth auth_{{}};
  std::atomic<int> requests_ = 0;
  std::unique_ptr<WebServer> server_;
};

TEST_CASE_FIXTURE(WebServerFixture, "nothing happens when nothing changed") {
  server_->Refresh();
  CHECK(Status("old.crt") == "200");
  CHECK(lines_.empty());
}

TEST_CASE_FIXTURE(WebServerFixture, "a new certificate is used for new connections") {
  UseCertificate("new");
  CHECK(Status("new.crt") == "000");
  server_->Refresh();
  CHECK(Status("new.crt") == "200");
  CHECK(Status("old.crt") == "000");
  CHECK(Logged("web configuration read again") == 1);
}

TEST_CASE_FIXTURE(WebServerFixture, "users come, change and go") {
  CHECK(Status("old.crt") == "200");
  directory_.Write("web.yaml", std::string(kHead) + kUsers);
  server_->Refresh();
  CHECK(Status("old.crt") == "401");
  CHECK(Status("old.crt", "-u prom:secret") == "200");
  directory_.Write("web.yaml", kHead);
  server_->Refresh();
  CHECK(Status("old.crt") == "200");
}

TEST_CASE_FIXTURE(WebServerFixture, "a file that is being written is not used before it is whole") {
  SteadyTime now{};
  const auto look_after = [&](Milliseconds time) {
    now += time;
    server_->RefreshOnceSettled(now);
  };
  directory_.Write("web.yaml", std::string(kHead) + kUsers);
  server_->Refresh();
  CHECK(Status("old.crt") == "401");
  directory_.Write("web.yaml", kHead);
  look_after(WebServer::kWholeAfter);
  look_after(WebServer::kWholeAfter - Milliseconds(1));
  directory_.Write("web.yaml", std::string(kHead) + "rate_limit: {interval: 1ms, burst: 100}\n");
  look_after(WebServer::kWholeAfter);
  CHECK(Status("old.crt") == "401");
  directory_.Write("web.yaml", std::string(kHead) + kUsers);  // as it is in use
  look_after(WebServer::kWholeAfter);
  directory_.Write("web.yaml", kHead);
  look_after(WebServer::kWholeAfter);
  CHECK(Status("old.crt") == "401");
  look_after(WebServer::kWholeAfter);
  CHECK(Status("old.crt") == "200");
}

TEST_CASE_FIXTURE(WebServerFixture, "TLS itself comes and goes") {
  directory_.Write("web.yaml", kUsers);
  server_->Refresh();
  CHECK(Status("old.crt") == "000");
  CHECK(test::Exchange(port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 401"));
  directory_.Write("web.yaml", kHead);
  server_->Refresh();
  CHECK(Status("old.crt") == "200");
}

TEST_CASE_FIXTURE(WebServerFixture,
                  "a broken change changes nothing, is logged once and taken when it is mended") {
  directory_.Write("server.crt", Pem("new.crt"));
  for (int turn = 0; turn < 3; ++turn) server_->Refresh();
  CHECK(Status("old.crt") == "200");
  CHECK(Logged("the web configuration stays as it was") == 1);
  CHECK(Logged("The certificate and the given key do not match") == 1);

  directory_.Write("web.yaml", "nonsense");
  for (int turn = 0; turn < 3; ++turn) server_->Refresh();
  CHECK(Status("old.crt") == "200");
  CHECK(Logged("the web configuration stays as it was") == 2);

  directory_.Write("web.yaml", kHead);
  directory_.Write("server.key", Pem("new.key"));
  server_->Refresh();
  CHECK(Status("new.crt") == "200");
  CHECK(Logged("the web configuration stays as it was") == 2);
}

// Without TLS: what a plain client is answered.
class WebRulesFixture : public WebServerFixture {
 protected:
  std::string Get(const std::string& path, const std::string& headers = "") const {
    return test::Exchange(
        port(), "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "Connection: close\r\n\r\n");
  }
  static bool HoldsLine(const std::string& reply, const std::string& line) {
    return reply.find("\r\n" + line + "\r\n") != std::string::npos;
  }
};

TEST_CASE_FIXTURE(WebRulesFixture, "headers of the file are on every answer, and replace others") {
  Start(std::string(
            "http_server_config:\n  headers: {X-Frame-Options: deny, X-XSS-Protection: 0}\n") +
        kUsers);
  const std::string credentials = "Authorization: Basic cHJvbTpzZWNyZXQ=\r\n";
  for (const std::string& reply : {Get("/"), Get("/", credentials), Get("/", credentials)}) {
    CAPTURE(reply);
    CHECK(HoldsLine(reply, "X-Frame-Options: deny"));
    CHECK(HoldsLine(reply, "X-XSS-Protection: 0"));
    CHECK(reply.find("the page's own") == std::string::npos);
  }
  CHECK(Get("/", credentials).starts_with("HTTP/1.1 200"));
  directory_.Write("web.yaml", "http_server_config: {http2: false}\n");
  server_->Refresh();
  CHECK(HoldsLine(Get("/"), "X-Frame-Options: the page's own"));
}

TEST_CASE_FIXTURE(WebRulesFixture, "requests beyond the rate are told 429, and probes never") {
  Start("rate_limit: {interval: 1h, burst: 3}\n");
  for (int turn = 0; turn < 5; ++turn) CHECK(Get("/probe").starts_with("HTTP/1.1 200"));
  for (int turn = 0; turn < 3; ++turn) CHECK(Get("/").starts_with("HTTP/1.1 200"));
  const std::string refused = Get("/");
  CHECK(refused.starts_with("HTTP/1.1 429"));
  CHECK(HoldsLine(refused, "Retry-After: 3600"));
  CHECK(Get("/probe").starts_with("HTTP/1.1 200"));
  server_->Refresh();  // which changes nothing
  CHECK(Get("/").starts_with("HTTP/1.1 429"));
  directory_.Write("web.yaml", "rate_limit: {interval: 1h, burst: 1}\n");
  server_->Refresh();
  CHECK(Get("/").starts_with("HTTP/1.1 200"));
  CHECK(Get("/").starts_with("HTTP/1.1 429"));
  directory_.Write("web.yaml", "rate_limit: {interval: 0}\n");
  server_->Refresh();
  CHECK(Get("/").starts_with("HTTP/1.1 200"));
}

TEST_CASE_FIXTURE(WebRulesFixture, "a request is let in again when the interval is over") {
  Start("rate_limit: {interval: 1ms, burst: 1}\n");
  int let_in = 0;
  while (let_in < 3) let_in += Get("/").starts_with("HTTP/1.1 200") ? 1 : 0;
  CHECK(let_in == 3);
}

// The end of each of these is the same: client certificates, and no passwords any more.
class FromPasswordsFixture : public WebServerFixture {
 protected:
  FromPasswordsFixture() {
    test::MakeCertificate(directory_, "client");
    Start(kUsers);
  }
  void AskForCertificates() const {
    directory_.Write("web.yaml",
                     "tls_server_config: {cert_file: server.crt, key_file: server.key, "
                     "client_ca_file: client.crt, client_auth_type: RequireAndVerifyClientCert}\n");
  }
  std::string Plain(const std::string& headers = "") const {
    return test::Exchange(port(),
                          "GET / HTTP/1.1\r\nHost: x\r\n" + headers + "Connection: close\r\n\r\n");
  }
  std::string StatusAsClient() const {
    return Status("old.crt", "--cert '" + directory_.Path("client.crt") + "' --key '" +
                                 directory_.Path("client.key") + "'");
  }
};

TEST_CASE_FIXTURE(FromPasswordsFixture,
                  "a connection from before needs the password, though the new settings do not") {
  test::TcpClient before(port());
  before.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(before.ReceiveUntil("page").starts_with("HTTP/1.1 401"));
  AskForCertificates();
  server_->Refresh();
  CHECK(StatusAsClient() == "200");
  CHECK(Status("old.crt") == "000");
  before.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string reply = before.ReceiveAll();
  CHECK(reply.starts_with("HTTP/1.1 401"));
  CHECK(reply.find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE_FIXTURE(
    FromPasswordsFixture,
    "without descriptors for TLS passwords stay, and both change when there are some") {
  const auto before = test::OpenDescriptors();
  CHECK(Plain().starts_with("HTTP/1.1 401"));
  test::AwaitOpenDescriptors(before);
  AskForCertificates();
  {
    const test::DescriptorLimit two(2);  // the file is read, the daemon not started
    for (int turn = 0; turn < 3; ++turn) server_->Refresh();
  }
  CHECK(Logged("the web configuration stays as it was") == 1);
  CHECK(Logged("libmicrohttpd does not start") == 1);
  for (int turn = 0; turn < 15; ++turn) CHECK(Plain().starts_with("HTTP/1.1 401"));
  CHECK(Plain("Authorization: Basic cHJvbTpzZWNyZXQ=\r\n").starts_with("HTTP/1.1 200"));
  server_->Refresh();
  CHECK(Logged("web configuration read again") == 1);
  CHECK(StatusAsClient() == "200");
  CHECK(Status("old.crt") == "000");
}

TEST_CASE_FIXTURE(WebServerFixture, "no scrape fails while certificates are swapped") {
  // `pages` of them in one go, on a connection that is kept for as long as the server keeps it.
  const auto scrape_until = [this](const std::atomic<bool>& done, const std::string& pages) {
    std::string statuses;
    while (!done) {
      statuses +=
          test::RunCurl("-o /dev/null -w '%{http_code} ' --cacert '" + directory_.Path("both.crt") +
                        "' 'https://127.0.0.1:" + std::to_string(port()) + "/" + pages + "'");
    }
    return statuses;
  };
  std::atomic<bool> done = false;
  auto kept = std::async(std::launch::async, [&] { return scrape_until(done, "[1-2000]"); });
  auto fresh = std::async(std::launch::async, [&] { return scrape_until(done, ""); });
  for (int swap = 0; swap < 10; ++swap) {
    UseCertificate(swap % 2 == 0 ? "new" : "old");
    server_->Refresh();
    WaitForRequests(200);
  }
  done = true;
  int scrapes = 0;
  for (std::string statuses : {kept.get(), fresh.get()}) {
    while (statuses.starts_with("200 ")) {
      ++scrapes;
      statuses.erase(0, 4);
    }
    CHECK(statuses == "");
  }
  CHECK(scrapes >= 2000);
  CHECK(Logged("web configuration read again") == 10);
}

}  // namespace
}  // namespace radar_spoof
