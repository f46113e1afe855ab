// radar_spoof_exporter: wires config, schedule, fetch, parse, publish and serve, and waits to be
// told to stop.
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <string_view>

#include "command_line.h"
#include "config_check.h"
#include "polling_thread.h"
#include "process_hardening.h"
#include "radar_spoof/backfill/backfill_command.h"
#include "radar_spoof/cli/exit_code.h"
#include "radar_spoof/cli/process_environment.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/poll/poller.h"
#include "radar_spoof/query/query_command.h"
#include "radar_spoof/web/basic_auth.h"
#include "radar_spoof/web/pages.h"
#include "radar_spoof/web/web_server.h"
#include "service_notify.h"
#include "signals.h"
#include "watchdog.h"

namespace {

using namespace radar_spoof;

void PrintError(const std::string& text) {
  std::fprintf(stderr, "radar_spoof_exporter: %s\n", text.c_str());
}

// What lives as long as the process, in the order in which it must be taken down again.
class Exporter {
 public:
  Exporter(const CommandLine& command_line, Settings settings, WallTime start_time,
           ProcessEnvironment& environment, Log& log)
      : log_(log),
        start_time_(start_time),
        http_(MakeCurlHttpClient(UserAgent(), ClientOptions(settings.config.api()))),
        store_(FirstSnapshot(settings.config, clock_.Now().wall)),
        poller_(std::move(settings), clock_, *http_, store_, log, std::random_device{}(),
                SaverFor(command_line, log)),
        reloader_(command_line.config_file, environment, poller_, log) {}

  int RunOnce() {
    const bool all_good = poller_.RunOnce();
    // Without the process's own metrics, which in a textfile would pass for node_exporter's.
    const std::string page = RenderWithoutProcess(*store_.Load(), poller_.metrics(), clock_.Now(),
                                                  ExpositionFormat::kText);
    std::fputs(page.c_str(), stdout);
    return all_good ? 0 : kFailed;
  }

  int Serve(const CommandLine& command_line, const WebConfig& web, const sigset_t& signals) {
    const Pages pages(store_, poller_.metrics(), clock_, PageOptions(command_line));
    const auto server = WebServer::Start(
        {command_line.listen, command_line.web_config_file,
         [&pages](const ServerRequest& request) { return pages.Respond(request); }},
        web, basic_auth_, log_);
    if (!server) {
      log_.Error("cannot serve", {{"detail", server.error()}});
      return kFailed;
    }
    for (const ListenAddress& address : server.value()->addresses()) {
      log_.Info("serving", {{"address", address.Text()},
                            {"path", command_line.telemetry_path},
                            {"tls", server.value()->has_tls() ? "yes" : "no"}});
    }
    return RunUntilStopped(signals, *server.value());
  }

 private:
  static std::unique_ptr<StateSaver> SaverFor(const CommandLine& command_line, Log& log) {
    if (command_line.storage_path.empty() || command_line.once) return nullptr;
    return std::make_unique<StateSaver>(command_line.storage_path, log);
  }

  PagesOptions PageOptions(const CommandLine& command_line) {
    PagesOptions options;
    options.telemetry_path = command_line.telemetry_path;
    options.process = [this] { return ReadProcessMetrics(start_time_); };
    options.last_turn = [this] { return poller_.last_turn(); };
    if (command_line.enable_lifecycle) options.reload = [this] { return reloader_.Reload(); };
    options.authenticate = [this](const ServerRequest& request) {
      return basic_auth_.Check(request.Header("authorization"), request.client, request.settings,
                               clock_.Now().steady);
    };
    return options;
  }

  void AttendUntilStopped(const sigset_t& signals, WebServer& server) {
    Watchdog watchdog([this] { return poller_.last_turn(); },
                      [&server] { return server.Answers(); }, NotifyAlive);
    for (bool told_ready = false;;) {
      if (!told_ready) told_ready = NotifyReady();
      const int signal = AwaitSignal(signals, Watchdog::kBeat);
      if (signal > 0 && signal != SIGHUP) return;
      // What lacks memory now has it at the next beat, or the watchdog is not told.
      try {
        if (signal == SIGHUP) (void)reloader_.Reload();
        server.Refresh();
        if (WatchdogWaits()) watchdog.Beat();
      } catch (const std::exception& error) {
        log_.Error("a turn of the main thread was given up", {{"detail", error.what()}});
      }
    }
  }

  int RunUntilStopped(const sigset_t& signals, WebServer& server) {
    PollingThread polling(poller_, log_);
    AttendUntilStopped(signals, server);
    NotifyStopping();
    const bool well = polling.End();
    log_.Info("stopped");
    return well ? 0 : kFailed;
  }

  Log& log_;
  const WallTime start_time_;
  const SystemClock clock_;
  const std::unique_ptr<HttpClient> http_;
  SnapshotStore store_;
  Poller poller_;
  Reloader reloader_;
  BasicAuth basic_auth_{{}};
};

int Run(const CommandLine& command_line, const sigset_t& signals) {
  const WallTime start_time = SystemClock().Now().wall;
  if (command_line.config_check || command_line.once) LetSignalsEnd(signals);
  std::signal(SIGPIPE, SIG_IGN);
  if (command_line.config_check) {
    return CheckConfig(command_line.config_file, command_line.web_config_file);
  }
  Log log(command_line.log_level, command_line.log_format);
  const auto web = ReadWebConfig(command_line.web_config_file);
  if (!web) {
    log.Print(web.error());
    return kUnusable;
  }
  ProcessEnvironment environment;
  auto settings = ReadSettings(command_line.config_file, environment, log);
  if (!settings) {
    log.Print(settings.error());
    return kUnusable;
  }
  const Config& config = settings.value().config;
  log.Info("starting", {{"version", Version()},
                        {"api", config.api().base_url},
                        {"queries", config.queries().size()}});
  Exporter exporter(command_line, std::move(settings).value(), start_time, environment, log);
  return command_line.once ? exporter.RunOnce()
                           : exporter.Serve(command_line, web.value(), signals);
}

int RunCommand(int argc, char** argv, const sigset_t& signals) {
  const std::string_view subcommand = argc > 1 ? argv[1] : "";
  if (subcommand == "query" || subcommand == "backfill") {
    LetSignalsEnd(signals);
    return subcommand == "query" ? RunQueryCommand(argc - 1, argv + 1)
                                 : RunBackfill(argc - 1, argv + 1);
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
  SurviveFileSizeLimit();
  ForbidCoreDumps();
  ReturnFreedMemory();
  try {
    return Written(RunCommand(argc, argv, signals));
  } catch (const std::exception& error) {
    LetSignalsEnd(signals);
    PrintError(error.what());
    return kFailed;
  }
}
