// The flags of `radar_spoof_exporter query`.
//
// `--help` documents each.
// Thread rule: pure.
#pragma once

#include <string>

#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/config/asked_query.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

struct QueryCommandLine {
  std::string name;         // of a configured query; empty: ad hoc
  std::string config_file;  // empty: the default one, if it is there
  QueryFlags flags;
  bool json = false;
  bool explain = false;
};

// `argv[0]` is "query".
Result<QueryCommandLine, EarlyExit> ParseQueryCommandLine(int argc, const char* const* argv);

}  // namespace radar_spoof
