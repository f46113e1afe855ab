// Configuration and credentials, read together: at start, and again at each reload.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "radar_spoof/cli/process_environment.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/result.h"
#include "radar_spoof/poll/poller.h"
#include "radar_spoof/web/web_server.h"

namespace radar_spoof {

// Reads the file and the credentials it names. The error is every problem, a line each.
// Warnings go to `log`. Blocking: reads files.
Result<Settings, std::string> ReadSettings(const std::string& config_file,
                                           ProcessEnvironment& environment, Log& log);

// `--web.config.file`; without one (""), plain HTTP for everyone. The error is every problem, a
// line each. Blocking: reads files.
Result<WebConfig, std::string> ReadWebConfig(const std::string& web_config_file);

// SIGHUP and /-/reload. Thread rule: Reload() from any thread; one reload at a time.
class Reloader {
 public:
  Reloader(std::string config_file, ProcessEnvironment& environment, Poller& poller, Log& log);

  // Hands new settings to the poller, or leaves everything as it is; what went wrong, in whole
  // sentences. When it returns the page shows which, unless the poll loop has stood still.
  std::optional<std::string> Reload();

 private:
  std::string Fail(const std::string& problem);

  const std::string config_file_;
  ProcessEnvironment& environment_;
  Poller& poller_;
  Log& log_;
  std::mutex reloading_;
};

}  // namespace radar_spoof
