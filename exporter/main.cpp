// radar_spoof_exporter: wires config, schedule, fetch, parse, publish and serve, and waits to be
// told to stop. Exit codes: 0 fine, 1 failed, 2 command line or configuration.
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include <unistd.h>

#include "command_line.h"
#include "process_environment.h"
#include "radar_spoof/publish/exposition.h"
#include "radar_spoof/publish/poller.h"
#include "radar_spoof/serve/basic_auth.h"
#include "radar_spoof/serve/pages.h"
#include "radar_spoof/serve/web_config.h"
#include "radar_spoof/words/version.h"
#include "service_notify.h"
#include "settings.h"

namespace {

using namespace radar_spoof;

constexpr int kFailed = 1;
constexpr int kUnusable = 2;

void PrintLine(std::FILE* stream, const std::string& text) {
  std::fprintf(stream, "%s\n", text.c_str());
}

// Before any thread exists, so that all inherit it and sigwait gets every signal.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

Result<WebConfig, int> ReadWebConfig(const std::string& path) {
  if (path.empty()) return WebConfig{};
  auto web = LoadWebConfig(path);
  if (web) return std::move(web).value();
  for (const ConfigProblem& problem : web.error()) PrintLine(stderr, problem.Text());
  return kUnusable;
}

int CheckConfig(const CommandLine& command_line) {
  const auto web = ReadWebConfig(command_line.web_config_file);
  const auto config = LoadConfig(command_line.config_file);
  if (!config) {
    for (const ConfigProblem& problem : config.error()) PrintLine(stderr, problem.Text());
    return kUnusable;
  }
  for (const ConfigProblem& warning : config.value().warnings()) {
    PrintLine(stderr, "warning: " + warning.Text());
  }
  PrintLine(stdout, command_line.config_file + ": good");
  PrintLine(stdout, config.value().Plan().Text());
  return web ? 0 : web.error();
}

// What lives as long as the process, in the order in which it must be taken down again.
class Exporter {
 public:
  Exporter(const CommandLine& command_line, Poller::Settings settings, WallTime start_time,
           ProcessEnvironment& environment, Log& log)
      : log_(log),
        start_time_(start_time),
        http_(MakeCurlHttpClient("radar_spoof_exporter/" + std::string(Version()),
                                 {.ca_file = settings.config.api().ca_file,
                                  .timeout = settings.config.api().timeout,
                                  .max_connections = settings.config.api().max_concurrency})),
        store_(FirstSnapshot(settings.config, clock_.Now().wall)),
        poller_(std::move(settings), clock_, *http_, store_, log, std::random_device{}()),
        reloader_(command_line.config_file, environment, poller_, log) {}

  int RunOnce() {
    const bool all_good = poller_.RunOnce();
    std::fputs(Exposition(ExpositionFormat::kText).c_str(), stdout);
    return all_good && std::fflush(stdout) == 0 ? 0 : kFailed;
  }

  int Serve(const CommandLine& command_line, const WebConfig& web, const sigset_t& signals) {
    if (!web.users.empty()) basic_auth_ = std::make_unique<BasicAuth>(web.users);
    const Pages pages(store_, clock_, PageOptions(command_line));
    std::vector<std::unique_ptr<HttpServer>> servers;
    for (const ListenAddress& address : command_line.listen) {
      auto server = HttpServer::Start(
          address, ServerThreads::kPool,
          [&pages](const ServerRequest& request) { return pages.Respond(request); },
          {.tls = web.tls, .on_error = [this](std::string_view problem) {
             log_.Error("a request could not be answered", {{"detail", problem}});
           }});
      if (!server) {
        log_.Error("cannot serve", {{"detail", server.error()}});
        return kFailed;
      }
      log_.Info("serving", {{"address", ListenAddress{address.host, server.value()->port()}.Text()},
                            {"path", command_line.telemetry_path},
                            {"tls", web.tls ? "yes" : "no"}});
      servers.push_back(std::move(server).value());
    }
    return RunUntilStopped(signals);
  }

 private:
  std::string Exposition(ExpositionFormat format) const {
    return RenderExposition(*store_.Load(), ReadProcessMetrics(start_time_), clock_.Now(), format);
  }

  PagesOptions PageOptions(const CommandLine& command_line) {
    PagesOptions options;
    options.telemetry_path = command_line.telemetry_path;
    options.exposition = [this](ExpositionFormat format) { return Exposition(format); };
    if (command_line.enable_lifecycle) options.reload = [this] { return reloader_.Reload(); };
    if (basic_auth_) {
      options.allows = [this](std::string_view authorization) {
        return basic_auth_->Allows(authorization);
      };
    }
    return options;
  }

  int RunUntilStopped(const sigset_t& signals) {
    bool failed = false;
    std::thread polling([this, &failed] {
      try {
        poller_.Run();
      } catch (const std::exception& error) {
        log_.Error("polling ended", {{"detail", error.what()}});
        failed = true;
        kill(getpid(), SIGTERM);
      }
    });
    NotifyReady();
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) (void)reloader_.Reload();
    NotifyStopping();
    poller_.Stop();
    polling.join();
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
  std::unique_ptr<BasicAuth> basic_auth_;
};

int Run(const CommandLine& command_line) {
  const WallTime start_time = SystemClock().Now().wall;
  const sigset_t signals = BlockSignals();
  if (command_line.config_check) return CheckConfig(command_line);
  const auto web = ReadWebConfig(command_line.web_config_file);
  if (!web) return web.error();
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

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command_line = ParseCommandLine(argc, argv);
    if (command_line) return Run(command_line.value());
    const EarlyExit& early = command_line.error();
    std::fputs(early.text.c_str(), early.status == 0 ? stdout : stderr);
    return early.status;
  } catch (const std::exception& error) {
    PrintLine(stderr, std::string("radar_spoof_exporter: ") + error.what());
    return kFailed;
  }
}
