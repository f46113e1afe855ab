// One small regular file, read whole, without ever waiting for it.
//
// Refused: anything that is not a regular file (directories, FIFOs, devices), and files longer than
// the limit given, which are not read past it.
// Blocking: opens without waiting (O_NONBLOCK) and reads at most `max_bytes` from disk.
#pragma once

#include <cstddef>
#include <string>

#include "radar_spoof/core/result.h"

namespace radar_spoof {

struct RegularFile {
  std::string content;
  unsigned mode = 0;  // permission bits, as chmod takes them
};

// Why a file could not be read: "a directory", "no such file" ...; fits behind the word "found".
struct FileProblem {
  std::string found;
};

Result<RegularFile, FileProblem> ReadRegularFile(const std::string& path, std::size_t max_bytes);

}  // namespace radar_spoof
