// What the command lines of the daemon and of its subcommands have in common.
//
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/flag_parser.h"
#include "radar_spoof/core/log.h"

namespace radar_spoof {

inline constexpr const char* kDefaultConfigFile = "/etc/radar_spoof_exporter/config.yaml";

// Exit codes. 0: done.
inline constexpr int kFailed = 1;
inline constexpr int kUnusable = 2;  // the command line, the configuration or the credentials

// --log.level and --log.format. What is not given stays as it is.
void AddLogFlags(FlagParser& flags, LogLevel& level, LogFormat& format);

}  // namespace radar_spoof
