#include "radar_spoof/web/web_server.h"

#include <algorithm>
#include <filesystem>

#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kPemLimit = std::size_t{1} << 20;

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kTopKeys = {"tls_server_config", "basic_auth_users"};
constexpr std::array<std::string_view, 5> kTlsKeys = {"cert_file", "key_file", "client_ca_file",
                                                      "client_auth_type", "min_version"};
// Keys of exporter-toolkit 0.15 for which this server has no equivalent.
constexpr std::array<std::string_view, 2> kUnsupportedTopKeys = {"http_server_config",
                                                                 "rate_limit"};
constexpr std::array<std::string_view, 8> kUnsupportedTlsKeys = {
    "cert",          "key",         "client_ca",         "client_allowed_sans",
    "cipher_suites", "max_version", "curve_preferences", "prefer_server_cipher_suites"};

// RequireClientCert is the toolkit's older name of RequireAnyClientCert.
constexpr Meanings<ClientAuth, 6> kClientAuths = {
    {{"NoClientCert", ClientAuth::kNoClientCert},
     {"RequestClientCert", ClientAuth::kRequestClientCert},
     {"RequireAnyClientCert", ClientAuth::kRequireAnyClientCert},
     {"RequireClientCert", ClientAuth::kRequireAnyClientCert},
     {"VerifyClientCertIfGiven", ClientAuth::kVerifyClientCertIfGiven},
     {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerifyClientCert}}};
constexpr Meanings<TlsVersion, 2> kVersions = {
    {{"TLS12", TlsVersion::kTls12}, {"TLS13", TlsVersion::kTls13}}};

std::array<KeySet, 1> Unsupported(Words keys) {
  return {KeySet{"exporter-toolkit that is not supported here", keys, ""}};
}

class WebConfigReader {
 public:
  explicit WebConfigReader(const std::string& path)
      : directory_(std::filesystem::path(path).parent_path()), problems_(path) {}

  Result<WebConfig, std::vector<ConfigProblem>> Read(const YamlNode& root,
                                                     std::vector<ConfigProblem> refused) {
    problems_.AddUnlessPlaceIsTaken(std::move(refused));
    MapReader(root, "", problems_, false).CheckKeys(kTopKeys, Unsupported(kUnsupportedTopKeys));
    if (const YamlNode* const tls = root.Find("tls_server_config")) ReadTls(*tls);
    if (const YamlNode* const users = root.Find("basic_auth_users")) ReadUsers(*users);
    if (problems_.size() > 0) return problems_.Sorted();
    return std::move(config_);
  }

 private:
  void ReadTls(const YamlNode& node) {
    const std::size_t problems_before = problems_.size();
    MapReader map(node, "tls_server_config", problems_, false);
    if (node.kind != YamlNode::Kind::kMap) return;
    map.CheckKeys(kTlsKeys, Unsupported(kUnsupportedTlsKeys));
    for (const std::string_view key : {"cert_file", "key_file"}) {
      if (map.Find(key) != nullptr) continue;
      problems_.Add(node, map.PathOf(key), "found nothing; expected a path");
    }
    TlsSettings tls;
    ReadPem(map, "cert_file", tls.certificate_pem);
    ReadPem(map, "key_file", tls.key_pem);
    ReadPem(map, "client_ca_file", tls.client_ca_pem);
    map.Read("client_auth_type", kClientAuths, tls.client_auth);
    map.Read("min_version", kVersions, tls.min_version);
    if (problems_.size() > problems_before) return;
    CheckTogether(node, tls);
    config_.tls = std::move(tls);
  }

  void CheckTogether(const YamlNode& node, const TlsSettings& tls) {
    if (!tls.client_ca_pem.empty() && tls.client_auth == ClientAuth::kNoClientCert) {
      problems_.Add(node, "tls_server_config.client_ca_file",
                    "found a client CA, but no client_auth_type that uses it");
    } else if (const auto problem = TlsProblem(tls)) {
      problems_.Add(node, "tls_server_config", *problem);
    }
  }

  // Into `pem` goes the content of the file that stands under `key`, if any.
  void ReadPem(const MapReader& map, std::string_view key, std::string& pem) {
    const YamlNode* const node = map.Find(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar || node->text.empty()) {
      return problems_.Add(*node, map.PathOf(key),
                           "found " + Describe(*node) + "; expected a path");
    }
    const std::string file = (directory_ / node->text).string();
    auto read = ReadRegularFile(file, kPemLimit);
    if (!read) {
      return problems_.Add(
          *node, map.PathOf(key),
          "found " + read.error().found + "; expected a PEM file at " + ForMessage(file));
    }
    pem = std::move(read).value().content;
  }

  void ReadUsers(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kMap || node.keys.empty()) {
      return problems_.Add(node, "basic_auth_users",
                           "found " + Describe(node) + "; expected names with bcrypt hashes");
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& name = node.keys[i].name;
      const std::string key_path = "basic_auth_users." + ForMessage(name);
      if (name.empty() || name.find(':') != std::string::npos) {
        problems_.Add(node.keys[i], key_path, "found a name that is empty or holds a colon");
      }
      // What stands there may be a password in the clear: it is never shown.
      const std::string& hash = node.children[i].text;
      if (!IsBcryptHash(hash)) {
        problems_.Add(node.children[i], key_path,
                      "found no bcrypt hash; expected one as `htpasswd -nBC 10 NAME` prints it");
      } else if (BcryptCost(hash) > kHighestBcryptCost) {
        problems_.Add(node.children[i], key_path,
                      "found a bcrypt hash of cost " + std::to_string(BcryptCost(hash)) +
                          ", which takes seconds to compare; expected a cost of at most " +
                          std::to_string(kHighestBcryptCost) +
                          ", as `htpasswd -nBC 10 NAME` makes it");
      }
      config_.users[name] = node.children[i].text;
    }
  }

  const std::filesystem::path directory_;
  ProblemList problems_;
  WebConfig config_;
};

}  // namespace

Result<WebConfig, std::vector<ConfigProblem>> LoadWebConfig(const std::string& path) {
  std::vector<ConfigProblem> refused;
  const auto document = ReadYamlFile(path, &refused);
  if (!document) return document.error();
  return WebConfigReader(path).Read(document.value(), std::move(refused));
}

WebServer::WebServer(Options options, WebConfig config, BasicAuth& auth, Log& log)
    : options_(std::move(options)), config_(std::move(config)), auth_(auth), log_(log) {
  auth_.SetUsers(config_.users, 0);
}

Result<std::unique_ptr<WebServer>, std::string> WebServer::Start(Options options, WebConfig config,
                                                                 BasicAuth& auth, Log& log) {
  std::unique_ptr<WebServer> self(new WebServer(std::move(options), std::move(config), auth, log));
  auto server =
      HttpServer::Start(self->options_.addresses, ServerThreads::kPool, self->options_.handler,
                        {.tls = self->config_.tls, .on_error = [&log](std::string_view problem) {
                           log.Error("a request could not be answered", {{"detail", problem}});
                         }});
  if (!server) return server.error();
  self->server_ = std::move(server).value();
  return self;
}

void WebServer::Refresh() {
  if (options_.config_file.empty()) return;
  auto loaded = LoadWebConfig(options_.config_file);
  const std::string problem =
      loaded ? Use(std::move(loaded).value()).value_or("") : Joined(loaded.error(), "; ");
  if (!problem.empty() && problem != last_problem_) {
    log_.Error("the web configuration stays as it was", {{"detail", problem}});
  }
  last_problem_ = problem;
}

std::optional<std::string> WebServer::Use(WebConfig config) {
  if (config == config_) return std::nullopt;
  if (config.tls == config_.tls) {
    auth_.SetUsers(config.users, server_->settings());
  } else {
    // Who is connected by the old settings keeps the old users: no connection ever has the weaker
    // half of both.
    auth_.SetUsers(config.users, server_->settings() + 1);
    if (auto problem = server_->UseTls(config.tls)) return problem;
  }
  config_ = std::move(config);
  log_.Info("web configuration read again", {{"file", options_.config_file},
                                             {"tls", has_tls() ? "yes" : "no"},
                                             {"users", config_.users.size()}});
  return std::nullopt;
}

std::vector<ListenAddress> WebServer::addresses() const {
  std::vector<ListenAddress> bound = options_.addresses;
  const std::vector<int> ports = server_->ports();
  for (std::size_t i = 0; i < bound.size(); ++i) bound[i].port = ports[i];
  return bound;
}

}  // namespace radar_spoof
