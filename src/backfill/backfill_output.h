// Where backfill writes: what must hold of `--output` before anything is fetched for it.
//
// Thread rule: any thread. Blocking: looks at the file system.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "radar_spoof/core/error.h"

namespace radar_spoof {

// What stands beside the output until it is complete.
inline constexpr const char* kPartialSuffix = ".partial";  // what was fetched
inline constexpr const char* kNewSuffix = ".new";          // what is being written

// A file that must stay as it is. A path that leads nowhere protects nothing.
struct ProtectedFile {
  std::string path;
  std::string_view what;  // "the configuration"
};

// The path to write and rename to: `output`, or where that symbolic link leads. The error is a
// sentence: what exists and is not a regular file, is protected or a link to nothing, or stands in
// a directory that cannot be written.
Result<std::filesystem::path, std::string> FindOutput(
    const std::string& output, std::span<const ProtectedFile> protected_files);

}  // namespace radar_spoof
