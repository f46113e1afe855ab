// radar_spoof_exporter: wires config, schedule, fetch, parse, publish and serve, and waits to be
// told to stop.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <stop_token>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "backfill_command.h"
#include "command_line.h"
#include "config_check.h"
#include "exit_code.h"
#include "process_environment.h"
#include "process_hardening.h"
#include "query_command.h"
#include "radar_spoof/publish/exposition.h"
#include "radar_spoof/publish/poller.h"
#include "radar_spoof/serve/basic_auth.h"
#include "radar_spoof/serve/pages.h"
#include "radar_spoof/serve/web_server.h"
#include "radar_spoof/words/version.h"
#include "service_notify.h"
#include "settings.h"
#include "watchdog.h"

namespace {

using namespace radar_spoof;

void PrintLine(std::FILE* stream, const std::string& text) {
  std::fprintf(stream, "%s\n", text.c_str());
}

// Before any thread exists, so that all inherit it and sigtimedwait gets every signal; and before
// anything else, so that none ends a daemon that has only just started.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// For what runs to its end and has nothing to save: the default action ends it at once.
void UnblockSignals(const sigset_t& signals) { pthread_sigmask(SIG_UNBLOCK, &signals, nullptr); }

// The signal that came, or 0 when none did.
int AwaitSignal(const sigset_t& signals, Milliseconds at_most) {
  const timespec patience{.tv_sec = at_most.count() / 1000,
                          .tv_nsec = at_most.count() % 1000 * 1'000'000};
  return std::max(0, sigtimedwait(&signals, nullptr, &patience));
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
    const std::string page = RenderPolled(*store_.Load(), clock_.Now(), ExpositionFormat::kText);
    std::fputs(page.c_str(), stdout);
    return all_good ? 0 : kFailed;
  }

  int Serve(const CommandLine& command_line, const WebConfig& web, const sigset_t& signals) {
    const Pages pages(store_, clock_, PageOptions(command_line));
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
    if (command_line.enable_lifecycle) options.reload = [this] { return reloader_.Reload(); };
    options.authenticate = [this](const ServerRequest& request) {
      return basic_auth_.Check(request.Header("authorization"), request.client, request.settings,
                               clock_.Now().steady);
    };
    return options;
  }

  void AttendUntilStopped(const sigset_t& signals, WebServer& server) {
    Watchdog watchdog([this] { return poller_.turns(); }, [&server] { return server.Answers(); },
                      NotifyAlive);
    for (;;) {
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
    bool failed = false;
    {
      // Stopped and joined whatever ends this block.
      const std::jthread polling([this, &failed](const std::stop_token& stop) {
        const std::stop_callback on_stop(stop, [this] { poller_.Stop(); });
        try {
          poller_.Run();
        } catch (const std::exception& error) {
          log_.Error("polling ended", {{"detail", error.what()}});
          failed = true;
          kill(getpid(), SIGTERM);
        }
      });
      NotifyReady();
      AttendUntilStopped(signals, server);
      NotifyStopping();
    }
    log_.Info("stopped");
    return failed ? kFailed : 0;
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
  if (command_line.config_check || command_line.once) UnblockSignals(signals);
  std::signal(SIGPIPE, SIG_IGN);
  if (command_line.config_check) {
    return CheckConfig(command_line.config_file, command_line.web_config_file);
  }
  const auto web = ReadWebConfig(command_line.web_config_file);
  if (!web) {
    PrintLine(stderr, web.error());
    return kUnusable;
  }
  Log log(command_line.log_level, command_line.log_format);
  ProcessEnvironment environment;
  auto settings = ReadSettings(command_line.config_file, environment, log);
  if (!settings) {
    PrintLine(stderr, settings.error());
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
    UnblockSignals(signals);
    return subcommand == "query" ? RunQueryCommand(argc - 1, argv + 1)
                                 : RunBackfill(argc - 1, argv + 1);
  }
  const auto command_line = ParseCommandLine(argc, argv);
  if (command_line) return Run(command_line.value(), signals);
  UnblockSignals(signals);
  return Print(command_line.error());
}

// What was not written, to a full disk for one, was not done.
int Written(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  PrintLine(stderr, "radar_spoof_exporter: the output could not be written");
  return status == 0 ? kFailed : status;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t signals = BlockSignals();
  OpenStandardDescriptors();
  ForbidCoreDumps();
  ReturnFreedMemory();
  try {
    return Written(RunCommand(argc, argv, signals));
  } catch (const std::exception& error) {
    PrintLine(stderr, std::string("radar_spoof_exporter: ") + error.what());
    return kFailed;
  }
}
