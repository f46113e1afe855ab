// The web configuration file, `--web.config.file`, in the format of Prometheus' exporter-toolkit
// (its docs/web-configuration.md), so that one file serves all of a host's exporters.
//
// Every key that it had in July 2026 is known. What cannot be done here, or would leave a door
// open, is refused by name; docs/serving.md lists it.
#pragma once

#include <chrono>
#include <map>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

// A bucket of `burst` requests, to which one is added every `interval`.
struct RateLimit {
  std::chrono::nanoseconds interval{0};  // 0: no limit; at most an hour
  int burst = 0;                         // 1 to 1,000,000 where there is an interval

  bool operator==(const RateLimit&) const = default;
};

struct WebConfig {
  std::optional<TlsSettings> tls;            // nullopt: plain HTTP
  std::map<std::string, std::string> users;  // name to bcrypt hash; empty: no authentication
  std::vector<std::pair<std::string, std::string>> headers;  // of every response
  RateLimit rate_limit;                                      // of all clients together

  bool operator==(const WebConfig&) const = default;
};

// Without a file (""), plain HTTP for everyone. Relative paths in the file are relative to its own
// directory. The error is every problem; a password or a private key is never part of it.
// Blocking: reads the file and the PEM files it names, each regular and at most 1 MiB.
Result<WebConfig, std::vector<ConfigProblem>> LoadWebConfig(const std::string& path);

}  // namespace radar_spoof
