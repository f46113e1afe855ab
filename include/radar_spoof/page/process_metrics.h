// What the standard process_* metrics say about this process.
//
// Source: proc(5). Whatever cannot be read (hidden by a sandbox, malformed, no /proc) is left out.
// Blocking: reads two files and one directory of procfs. Thread rule: any thread.
#pragma once

#include <cstdint>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

struct ProcessMetrics {
  std::optional<double> cpu_seconds = {};  // user and system
  std::optional<std::uint64_t> open_fds = {};
  std::optional<std::uint64_t> max_fds = {};  // 2^64 - 1: unlimited
  std::optional<std::uint64_t> virtual_memory_bytes = {};
  std::optional<std::uint64_t> virtual_memory_max_bytes = {};  // 2^64 - 1: unlimited
  std::optional<std::uint64_t> resident_memory_bytes = {};
  std::optional<WallTime> start_time = {};
  std::optional<std::uint64_t> threads = {};
};

// `start_time`: the wall clock when the process started, as main read it. It is not computed from
// the boot time in /proc/stat, which `ProcSubset=pid` hides. `open_fds` includes the descriptor
// that counts them.
ProcessMetrics ReadProcessMetrics(WallTime start_time, const std::string& proc_self = "/proc/self");

}  // namespace radar_spoof
