// Configuration and credentials, read together: to be checked, at start, and again at each reload.
#pragma once

#include <map>
#include <mutex>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/poll/poller.h"
#include "radar_spoof/web/web_config.h"

namespace radar_spoof {

// The process's environment variables, read once each. A variable that was read is overwritten, so
// that a credential in it is in no child's environment and not in /proc/PID/environ.
//
// Thread rule: one thread at a time; no other thread may use getenv meanwhile.
class ProcessEnvironment {
 public:
  CredentialReader ReaderOf(const CredentialSource& source);

 private:
  // The variable's value, as it was at the first call for it; nullopt when it was not set then.
  std::optional<std::string> Read(const std::string& name);

  std::map<std::string, std::optional<Secret>> read_;
};

// Reads the file and the credentials it names. The error is every problem, a line each.
// Warnings go to `log`. Blocking: reads files.
Result<Settings, std::string> ReadSettings(const std::string& config_file,
                                           ProcessEnvironment& environment, Log& log);

// `--web.config.file`; without one (""), plain HTTP for everyone. The error is every problem, a
// line each. Blocking: reads files.
Result<WebConfig, std::string> ReadWebConfig(const std::string& web_config_file);

// `--config.check`: prints all that is wrong with the files, or what the configuration will ask
// for. Warns where the credentials cannot be read. The exit code. Blocking: reads files.
int CheckConfig(const std::string& config_file, const std::string& web_config_file);

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
