// Configuration and credentials, read together: to be checked, at start, and again at each reload.
#pragma once

#include <map>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/poll/poller.h"

namespace radar_spoof {

// The process's environment variables, read once each. The value of one that was read is
// overwritten where it stands, so that a credential in it is in no child's environment and not in
// /proc/PID/environ; the variable stays, and is empty.
//
// Thread rule: one thread at a time, while others may read other variables.
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

// `--config.check`: prints all that is wrong with the files, or what the configuration will ask
// for. Warns where the credentials cannot be read. The exit code. Blocking: reads files.
int CheckConfig(const std::string& config_file, const std::string& web_config_file);

enum class ReloadCause { kSignal, kRequest, kFileChange, kRetry };

// SIGHUP, /-/reload, and a configuration file that changes. Thread rule: one thread at a time.
class Reloader {
 public:
  // How long what is in a file must stay the same until it is taken for whole.
  static constexpr Milliseconds kWholeAfter{1000};

  // `in_use`: what the poller was given. `interval`: how often the files are looked at; 0: never.
  Reloader(std::string config_file, const Settings& in_use, Milliseconds interval,
           ProcessEnvironment& environment, Poller& poller, Log& log);

  // Hands new settings to the poller, or leaves everything as it is; what went wrong, in whole
  // sentences. When it returns the page shows which, unless the poll loop has stood still.
  // Blocking: reads the files, and waits 2 s at most for the poll loop.
  std::optional<std::string> Reload(ReloadCause cause);

  // Reloads if the configuration file, or its ca_file, holds something else than when it was read
  // last, and has held it for kWholeAfter; or if the last reload failed, for what it lacked may be
  // there now. What fails again for the same reason is not logged again. Does nothing when no look
  // is due. How long until the next one is. Blocking: reads the files.
  Milliseconds ReloadIfChanged(SteadyTime now);

 private:
  std::uint64_t ContentHash() const;
  std::string Fail(const std::string& problem, ReloadCause cause);
  // Notes the problem. Whether it is to be logged.
  bool IsNews(const std::string& problem, ReloadCause cause);

  const std::string config_file_;
  const Milliseconds interval_;
  ProcessEnvironment& environment_;
  Poller& poller_;
  Log& log_;
  struct Change {
    std::uint64_t hash;
    SteadyTime since;
  };
  std::string ca_file_;            // of the configuration in use
  std::uint64_t read_;             // the files' hash when they were read last
  std::optional<Change> changed_;  // what the last look found, where that is not `read_`
  std::string last_problem_;       // of the last reload; empty: it succeeded
  std::optional<SteadyTime> next_look_;
};

}  // namespace radar_spoof
