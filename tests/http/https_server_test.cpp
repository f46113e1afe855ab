#include <optional>

#include <doctest/doctest.h>

#include "radar_spoof/http/http_server.h"
#include "support/certificates.h"
#include "support/curl_command.h"
#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// The certificates of a server, of a client it knows and of one it does not; made once, as openssl
// takes its time.
class HttpsFixture {
 public:
  HttpsFixture() {
    for (const char* name : {"server", "client", "stranger"}) {
      test::MakeCertificate(directory_, name);
    }
  }

 protected:
  TlsSettings Settings() const {
    TlsSettings tls;
    tls.certificate_pem = test::ReadText(directory_.Path("server.crt"));
    tls.key_pem = test::ReadText(directory_.Path("server.key"));
    return tls;
  }
  std::string Certificate(const std::string& name) const {
    return test::ReadText(directory_.Path(name + ".crt"));
  }

  static Result<std::unique_ptr<HttpServer>, std::string> Start(const TlsSettings& tls,
                                                                ServerOptions options = {}) {
    options.tls = tls;
    return HttpServer::Start(
        {"127.0.0.1", 0}, ServerThreads::kPool,
        [](const ServerRequest& request) {
          return ServerResponse{200, {}, "page " + request.path, {}};
        },
        options);
  }
  void Serve(const TlsSettings& tls, ServerOptions options = {}) {
    auto server = Start(tls, std::move(options));
    if (!server) throw std::runtime_error(server.error());
    server_ = std::move(server).value();
  }

  // What curl prints for a page, "" when the handshake fails.
  std::string Curl(const std::string& options) const {
    return test::RunCurl("--cacert '" + directory_.Path("server.crt") + "' " + options +
                         " https://127.0.0.1:" + std::to_string(server_->port()) + "/metrics");
  }
  std::string CurlAs(const std::string& name) const {
    return Curl("--cert '" + directory_.Path(name + ".crt") + "' --key '" +
                directory_.Path(name + ".key") + "'");
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<HttpServer> server_;
};

TEST_CASE_FIXTURE(HttpsFixture, "pages are served over TLS 1.2 and 1.3, not 1.1") {
  Serve(Settings());
  CHECK(Curl("--tlsv1.2 --tls-max 1.2") == "page /metrics");
  CHECK(Curl("--tlsv1.3") == "page /metrics");
  CHECK(Curl("--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0") == "");
}

TEST_CASE_FIXTURE(HttpsFixture, "a body that begins with a shared text arrives whole over TLS") {
  const auto shared = std::make_shared<const std::string>(std::string(3'000'000, 's'));
  ServerOptions options;
  options.tls = Settings();
  auto server = HttpServer::Start(
      {"127.0.0.1", 0}, ServerThreads::kPool,
      [&](const ServerRequest&) { return ServerResponse{.body = "own", .shared_body = shared}; },
      options);
  REQUIRE(server);
  server_ = std::move(server).value();
  CHECK(Curl("--tlsv1.2 --tls-max 1.2") == *shared + "own");
  CHECK(Curl("--tlsv1.3") == *shared + "own");
}

TEST_CASE_FIXTURE(HttpsFixture, "a minimum of TLS 1.3 refuses 1.2") {
  TlsSettings tls = Settings();
  tls.min_version = TlsVersion::kTls13;
  Serve(tls);
  CHECK(Curl("--tlsv1.2 --tls-max 1.2") == "");
  CHECK(Curl("--tlsv1.3") == "page /metrics");
}

TEST_CASE_FIXTURE(HttpsFixture, "each client_auth_type lets in whom Go's does") {
  struct Row {
    ClientAuth auth;
    bool none;
    bool known;
    bool stranger;
  };
  const Row rows[] = {
      {ClientAuth::kNoClientCert, true, true, true},
      {ClientAuth::kRequestClientCert, true, true, true},
      {ClientAuth::kRequireAnyClientCert, false, true, true},
      {ClientAuth::kVerifyClientCertIfGiven, true, true, false},
      {ClientAuth::kRequireAndVerifyClientCert, false, true, false},
  };
  for (const Row& row : rows) {
    for (const char* version : {"--tls-max 1.2", "--tls-max 1.3"}) {
      CAPTURE(static_cast<int>(row.auth));
      CAPTURE(version);
      TlsSettings tls = Settings();
      tls.client_auth = row.auth;
      const bool verifies = row.auth == ClientAuth::kVerifyClientCertIfGiven ||
                            row.auth == ClientAuth::kRequireAndVerifyClientCert;
      if (verifies) tls.client_ca_pem = Certificate("client");
      Serve(tls);
      CHECK((Curl(version) == "page /metrics") == row.none);
      CHECK((CurlAs("client") == "page /metrics") == row.known);
      CHECK((CurlAs("stranger") == "page /metrics") == row.stranger);
    }
  }
}

TEST_CASE_FIXTURE(HttpsFixture, "settings that cannot serve are refused with the reason") {
  const auto error = [](const TlsSettings& tls) {
    const auto server = Start(tls);
    return server.ok() ? std::string("none") : server.error();
  };
  const std::string prefix = "cannot serve TLS on 127.0.0.1:0: ";
  TlsSettings tls = Settings();
  tls.key_pem = test::ReadText(directory_.Path("client.key"));
  CHECK(error(tls) ==
        prefix + "certificate and key: The certificate and the given key do not match.");
  tls.key_pem = "nonsense";
  CHECK(error(tls).starts_with(prefix + "certificate and key: "));
  tls = Settings();
  tls.client_auth = ClientAuth::kRequireAndVerifyClientCert;
  CHECK(error(tls) == prefix + "client CA: none given, so no client certificate can be verified");
  tls.client_ca_pem = "nonsense";
  CHECK(error(tls).starts_with(prefix + "client CA: "));
}

TEST_CASE_FIXTURE(HttpsFixture, "plain HTTP and stalled handshakes harm nobody and stop nothing") {
  Serve(Settings(), {.head_deadline = std::chrono::hours(1)});
  test::TcpClient silent(server_->port());
  test::TcpClient stalled(server_->port());
  stalled.Send("\x16\x03\x01\x02");
  test::TcpClient plain(server_->port());
  plain.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(plain.ReceiveAll().find("HTTP/1.1 200") == std::string::npos);
  CHECK(Curl("") == "page /metrics");
  server_.reset();
}

TEST_CASE_FIXTURE(HttpsFixture, "a handshake that drips in is cut off at the head's deadline") {
  Serve(Settings(), {.head_deadline = 400ms});
  const auto start = std::chrono::steady_clock::now();
  test::TcpClient client(server_->port());
  client.Send({"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11});
  while (client.ReceiveAll(20ms) == "TIMEOUT") client.Send("a");
  CHECK(std::chrono::steady_clock::now() - start >= 350ms);
  CHECK(Curl("") == "page /metrics");
}

}  // namespace
}  // namespace radar_spoof
