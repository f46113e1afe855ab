// The flags of `radar_spoof_exporter backfill`.
//
// `--help` documents each.
// Thread rule: pure but for the clock it is given.
#pragma once

#include <string>
#include <vector>

#include "history_text.h"
#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/types.h"

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

}  // namespace radar_spoof
