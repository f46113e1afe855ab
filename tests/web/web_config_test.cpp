#include "radar_spoof/web/web_config.h"

#include <doctest/doctest.h>

#include "support/certificates.h"
#include "support/outcome_table.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

std::string Data(const std::string& name) { return RADAR_SPOOF_TEST_DATA "/web_config/" + name; }

// "line: key: message" of each problem, one a line; "" when there are none.
std::string Problems(const std::string& path) {
  const auto config = LoadWebConfig(path);
  std::string text;
  if (config) return text;
  for (const ConfigProblem& problem : config.error()) {
    CHECK(problem.file == path);
    text += std::to_string(problem.line) + ": " + problem.key_path + ": " + problem.message + "\n";
  }
  return text;
}

std::string ProblemsOf(std::string_view yaml) {
  const test::TemporaryDirectory directory;
  return Problems(directory.Write("web.yaml", yaml));
}

TEST_CASE("a header that could leave no room for the answer is refused") {
  const auto header = [](std::size_t bytes) {
    return "http_server_config: {headers: {Content-Security-Policy: " + std::string(bytes, 'a') +
           "}}\n";
  };
  CHECK(ProblemsOf(header(2048)) == "");
  CHECK(ProblemsOf(header(2049)) ==
        "1: http_server_config.headers.Content-Security-Policy: found 2049 bytes; expected at most "
        "2048\n");
}

TEST_CASE("users and their hashes are read as they stand") {
  const auto config = LoadWebConfig(Data("users.yaml"));
  CHECK(config.ok());
  if (!config) return;
  CHECK(!config.value().tls);
  CHECK(config.value().users.size() == 2);
  CHECK(config.value().users.at("prom") ==
        "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
}

TEST_CASE("certificates are read relative to the file, or from an absolute path") {
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "server");
  test::MakeCertificate(directory, "client");
  const auto config = LoadWebConfig(directory.Write(
      "web.yaml",
      "tls_server_config:\n  cert_file: server.crt\n  key_file: " + directory.Path("server.key") +
          "\n  client_ca_file: client.crt\n"
          "  client_auth_type: VerifyClientCertIfGiven\n  min_version: TLS13\n"));
  CHECK(config.ok());
  if (!config) return;
  CHECK(config.value().users.empty());
  CHECK(config.value().tls.has_value());
  if (!config.value().tls) return;
  const TlsSettings& tls = *config.value().tls;
  CHECK(tls.certificate_pem == test::ReadText(directory.Path("server.crt")));
  CHECK(tls.key_pem == test::ReadText(directory.Path("server.key")));
  CHECK(tls.client_ca_pem == test::ReadText(directory.Path("client.crt")));
  CHECK(tls.client_auth == ClientAuth::kVerifyClientCertIfGiven);
  CHECK(tls.min_version == TlsVersion::kTls13);
}

TEST_CASE("TLS 1.2 without client certificates is the default") {
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "s");
  const auto config = LoadWebConfig(
      directory.Write("web.yaml", "tls_server_config: {cert_file: s.crt, key_file: s.key}\n"));
  CHECK(config.ok());
  if (!config) return;
  CHECK(config.value().tls->min_version == TlsVersion::kTls12);
  CHECK(config.value().tls->client_auth == ClientAuth::kNoClientCert);
}

TEST_CASE("each client_auth_type of the toolkit is known") {
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "s");
  struct Row {
    const char* name;
    ClientAuth value;
  };
  const Row rows[] = {
      {"NoClientCert", ClientAuth::kNoClientCert},
      {"RequestClientCert", ClientAuth::kRequestClientCert},
      {"RequireAnyClientCert", ClientAuth::kRequireAnyClientCert},
      {"RequireClientCert", ClientAuth::kRequireAnyClientCert},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyClientCertIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerifyClientCert},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const bool without_ca = row.value == ClientAuth::kNoClientCert;
    const auto config = LoadWebConfig(directory.Write(
        "web.yaml", std::string("tls_server_config:\n  cert_file: s.crt\n  key_file: s.key\n") +
                        (without_ca ? "" : "  client_ca_file: s.crt\n") +
                        "  client_auth_type: " + row.name + "\n"));
    CHECK(config.ok());
    if (config) CHECK(config.value().tls->client_auth == row.value);
  }
}

TEST_CASE("every problem of a file is reported at once, and a password never shown") {
  const std::string directory = RADAR_SPOOF_TEST_DATA "/web_config/";
  const std::string tls_keys =
      "expected one of cert_file, key_file, client_ca_file, cert, key, client_ca, "
      "client_auth_type, "
      "client_allowed_sans, min_version, max_version, cipher_suites, prefer_server_cipher_suites, "
      "curve_preferences";
  CHECK(Problems(Data("every_problem.yaml")) ==
        "2: tls_server_config.cert_file: found no such file; expected a PEM file at " + directory +
            "missing.crt\n"
            "3: tls_server_config.key_file: found \"\"; expected a path\n"
            "4: tls_server_config.client_ca_file: found a directory; expected a PEM file at " +
            directory +
            ".\n"
            "5: tls_server_config.client_auth_type: found RequireAndVerify; expected one of "
            "NoClientCert, RequestClientCert, RequireAnyClientCert, RequireClientCert, "
            "VerifyClientCertIfGiven, RequireAndVerifyClientCert; did you mean "
            "RequireAndVerifyClientCert?\n"
            "6: tls_server_config.min_version: found TLS11, which RFC 8996 forbids; expected one "
            "of TLS12, "
            "TLS13\n"
            "7: tls_server_config.cipher_suites: found a map; expected a list of names\n"
            "8: tls_server_config.key_fiel: found an unknown key; " +
            tls_keys +
            "; did you mean key_file?\n"
            "10: basic_auth_users.prom: found no bcrypt hash; expected one as `htpasswd -nBC 10 "
            "NAME` "
            "prints it\n"
            "11: basic_auth_users.a:b: found a name that is empty or holds a colon\n"
            "13: http_server_config.http2: found true; expected false: only HTTP/1.1 is served "
            "here, which every client of HTTP/2 speaks, too\n"
            "14: tls_server_configs: found an unknown key; expected one of tls_server_config, "
            "http_server_config, rate_limit, basic_auth_users; did you mean tls_server_config?\n");
}

TEST_CASE("a hash that takes seconds to compare is refused, with what to do") {
  const std::string tail = "$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
  CHECK(ProblemsOf("basic_auth_users:\n  a: $2y$14" + tail) == "");
  CHECK(ProblemsOf("basic_auth_users:\n  a: $2y$10" + tail + "  b: $2y$15" + tail) ==
        "3: basic_auth_users.b: found a bcrypt hash of cost 15, which takes seconds to compare; "
        "expected a cost of at most 14, as `htpasswd -nBC 10 NAME` makes it\n");
}

TEST_CASE("what is missing is named") {
  CHECK(ProblemsOf("tls_server_config: {}\n") ==
        "1: tls_server_config.cert_file: found nothing; expected a path\n"
        "1: tls_server_config.key_file: found nothing; expected a path\n");
  CHECK(ProblemsOf("tls_server_config:\n") ==
        "1: tls_server_config: found nothing; expected a map\n");
  CHECK(ProblemsOf("basic_auth_users: {}\n") ==
        "1: basic_auth_users: found a map; expected names with bcrypt hashes\n");
  CHECK(ProblemsOf("- a\n") == "1: : found a list; expected a map\n");
  CHECK(ProblemsOf("") != "");
}

TEST_CASE("what YAML allows and a configuration does not is refused") {
  CHECK(ProblemsOf("basic_auth_users:\n  a: &x $2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4"
                   "UpFFP8WIrW\n") != "");
}

TEST_CASE("a certificate authority that nothing would be checked against is a mistake") {
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "s");
  const std::string base = "tls_server_config:\n  cert_file: s.crt\n  key_file: s.key\n";
  CHECK(Problems(directory.Write("a.yaml", base + "  client_ca_file: s.crt\n")) ==
        "2: tls_server_config.client_ca_file: found a client CA, but no client_auth_type that "
        "uses it\n");
  CHECK(Problems(
            directory.Write("b.yaml", base + "  client_auth_type: RequireAndVerifyClientCert\n")) ==
        "2: tls_server_config: client CA: none given, so no client certificate can be verified\n");
}

TEST_CASE("a key that is not the certificate's is found before anything is served") {
  const test::TemporaryDirectory directory;
  test::MakeCertificate(directory, "a");
  test::MakeCertificate(directory, "b");
  CHECK(Problems(directory.Write("web.yaml",
                                 "tls_server_config:\n  cert_file: a.crt\n  key_file: b.key\n")) ==
        "2: tls_server_config: certificate and key: The certificate and the given key do not "
        "match.\n");
}

TEST_CASE("a file that is not there is one problem") {
  const auto config = LoadWebConfig("/nonexistent/web.yaml");
  CHECK(!config.ok());
  if (!config) CHECK(config.error().size() == 1);
}

// server.crt with an ECDSA key, and client.crt.
class WebConfigTableFixture {
 public:
  WebConfigTableFixture() {
    for (const char* name : {"server", "client"}) test::MakeCertificate(directory_, name);
  }

 protected:
  static std::vector<test::FileOutcome> Table(const std::string& file) {
    return test::ReadOutcomeTable(test::ReadText(Data(file)));
  }
  // `yaml` with the file in the place of each line "<FILE>", indented like it.
  std::string WithFiles(const std::string& yaml) const {
    std::string text;
    std::istringstream lines(yaml);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t indent = line.find_first_not_of(' ');
      if (indent == std::string::npos || line[indent] != '<') {
        text += line + '\n';
        continue;
      }
      const std::string name = line.substr(indent + 1, line.size() - indent - 2);
      std::istringstream file(test::ReadText(directory_.Path(name)));
      for (std::string part; std::getline(file, part);) {
        text += line.substr(0, indent) + part + '\n';
      }
    }
    return text;
  }
  // Each problem on a line, "" when there is none.
  std::string Outcome(const test::FileOutcome& each) const {
    const auto config = LoadWebConfig(directory_.Write("web.yaml", WithFiles(each.file)));
    if (config) return "";
    std::string text = Joined(config.error(), "\n") + "\n";
    const std::string directory = directory_.Path("");
    for (auto at = text.find(directory); at != std::string::npos; at = text.find(directory)) {
      text.erase(at, directory.size());
    }
    return text;
  }

  test::TemporaryDirectory directory_;
};

TEST_CASE_FIXTURE(WebConfigTableFixture, "every good file of the table is taken") {
  const auto cases = Table("good.txtar");
  CHECK(cases.size() >= 12);
  for (const test::FileOutcome& each : cases) {
    CAPTURE(each.name);
    CHECK(Outcome(each) == "");
  }
}

TEST_CASE_FIXTURE(WebConfigTableFixture,
                  "every bad file of the table is refused with all its problems, in these words") {
  const std::string suites =
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "
      "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "
      "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256";
  const auto cases = Table("bad.txtar");
  CHECK(cases.size() >= 20);
  for (const test::FileOutcome& each : cases) {
    CAPTURE(each.name);
    std::string expected = each.outcome;
    for (auto at = expected.find("SUITES"); at != std::string::npos; at = expected.find("SUITES")) {
      expected.replace(at, 6, suites);
    }
    CHECK(Outcome(each) == expected);
  }
}

TEST_CASE_FIXTURE(WebConfigTableFixture, "what a file says is what is served") {
  for (const test::FileOutcome& each : Table("good.txtar")) {
    if (each.name != "every_key") continue;
    const auto config = LoadWebConfig(directory_.Write("web.yaml", each.file));
    REQUIRE(config);
    const TlsSettings& tls = *config.value().tls;
    CHECK(tls.client_allowed_sans == std::vector<std::string>{"scraper.example", "192.0.2.1",
                                                              "2001:db8::1", "ops@example.org",
                                                              "spiffe://example.org/x"});
    CHECK(tls.max_version == TlsVersion::kTls13);
    using enum CipherSuite::Key;
    CHECK(tls.cipher_suites == std::vector<CipherSuite>{{kEcdsa, CipherSuite::Cipher::kAes128Gcm},
                                                        {kRsa, CipherSuite::Cipher::kAes128Gcm}});
    CHECK(!tls.prefer_server_ciphers);
    CHECK(tls.curves == std::vector<TlsCurve>{TlsCurve::kX25519, TlsCurve::kP256});
    CHECK(config.value().headers.size() == 5);
    CHECK(config.value().headers[1] ==
          std::pair<std::string, std::string>("X-Frame-Options", "sameorigin"));
    CHECK(config.value().rate_limit == RateLimit{std::chrono::seconds(1), 20});
    return;
  }
  FAIL("no such case");
}

TEST_CASE_FIXTURE(WebConfigTableFixture, "a choice of suites of TLS 1.3 alone leaves no TLS 1.2") {
  const auto config = LoadWebConfig(directory_.Write(
      "web.yaml",
      "tls_server_config: {cert_file: server.crt, key_file: server.key, cipher_suites: "
      "[TLS_AES_128_GCM_SHA256]}\n"));
  REQUIRE(config);
  CHECK(config.value().tls->min_version == TlsVersion::kTls13);
}

TEST_CASE("an interval is read as Go writes it") {
  struct Row {
    const char* text;
    std::chrono::nanoseconds meaning;
  };
  const Row rows[] = {{"0", {}},
                      {"0s", {}},
                      {"100ms", std::chrono::milliseconds(100)},
                      {"1.5s", std::chrono::milliseconds(1500)},
                      {"1m30s", std::chrono::seconds(90)},
                      {"2us", std::chrono::microseconds(2)},
                      {"2\u00B5s", std::chrono::microseconds(2)},
                      {"7ns", std::chrono::nanoseconds(7)},
                      {"1h", std::chrono::hours(1)}};
  const test::TemporaryDirectory directory;
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto config = LoadWebConfig(directory.Write(
        "web.yaml", std::string("rate_limit: {burst: 1, interval: ") + row.text + "}\n"));
    REQUIRE(config);
    CHECK(config.value().rate_limit.interval == row.meaning);
  }
}

}  // namespace
}  // namespace radar_spoof
