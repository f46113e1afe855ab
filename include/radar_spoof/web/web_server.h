// Serves one handler on every listen address, as the web configuration says, and goes along when
// that changes: certificates are renewed and passwords changed without a restart.
//
// The file is `--web.config.file`: TLS and basic authentication, in the format of Prometheus'
// exporter-toolkit (its docs/web-configuration.md), so that one file serves all of a host's
// exporters.
//
// Supported: tls_server_config with cert_file, key_file, client_ca_file, client_auth_type and
// min_version (TLS12, TLS13); basic_auth_users. The toolkit's other keys are refused by name,
// because to ignore one could leave a door open.
#pragma once

#include <map>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/http/http_server.h"
#include "radar_spoof/web/basic_auth.h"

namespace radar_spoof {

struct WebConfig {
  std::optional<TlsSettings> tls;            // nullopt: plain HTTP
  std::map<std::string, std::string> users;  // name to bcrypt hash; empty: no authentication

  bool operator==(const WebConfig&) const = default;
};

// Relative paths in the file are relative to its own directory. The error is every problem.
// Blocking: reads the file and the PEM files it names, each regular and at most 1 MiB.
Result<WebConfig, std::vector<ConfigProblem>> LoadWebConfig(const std::string& path);

// Thread rule: one thread at a time; the handler is called from the server's own, several at once.
class WebServer {
 public:
  struct Options {
    std::vector<ListenAddress> addresses;
    std::string config_file;  // "": plain HTTP for everyone, and nothing to refresh
    HttpServer::Handler handler;
  };

  // `config` is what was read from the file last. The error names the address and the reason.
  // REQUIRES: `auth` and `log` outlive this.
  static Result<std::unique_ptr<WebServer>, std::string> Start(Options options, WebConfig config,
                                                               BasicAuth& auth, Log& log);

  // Reads the file and those it names again. If TLS changed, all of it holds for new connections
  // from now on, and those that are open keep the old settings and users until they are closed; if
  // only users did, they hold for the next request. No request fails for it. What cannot be used
  // changes nothing and is logged once for each reason. Blocks as LoadWebConfig does.
  void Refresh();

  // Whether connections of our own are answered on every address. Blocking: half a second for each
  // that does not.
  bool Answers() const { return server_->Answers(); }

  std::vector<ListenAddress> addresses() const;  // those bound
  bool has_tls() const { return config_.tls.has_value(); }

 private:
  WebServer(Options options, WebConfig config, BasicAuth& auth, Log& log);

  // The error if everything stays as it is.
  std::optional<std::string> Use(WebConfig config);

  const Options options_;
  WebConfig config_;
  BasicAuth& auth_;
  Log& log_;
  std::unique_ptr<HttpServer> server_;
  std::string last_problem_;
};

}  // namespace radar_spoof
