// radar_simulator's flags.
//
// Used by: main. `--help` documents each.
// Thread rule: pure.
#pragma once

#include <string>

#include "radar_spoof/serve/http_server.h"
#include "radar_spoof/words/result.h"
#include "simulator/simulator.h"
#include "simulator/unruly_front.h"

namespace radar_spoof::simulator {

struct CommandLine {
  ListenAddress listen;  // always loopback
  SimulatorOptions options;
  ConnectionFaults faults;
};

// Why there is nothing to run: help or version asked for (0), or a wrong command line (2).
struct EarlyExit {
  int status;
  std::string text;  // for standard output when 0, else for standard error; ends with a newline
};

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv);

}  // namespace radar_spoof::simulator
