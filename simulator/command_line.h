// radar_simulator's flags.
//
// `--help` documents each.
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/flag_parser.h"
#include "radar_spoof/http/http_server.h"
#include "simulator/simulator.h"
#include "simulator/unruly_front.h"

namespace radar_spoof::simulator {

struct CommandLine {
  ListenAddress listen;  // always loopback
  SimulatorOptions options;
  ConnectionFaults faults;
};

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv);

}  // namespace radar_spoof::simulator
