#include "radar_spoof/cli/command.h"

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/core/json_writer.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
Result<std::optional<Config>, Lines> LoadConfigIfThere(const std::string& file) {
  std::error_code ignored;
  if (file.empty() && !std::filesystem::exists(kDefaultConfigFile, ignored) && !ignored) {
    return std::optional<Config>();
  }
  auto config = LoadConfig(file.empty() ? kDefaultConfigFile : file);
  if (config) return std::optional(std::move(config).value());
  Lines problems;
  for (const ConfigProblem& problem : config.error()) problems.push_back(problem.Text());
  return problems;
}

std::string ErrorJson(std::string_view reason, std::string_view detail) {
  JsonWriter json;
  json.Object([&] {
    json.Key("error");
    json.Object([&] {
      json.Member("reason", reason);
      json.Member("detail", detail);
    });
  });
  return json.Text() + '\n';
}

std::string UnusableJson(std::string_view detail) {
  std::string harmless = ForTerminal(TakeUntil(detail, "\n"), true);
  while (!detail.empty()) harmless += '\n' + ForTerminal(TakeUntil(detail, "\n"), true);
  return ErrorJson("unusable", harmless);
}

void Tell(std::string_view command, const std::string& line) {
  std::fputs(fmt::format("radar_spoof_exporter {}: {}\n", command, line).c_str(), stderr);
}

int Refuse(std::string_view command, const Lines& problems, bool json) {
  if (json) {
    return PrintOutput(UnusableJson(fmt::format("{}", fmt::join(problems, "\n"))), kUnusable);
  }
  for (const std::string& problem : problems) Tell(command, problem);
  return kUnusable;
}

int RefuseCommandLine(const EarlyExit& early, std::span<const char* const> arguments) {
  const bool json = std::ranges::find(arguments, std::string_view("--json")) != arguments.end();
  if (early.status == 0 || !json) return Print(early);
  return PrintOutput(UnusableJson(early.text.substr(0, early.text.find_last_not_of('\n') + 1)),
                     early.status);
}

int PrintOutput(const std::string& text, int code) {
  std::signal(SIGPIPE, SIG_DFL);
  std::fputs(text.c_str(), stdout);
  return code;
}

Terminal TerminalOfOutput(int usual_columns) {
  Terminal terminal;
  terminal.columns = usual_columns;
  std::setlocale(LC_CTYPE, "");
  terminal.unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  if (isatty(STDOUT_FILENO) == 0) return terminal;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  }
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  terminal.colour = (no_colour == nullptr || *no_colour == '\0') && kind != nullptr &&
                    std::string_view(kind) != "dumb";
  return terminal;
}

Interrupts::Interrupts() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

bool Interrupts::Pending() const {
  const timespec no_wait{};
  return sigtimedwait(&signals_, nullptr, &no_wait) > 0;
}

}  // namespace radar_spoof
