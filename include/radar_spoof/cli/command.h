// What the commands share that run to their end: how they find their configuration, what they say
// when they cannot begin, where they print, and how they are interrupted.
//
// Thread rule: the main thread.
#pragma once

#include <csignal>
#include <span>

#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/flag_parser.h"

namespace radar_spoof {

using Lines = std::vector<std::string>;

// The configuration in `file`; "": in the default one, or nullopt if there is no such file. The
// error is every problem. Blocking: reads a file.
Result<std::optional<Config>, Lines> LoadConfigIfThere(const std::string& file);

// {"error": {"reason": REASON, "detail": DETAIL}} and a newline. REQUIRES: UTF-8.
std::string ErrorJson(std::string_view reason, std::string_view detail);

// Nothing could be done: the same, with the reason "unusable". `detail` is one line or several, and
// may be from outside.
std::string UnusableJson(std::string_view detail);

// Says on standard error, behind the command's name, what is to be told.
void Tell(std::string_view command, const std::string& line);

// Nothing can be done: `problems`, for a person on standard error, or with `json` for a program on
// standard output, under the reason "unusable"; they may be from outside. The exit code.
int Refuse(std::string_view command, const Lines& problems, bool json);

// A wrong command line was not read to its end, so --json is looked for in it. The exit code.
int RefuseCommandLine(const EarlyExit& early, std::span<const char* const> arguments);

// Prints to standard output; who reads only the beginning (`| head`) ends the process quietly.
// Returns `code`.
int PrintOutput(const std::string& text, int code);

// What standard output is: `usual_columns` wide where it is no terminal.
Terminal TerminalOfOutput(int usual_columns = 80);

// While it lives, SIGINT and SIGTERM are looked for, not suffered.
class Interrupts {
 public:
  Interrupts();
  // One that came too late to end anything ends nothing.
  ~Interrupts() {
    while (Pending()) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // Whether one came since the last call.
  bool Pending() const;

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace radar_spoof
