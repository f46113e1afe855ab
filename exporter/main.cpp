// radar_spoof_exporter: which of its commands is asked for.
#include <csignal>
#include <cstdio>

#include "command_line.h"
#include "daemon.h"
#include "process.h"
#include "radar_spoof/backfill/backfill_command.h"
#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/doctor/doctor_command.h"
#include "radar_spoof/query/query_command.h"
#include "radar_spoof/web/web_config.h"
#include "supervisor.h"

namespace {

using namespace radar_spoof;

void PrintError(const std::string& text) {
  std::fprintf(stderr, "radar_spoof_exporter: %s\n", text.c_str());
}

int Run(const CommandLine& command_line, const sigset_t& signals) {
  const WallTime start_time = SystemClock().Now().wall;
  if (command_line.config_check || command_line.once) LetSignalsEnd(signals);
  std::signal(SIGPIPE, SIG_IGN);
  if (command_line.config_check) {
    return CheckConfig(command_line.config_file, command_line.web_config_file);
  }
  Log log(command_line.log_level, command_line.log_format);
  const auto web = LoadWebConfig(command_line.web_config_file);
  if (!web) {
    log.Print(Joined(web.error(), "\n"));
    return kUnusable;
  }
  ProcessEnvironment environment;
  auto settings = ReadSettings(command_line.config_file, environment, log);
  if (!settings) {
    log.Print(settings.error());
    return kUnusable;
  }
  std::vector<FileDescriptor> sockets;
  if (command_line.systemd_socket && !command_line.once) {
    auto taken = TakeSockets();
    if (!taken) {
      log.Print("--web.systemd-socket: " + taken.error() +
                "; expected sockets that listen, as a socket unit of systemd makes them");
      return kUnusable;
    }
    sockets = std::move(taken).value();
  }
  const Config& config = settings.value().config;
  log.Info("starting", {{"version", Version()},
                        {"api", config.api().base_url},
                        {"queries", config.queries().size()}});
  Daemon daemon(command_line, std::move(settings).value(), start_time, environment, log);
  return command_line.once ? daemon.PollOnce()
                           : daemon.Serve(web.value(), std::move(sockets), signals);
}

int RunCommand(int argc, char** argv, const sigset_t& signals) {
  const std::string_view subcommand = argc > 1 ? argv[1] : "";
  for (const auto& [name, run] :
       {std::pair("query", &RunQueryCommand), std::pair("backfill", &RunBackfill),
        std::pair("doctor", &RunDoctorCommand)}) {
    if (subcommand != name) continue;
    LetSignalsEnd(signals);
    return run(argc - 1, argv + 1);
  }
  const auto command_line = ParseCommandLine(argc, argv);
  if (command_line) return Run(command_line.value(), signals);
  LetSignalsEnd(signals);
  return Print(command_line.error());
}

// What was not written, to a full disk for one, was not done.
int Written(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  PrintError("the output could not be written");
  return status == 0 ? kFailed : status;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = BlockSignals();
  OpenStandardDescriptors();
  HardenProcess();
  try {
    return Written(RunCommand(argc, argv, signals));
  } catch (const std::exception& error) {
    LetSignalsEnd(signals);
    PrintError(error.what());
    return kFailed;
  }
}
