// The daemon: what lives as long as the process, and how it is wired together.
//
// Thread rule: the main thread. Starts the threads that docs/design.md lists, and ends them.
#pragma once

#include <csignal>

#include "command_line.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/poll/poller.h"
#include "radar_spoof/web/basic_auth.h"
#include "radar_spoof/web/pages.h"
#include "radar_spoof/web/web_server.h"
#include "reload_loop.h"

namespace radar_spoof {

class Daemon {
 public:
  // REQUIRES: `environment` and `log` outlive this.
  Daemon(const CommandLine& command_line, Settings settings, WallTime start_time,
         ProcessEnvironment& environment, Log& log);

  // `--once`: polls every query and prints the page. The exit code. Blocking: for the answers.
  int PollOnce();

  // Polls and serves, on `sockets` if there are any, until one of `signals` that ends the process
  // arrives. The exit code.
  int Serve(const WebConfig& web, std::vector<FileDescriptor> sockets, const sigset_t& signals);

 private:
  PagesOptions PageOptions();
  std::vector<ReloadLoop::Source> ReloadSources(WebServer& server);
  void AttendUntilStopped(const sigset_t& signals, WebServer& server);

  const CommandLine command_line_;
  Log& log_;
  const WallTime start_time_;
  const SystemClock clock_;
  const std::unique_ptr<HttpClient> http_;
  SnapshotStore store_;
  Reloader reloader_;  // hands what it reads to poller_
  Poller poller_;
  ReloadLoop reload_loop_;
  BasicAuth basic_auth_{{}};
};

}  // namespace radar_spoof
