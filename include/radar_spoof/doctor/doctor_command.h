// `radar_spoof_exporter doctor`: makes 13 to 27 requests to the API and prints, row by row,
// what the exporter relies on and what was found.
//
// `doctor --help` documents the flags, docs/api.md the rows. Exit codes: 0 nothing is different or
// refused, and all was asked; 1 otherwise; 2 command line, configuration or credentials. Blocking:
// for the answers, at most 4 minutes; SIGINT and SIGTERM end it with what was found until then.
#pragma once

namespace radar_spoof {

// `argv[0]` is "doctor".
int RunDoctorCommand(int argc, const char* const* argv);

}  // namespace radar_spoof
