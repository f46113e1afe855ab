// `radar_spoof_exporter query`: asks the API once and prints what it says, for a person or as JSON.
//
// `query --help` documents the flags. Exit codes: 0 answered; 1 not; 2 command line, configuration
// or credentials. Blocking: for the answer.
#pragma once

namespace radar_spoof {

// `argv[0]` is "query".
int RunQueryCommand(int argc, const char* const* argv);

}  // namespace radar_spoof
