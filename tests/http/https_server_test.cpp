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
          return ServerResponse{200, {}, "page " + request.path};
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
  std::string CurlAs(const std::string& name, const std::string& options = "") const {
    return Curl(options + " --cert '" + directory_.Path(name + ".crt") + "' --key '" +
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

TEST_CASE_FIXTURE(HttpsFixture, "a maximum of TLS 1.2 refuses 1.3, and is what a client gets") {
  TlsSettings tls = Settings();
  tls.max_version = TlsVersion::kTls12;
  Serve(tls);
  CHECK(Curl("--tlsv1.3") == "");
  CHECK(Curl("") == "page /metrics");
}

constexpr const char* kOfTls12[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA"};
constexpr CipherSuite::Cipher kCiphers[] = {
    CipherSuite::Cipher::kAes128Gcm, CipherSuite::Cipher::kAes256Gcm,
    CipherSuite::Cipher::kChaCha20Poly1305, CipherSuite::Cipher::kAes128Cbc,
    CipherSuite::Cipher::kAes256Cbc};

TEST_CASE_FIXTURE(HttpsFixture, "of TLS 1.2 only the chosen suites are served, of 1.3 all") {
  using enum CipherSuite::Key;
  for (std::size_t chosen = 0; chosen < std::size(kCiphers); ++chosen) {
    TlsSettings tls = Settings();
    // What is for another key is no choice.
    tls.cipher_suites = {{kRsa, kCiphers[(chosen + 1) % std::size(kCiphers)]},
                         {kEcdsa, kCiphers[chosen]}};
    Serve(tls);
    for (std::size_t i = 0; i < std::size(kOfTls12); ++i) {
      CAPTURE(chosen);
      CAPTURE(kOfTls12[i]);
      CHECK((Curl(std::string("--tls-max 1.2 --ciphers ") + kOfTls12[i]) == "page /metrics") ==
            (i == chosen));
    }
    for (const char* suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
      CAPTURE(suite);
      CHECK(Curl(std::string("--tls13-ciphers ") + suite) == "page /metrics");
    }
  }
}

TEST_CASE_FIXTURE(HttpsFixture,
                  "suites that do not fit the certificate leave TLS 1.3, or nothing") {
  TlsSettings tls = Settings();
  tls.cipher_suites = {{CipherSuite::Key::kRsa, CipherSuite::Cipher::kAes128Gcm}};
  Serve(tls);
  CHECK(Curl("--tls-max 1.2") == "");
  CHECK(Curl("") == "page /metrics");
  tls.max_version = TlsVersion::kTls12;
  CHECK(TlsProblem(tls) ==
        "cipher suites: none is for the key of the certificate, which is not RSA");
  test::MakeCertificate(directory_, "rsa", "IP:127.0.0.1", test::kRsaKey);
  tls.certificate_pem = Certificate("rsa");
  tls.key_pem = test::ReadText(directory_.Path("rsa.key"));
  Serve(tls);
  const std::string as_rsa = "--cacert '" + directory_.Path("rsa.crt") + "' --ciphers ";
  CHECK(Curl(as_rsa + "ECDHE-RSA-AES128-GCM-SHA256") == "page /metrics");
  CHECK(Curl(as_rsa + "ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256") ==
        "");
}

TEST_CASE_FIXTURE(HttpsFixture, "the order of the suites is the server's, or else the client's") {
  using enum CipherSuite::Cipher;
  for (const bool servers : {true, false}) {
    TlsSettings tls = Settings();
    tls.cipher_suites = {{CipherSuite::Key::kEcdsa, kChaCha20Poly1305},
                         {CipherSuite::Key::kEcdsa, kAes128Gcm}};
    tls.prefer_server_ciphers = servers;
    Serve(tls);
    const std::string told = test::CommandOutput(
        "openssl s_client -connect 127.0.0.1:" + std::to_string(server_->port()) +
        " -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
        " </dev/null 2>&1");
    CAPTURE(told);
    CHECK((told.find("Cipher is ECDHE-ECDSA-CHACHA20-POLY1305") != std::string::npos) == servers);
    CHECK((told.find("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256") != std::string::npos) == !servers);
  }
}

TEST_CASE_FIXTURE(HttpsFixture, "only the chosen curves are agreed upon") {
  struct Row {
    TlsCurve curve;
    const char* name;
  };
  const Row rows[] = {{TlsCurve::kP256, "prime256v1"},
                      {TlsCurve::kP384, "secp384r1"},
                      {TlsCurve::kP521, "secp521r1"},
                      {TlsCurve::kX25519, "X25519"}};
  for (const Row& chosen : rows) {
    TlsSettings tls = Settings();
    tls.curves = {chosen.curve};
    Serve(tls);
    for (const Row& asked : rows) {
      CAPTURE(chosen.name);
      CAPTURE(asked.name);
      CHECK((Curl(std::string("--tlsv1.3 --curves ") + asked.name) == "page /metrics") ==
            (asked.curve == chosen.curve));
    }
  }
}

TEST_CASE_FIXTURE(HttpsFixture, "a client's certificate must have one of the allowed names") {
  test::MakeCertificate(directory_, "client",
                        "DNS:scraper.example,IP:2001:db8:0::1,email:ops@example.org,"
                        "URI:spiffe://example.org/prometheus");
  struct Row {
    const char* name;
    bool allowed;
  };
  const Row rows[] = {{"scraper.example", true},
                      {"2001:db8::1", true},
                      {"ops@example.org", true},
                      {"spiffe://example.org/prometheus", true},
                      {"client", false},  // its common name
                      {"example", false},
                      {"scraper.example.org", false},
                      {"*", false}};
  for (const Row& row : rows) {
    for (const char* version : {"--tls-max 1.2", "--tls-max 1.3"}) {
      CAPTURE(row.name);
      CAPTURE(version);
      TlsSettings tls = Settings();
      tls.client_auth = ClientAuth::kRequireAndVerifyClientCert;
      tls.client_ca_pem = Certificate("client");
      tls.client_allowed_sans = {"somebody.else", row.name};
      Serve(tls);
      CHECK((CurlAs("client", version) == "page /metrics") == row.allowed);
    }
  }
}

TEST_CASE_FIXTURE(HttpsFixture, "a certificate that is for servers alone lets no client in") {
  for (const auto& [usage, allowed] : {std::pair("serverAuth", false), {"clientAuth", true}}) {
    const std::string purpose(usage);
    CAPTURE(purpose);
    test::MakeCertificate(directory_, "client", "IP:127.0.0.1 -addext extendedKeyUsage=" + purpose);
    TlsSettings tls = Settings();
    tls.client_auth = ClientAuth::kRequireAndVerifyClientCert;
    tls.client_ca_pem = Certificate("client");
    Serve(tls);
    CHECK((CurlAs("client") == "page /metrics") == allowed);
  }
}

TEST_CASE_FIXTURE(HttpsFixture, "where names are demanded nobody comes in without a certificate") {
  for (const ClientAuth auth :
       {ClientAuth::kRequestClientCert, ClientAuth::kRequireAnyClientCert,
        ClientAuth::kVerifyClientCertIfGiven, ClientAuth::kRequireAndVerifyClientCert}) {
    CAPTURE(static_cast<int>(auth));
    TlsSettings tls = Settings();
    tls.client_auth = auth;
    tls.client_ca_pem = Certificate("client") + Certificate("stranger");
    tls.client_allowed_sans = {"127.0.0.1"};
    Serve(tls);
    CHECK(Curl("") == "");
    CHECK(CurlAs("client") == "page /metrics");
    tls.client_allowed_sans = {"127.0.0.2"};
    Serve(tls);
    CHECK(CurlAs("client") == "");
  }
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

TEST_CASE_FIXTURE(HttpsFixture, "without an authority no certificate that is given is good") {
  TlsSettings tls = Settings();
  tls.client_auth = ClientAuth::kVerifyClientCertIfGiven;
  Serve(tls);
  CHECK(Curl("") == "page /metrics");
  CHECK(CurlAs("client") == "");
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
