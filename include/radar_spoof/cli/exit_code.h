// Exit codes of the daemon and of its subcommands. 0: done.
#pragma once

namespace radar_spoof {

inline constexpr int kFailed = 1;
inline constexpr int kUnusable = 2;  // the command line, the configuration or the credentials

}  // namespace radar_spoof
