// The flags of `radar_spoof_exporter backfill`, and what must hold of `--output` before anything is
// fetched for it.
//
// `--help` documents each.
// Thread rule: any thread. Blocking: CheckOutputPath() looks at the file system.
#pragma once

#include <filesystem>

#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/types.h"
#include "shown_history.h"

namespace radar_spoof {

struct BackfillCommandLine {
  std::string config_file;
  std::string output;
  TimeRange asked;  // from < to <= now
  Seconds step{300};
  std::vector<ExternalLabel> labels;  // names are legal and differ
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

// `argv[0]` is "backfill".
Result<BackfillCommandLine, EarlyExit> ParseBackfillCommandLine(int argc, const char* const* argv,
                                                                WallTime now);

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
Result<std::filesystem::path, std::string> CheckOutputPath(
    const std::string& output, std::span<const ProtectedFile> protected_files);

}  // namespace radar_spoof
