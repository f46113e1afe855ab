#include "radar_spoof/web/web_server.h"

#include <atomic>
#include <future>
#include <optional>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/certificates.h"
#include "support/curl_command.h"
#include "support/tcp_client.h"
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
      "expected one of cert_file, key_file, client_ca_file, client_auth_type, min_version";
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
            "6: tls_server_config.min_version: found TLS11; expected one of TLS12, TLS13\n"
            "7: tls_server_config.cipher_suites: found a key of exporter-toolkit that is not "
            "supported "
            "here; " +
            tls_keys +
            "\n"
            "8: tls_server_config.key_fiel: found an unknown key; " +
            tls_keys +
            "; did you mean key_file?\n"
            "10: basic_auth_users.prom: found no bcrypt hash; expected one as `htpasswd -nBC 10 "
            "NAME` "
            "prints it\n"
            "11: basic_auth_users.a:b: found a name that is empty or holds a colon\n"
            "12: http_server_config: found a key of exporter-toolkit that is not supported here; "
            "expected one of tls_server_config, basic_auth_users\n"
            "14: tls_server_configs: found an unknown key; expected one of tls_server_config, "
            "basic_auth_users; did you mean tls_server_config?\n");
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
    auto server = WebServer::Start(
        {{{"127.0.0.1", 0}}, file, [this](const ServerRequest& request) { return Page(request); }},
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
    response.then = [comparison = decision.comparison] { return Page(comparison->Decision()); };
    return response;
  }
  static ServerResponse Page(const AuthDecision& decision) {
    return {decision.outcome == AuthDecision::Outcome::kAllowed ? 200 : 401, {}, "page\n", {}};
  }
  void WaitForRequests(int more) const {
    const int enough = requests_ + more;
    for (int seen = requests_; seen < enough; seen = requests_) requests_.wait(seen);
  }

  int port() const { return server_->addresses().front().port; }
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
  CHECK(Plain().starts_with("HTTP/1.1 401"));
  AskForCertificates();
  {
    rlimit old{};
    ::getrlimit(RLIMIT_NOFILE, &old);
    const int lowest_free = ::open("/dev/null", O_RDONLY);
    ::close(lowest_free);
    rlimit low = old;
    low.rlim_cur =
        static_cast<rlim_t>(lowest_free + 2);  // the file is read, the daemon not started
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int turn = 0; turn < 3; ++turn) server_->Refresh();
    ::setrlimit(RLIMIT_NOFILE, &old);
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
