#include "radar_spoof/cli/common_flags.h"

namespace radar_spoof {

void AddLogFlags(FlagParser& flags, LogLevel& level, LogFormat& format) {
  flags.AddChoice(
      "--log.level", {"debug", "info", "warn", "error"},
      [&level](const std::string& name) { level = ParseLogLevel(name).value_or(level); },
      "Minimum level to log: debug, info, warn, error", "LEVEL [info]");
  flags.AddChoice(
      "--log.format", {"logfmt", "json"},
      [&format](const std::string& name) { format = ParseLogFormat(name).value_or(format); },
      "logfmt or json", "FORMAT [logfmt]");
}

}  // namespace radar_spoof
