#include "common_flags.h"

#include <cstdio>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "exit_code.h"

namespace radar_spoof {

int Print(const EarlyExit& early) {
  std::fputs(early.text.c_str(), early.status == 0 ? stdout : stderr);
  return early.status;
}

EarlyExit UsageError(const CLI::App& app, const std::string& problem) {
  return {kUnusable, fmt::format("{}: {}\nTry --help.\n", app.get_name(), problem)};
}

std::optional<EarlyExit> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return UsageError(app, error.what());
    std::ostringstream text;
    app.exit(error, text, text);
    return EarlyExit{0, text.str()};
  }
  return std::nullopt;
}

void AddLogFlags(CLI::App& app, LogLevel& level, LogFormat& format) {
  const auto read_level = [&level](const std::string& name) {
    level = ParseLogLevel(name).value_or(level);
  };
  const auto read_format = [&format](const std::string& name) {
    format = ParseLogFormat(name).value_or(format);
  };
  app.add_option_function<std::string>("--log.level", read_level,
                                       "Log from here on: debug, info, warn, error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->option_text("LEVEL [info]");
  app.add_option_function<std::string>("--log.format", read_format, "logfmt or json")
      ->check(CLI::IsMember({"logfmt", "json"}))
      ->option_text("FORMAT [logfmt]");
}

}  // namespace radar_spoof
