// `--web.config.file`: TLS and basic authentication, in the format of Prometheus' exporter-toolkit
// (its docs/web-configuration.md), so that one file serves all of a host's exporters.
//
// Supported: tls_server_config with cert_file, key_file, client_ca_file, client_auth_type and
// min_version (TLS12, TLS13); basic_auth_users. The toolkit's other keys are refused by name,
// because to ignore one could leave a door open.
// Errors: every problem is reported. Blocking: LoadWebConfig reads the file and the PEM files it
// names, each regular and at most 1 MiB. Thread rule: plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

struct WebConfig {
  std::optional<TlsSettings> tls;            // nullopt: plain HTTP
  std::map<std::string, std::string> users;  // name to bcrypt hash; empty: no authentication

  bool operator==(const WebConfig&) const = default;
};

// Relative paths in the file are relative to its own directory.
Result<WebConfig, std::vector<ConfigProblem>> LoadWebConfig(const std::string& path);

}  // namespace radar_spoof
