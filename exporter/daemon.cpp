#include "daemon.h"

#include <algorithm>
#include <cstdio>
#include <future>
#include <random>

#include <unistd.h>

#include "radar_spoof/core/version.h"
#include "signals.h"
#include "supervisor.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// Together less than what systemd, Docker and Kubernetes wait, as shipped, before SIGKILL. The
// second part is also for the log to be written.
constexpr auto kPatience = 1s;
constexpr auto kLastPatience = 4s;

// The poll loop, on a thread of its own. Should it ever fail, SIGTERM is sent to the process.
class PollingThread {
 public:
  PollingThread(Poller& poller, Log& log)
      : poller_(poller),
        log_(log),
        well_(std::async(std::launch::async, RunLoop, std::ref(poller), std::ref(log))) {}
  // Waits for the end of the loop, however long that takes.
  ~PollingThread() { poller_.Stop(); }
  PollingThread(const PollingThread&) = delete;
  PollingThread& operator=(const PollingThread&) = delete;

  // Ends the loop, which saves its state, and says whether all went well. A loop that is stuck, on
  // a hung file system for one, is given 5 s; then the process ends, for nothing else could end the
  // thread.
  bool End() {
    poller_.Stop();
    if (well_.wait_for(kPatience) != std::future_status::ready) {
      log_.Error(
          "the poll loop is stuck; if it stays so the process ends without saving its state");
      if (well_.wait_for(kLastPatience) != std::future_status::ready) _exit(kFailed);
    }
    return well_.get();
  }

 private:
  static bool RunLoop(Poller& poller, Log& log) {
    try {
      poller.Run();
      return true;
    } catch (const std::exception& error) {
      log.Error("polling ended", {{"detail", error.what()}});
      kill(getpid(), SIGTERM);
      return false;
    }
  }

  Poller& poller_;
  Log& log_;
  std::future<bool> well_;
};

std::unique_ptr<StateSaver> SaverFor(const CommandLine& command_line, Log& log) {
  if (command_line.storage_path.empty() || command_line.once) return nullptr;
  return std::make_unique<StateSaver>(command_line.storage_path, log);
}

}  // namespace

Daemon::Daemon(const CommandLine& command_line, Settings settings, WallTime start_time,
               ProcessEnvironment& environment, Log& log)
    : command_line_(command_line),
      log_(log),
      start_time_(start_time),
      http_(MakeCurlHttpClient(UserAgent(), ClientOptions(settings.config.api()))),
      store_(FirstSnapshot(settings.config, clock_.Now().wall)),
      reloader_(command_line.config_file, settings, command_line.auto_reload_interval, environment,
                poller_, log),
      poller_(std::move(settings), clock_, *http_, store_, log, std::random_device{}(),
              SaverFor(command_line, log), command_line.log_readings ? &log : nullptr) {}

int Daemon::PollOnce() {
  const bool all_good = poller_.RunOnce();
  // Without the process's own metrics, which in a textfile would pass for node_exporter's.
  const std::string page = RenderWithoutProcess(*store_.Load(), poller_.metrics(), clock_.Now(),
                                                ExpositionFormat::kText);
  std::fputs(page.c_str(), stdout);
  return all_good ? 0 : kFailed;
}

int Daemon::Serve(const WebConfig& web, std::vector<FileDescriptor> sockets,
                  const sigset_t& signals) {
  const Pages pages(store_, poller_.metrics(), clock_, PageOptions());
  const auto server =
      WebServer::Start({command_line_.listen, std::move(sockets), command_line_.web_config_file,
                        [&pages](const ServerRequest& request) { return pages.Respond(request); },
                        [&pages](const ServerRequest& request) { return pages.IsProbe(request); }},
                       web, basic_auth_, log_);
  if (!server) {
    log_.Error("cannot serve", {{"detail", server.error()}});
    return kFailed;
  }
  for (const std::string& address : server.value()->addresses()) {
    log_.Info("serving", {{"address", address},
                          {"path", command_line_.route_prefix + command_line_.telemetry_path},
                          {"tls", server.value()->has_tls() ? "yes" : "no"}});
  }
  PollingThread polling(poller_, log_);
  AttendUntilStopped(signals, *server.value());
  NotifyStopping();
  const bool well = polling.End();
  log_.Info("stopped");
  return well ? 0 : kFailed;
}

PagesOptions Daemon::PageOptions() {
  PagesOptions options;
  options.telemetry_path = command_line_.telemetry_path;
  options.route_prefix = command_line_.route_prefix;
  options.external_path = command_line_.external_path;
  if (command_line_.disable_exporter_metrics) {
    options.process = [] { return ProcessMetrics{}; };
  } else {
    options.process = [this] { return ReadProcessMetrics(start_time_); };
  }
  options.last_turn = [this] { return poller_.last_turn(); };
  if (command_line_.enable_lifecycle)
    options.reload = [this] { return reloader_.Reload(ReloadCause::kRequest); };
  options.authenticate = [this](const ServerRequest& request) {
    return basic_auth_.Check(request.Header("authorization"), request.client, request.settings,
                             clock_.Now().steady);
  };
  return options;
}

void Daemon::AttendUntilStopped(const sigset_t& signals, WebServer& server) {
  Watchdog watchdog([this] { return poller_.last_turn(); }, [&server] { return server.Answers(); },
                    NotifyAlive);
  const auto look_at_config = [this] { return reloader_.ReloadIfChanged(clock_.Now().steady); };
  Milliseconds wait = std::min(Watchdog::kBeat, look_at_config());
  for (bool told_ready = false;;) {
    if (!told_ready) told_ready = NotifyReady();
    const int signal = AwaitSignal(signals, wait);
    if (signal > 0 && signal != SIGHUP) return;
    // What lacks memory now has it at the next beat, or the watchdog is not told.
    try {
      wait = Watchdog::kBeat;
      if (signal == SIGHUP) {
        (void)reloader_.Reload(ReloadCause::kSignal);
        server.Refresh();
      } else {
        server.RefreshOnceSettled(clock_.Now().steady);
      }
      wait = std::min(wait, look_at_config());
      if (WatchdogWaits()) watchdog.Beat();
    } catch (const std::exception& error) {
      log_.Error("main loop: iteration failed, retrying", {{"detail", error.what()}});
    }
  }
}

}  // namespace radar_spoof
