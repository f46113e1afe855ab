// radar_spoof_exporter's flags, spelled as the Prometheus ecosystem spells them.
//
// `--help` documents each.
// Thread rule: pure.
#pragma once

#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

struct CommandLine {
  std::string config_file;
  Milliseconds auto_reload_interval{30'000};  // 0: never
  bool config_check = false;
  bool once = false;
  std::vector<ListenAddress> listen;  // at least one, unless systemd_socket
  bool systemd_socket = false;        // serve on what systemd passes instead
  std::string telemetry_path;         // begins with "/"; every client can ask for it
  std::string route_prefix;           // as in PagesOptions
  std::optional<std::string> external_path;
  std::string web_config_file;  // empty: plain HTTP, open to everyone
  std::string storage_path;     // a directory; empty: begin anew at every start
  bool enable_lifecycle = false;
  bool disable_exporter_metrics = false;  // process_*
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  bool log_readings = false;
};

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv);

}  // namespace radar_spoof
