#include "daemon.h"

#include <algorithm>
#include <cstdio>
#include <future>
#include <random>

#include <unistd.h>

#include "process.h"
#include "radar_spoof/core/version.h"
#include "supervisor.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// Together less than what systemd, Docker and Kubernetes wait, as shipped, before SIGKILL. The
// second part is also for the log to be written.
constexpr auto kPatience = 1s;
constexpr auto kLastPatience = 4s;

// A loop on a thread of its own. Should it ever fail, SIGTERM is sent to the process.
class LoopThread {
 public:
  struct Loop {
    std::function<void()> run;
    std::function<void()> stop;  // ends run()
    // What the log says when run() threw, and when it does not end.
    std::string_view failed;
    std::string_view stuck;
  };

  LoopThread(Loop loop, Log& log)
      : loop_(std::move(loop)),
        log_(log),
        well_(std::async(std::launch::async, [this] { return Run(); })) {}
  // Waits for the end of the loop, however long that takes.
  ~LoopThread() { loop_.stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // Ends them, and says whether all went well. What is stuck, on a hung file system for one, is
  // given 5 s; then the process ends, for nothing else could end the thread.
  static bool End(std::initializer_list<LoopThread*> threads) {
    const auto begin = std::chrono::steady_clock::now();
    for (LoopThread* const each : threads) each->loop_.stop();
    for (LoopThread* const each : threads) {
      if (!each->EndsBy(begin + kPatience)) each->log_.Error(each->loop_.stuck);
    }
    bool well = true;
    for (LoopThread* const each : threads) {
      if (!each->EndsBy(begin + kPatience + kLastPatience)) _exit(kFailed);
      well = each->well_.get() && well;
    }
    return well;
  }

 private:
  bool Run() {
    try {
      loop_.run();
      return true;
    } catch (const std::exception& error) {
      log_.Error(loop_.failed, {{"detail", error.what()}});
      kill(getpid(), SIGTERM);
      return false;
    }
  }

  bool EndsBy(std::chrono::steady_clock::time_point time) const {
    return well_.wait_until(time) == std::future_status::ready;
  }

  const Loop loop_;
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
              SaverFor(command_line, log), command_line.log_readings ? &log : nullptr),
      reload_loop_(clock_, log) {}

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
  LoopThread polling(
      {.run = [this] { poller_.Run(); },
       .stop = [this] { poller_.Stop(); },
       .failed = "polling ended",
       .stuck =
           "the poll loop is stuck; if it stays stuck the process ends without saving its state"},
      log_);
  const std::vector<ReloadLoop::Source> sources = ReloadSources(*server.value());
  LoopThread reloading(
      {.run = [&] { reload_loop_.Run(sources); },
       .stop = [this] { reload_loop_.Stop(); },
       .failed = "reloading ended",
       .stuck =
           "the reading of the configuration is stuck; if it stays stuck the process ends all the "
           "same"},
      log_);
  AttendUntilStopped(signals, *server.value());
  NotifyStopping();
  const bool well = LoopThread::End({&polling, &reloading});
  log_.Info("stopped");
  return well ? 0 : kFailed;
}

PagesOptions Daemon::PageOptions() {
  PagesOptions options;
  options.telemetry_path = command_line_.telemetry_path;
  options.route_prefix = command_line_.route_prefix;
  options.external_path = command_line_.external_path;
  options.process = [this] {
    return command_line_.disable_exporter_metrics ? ProcessMetrics{}
                                                  : ReadProcessMetrics(start_time_);
  };
  options.last_turn = [this] { return poller_.last_turn(); };
  if (command_line_.enable_lifecycle) options.reload = [this] { return reload_loop_.AskFromWeb(); };
  options.authenticate = [this](const ServerRequest& request) {
    return basic_auth_.Check(request.Header("authorization"), request.client, request.settings,
                             clock_.Now().steady);
  };
  return options;
}

std::vector<ReloadLoop::Source> Daemon::ReloadSources(WebServer& server) {
  std::vector<ReloadLoop::Source> sources;
  sources.push_back({command_line_.config_file,
                     [this](ReloadCause cause) { return reloader_.Reload(cause); },
                     [this] { return reloader_.ReloadIfChanged(clock_.Now().steady); }});
  if (command_line_.web_config_file.empty()) return sources;
  sources.push_back({command_line_.web_config_file,
                     [&server](ReloadCause cause) -> std::optional<std::string> {
                       if (cause == ReloadCause::kSignal) server.Refresh();
                       return std::nullopt;
                     },
                     [this, &server] {
                       server.RefreshOnceSettled(clock_.Now().steady);
                       return ReloadLoop::kLookInterval;
                     }});
  return sources;
}

void Daemon::AttendUntilStopped(const sigset_t& signals, WebServer& server) {
  Watchdog watchdog([this] { return poller_.last_turn(); }, [&server] { return server.Answers(); },
                    NotifyAlive);
  Milliseconds wait = Watchdog::kBeat;
  for (bool told_ready = false;;) {
    if (!told_ready) told_ready = NotifyReady();
    const int signal = AwaitSignal(signals, wait);
    if (signal > 0 && signal != SIGHUP) return;
    // What lacks memory now has it at the next beat, or the watchdog is not told.
    try {
      wait = Watchdog::kBeat;
      if (signal == SIGHUP) reload_loop_.Ask();
      wait = std::min(wait, reload_loop_.Attend());
      if (WatchdogWaits()) watchdog.Beat();
    } catch (const std::exception& error) {
      log_.Error("main loop: iteration failed, retrying", {{"detail", error.what()}});
    }
  }
}

}  // namespace radar_spoof
