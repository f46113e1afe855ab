// What the command lines of the daemon and of its subcommands have in common.
//
// Used by: command_line, query_command_line, backfill_command_line.
// Thread rule: pure.
#pragma once

#include <optional>
#include <string>

#include "radar_spoof/words/log.h"

namespace CLI {
class App;
}

namespace radar_spoof {

inline constexpr const char* kDefaultConfigFile = "/etc/radar_spoof_exporter/config.yaml";

// Why there is nothing to run: help or version asked for (0), or a wrong command line (2).
struct EarlyExit {
  int status;
  std::string text;  // for standard output when 0, else for standard error; ends with a newline
};

// To standard output or standard error; the status.
int Print(const EarlyExit& early);

// "NAME: PROBLEM", NAME being the app's, and where to find help.
EarlyExit UsageError(const CLI::App& app, const std::string& problem);

// nullopt when everything is parsed into what the app's flags were added for.
std::optional<EarlyExit> ParseFlags(CLI::App& app, int argc, const char* const* argv);

// --log.level and --log.format. What is not given stays as it is.
void AddLogFlags(CLI::App& app, LogLevel& level, LogFormat& format);

}  // namespace radar_spoof
