// radar_simulator: wires the simulated API to a server and waits to be told to stop.
#include <csignal>
#include <cstdio>
#include <exception>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"
#include "simulator/command_line.h"
#include "simulator/simulator.h"
#include "simulator/unruly_front.h"

namespace {

using namespace radar_spoof;
using namespace radar_spoof::simulator;

int Run(const CommandLine& command_line) {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  // Before the server's threads exist, so that they inherit it and sigwait below gets the signal.
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const SystemClock clock;
  Simulator simulator(command_line.options, clock);
  // What a well-behaved server cannot do is done by a front, behind which the server then is.
  const bool is_unruly = command_line.faults.Any();
  const auto server =
      HttpServer::Start(is_unruly ? ListenAddress{"127.0.0.1", 0} : command_line.listen,
                        ServerThreads::kThreadPerConnection,
                        [&](const ServerRequest& request) { return simulator.Handle(request); });
  if (!server) {
    std::fprintf(stderr, "radar_simulator: %s\n", server.error().c_str());
    return 1;
  }
  int port = server.value()->port();
  std::unique_ptr<UnrulyFront> front;
  if (is_unruly) {
    auto started = UnrulyFront::Start(command_line.listen, port, command_line.faults);
    if (!started) {
      std::fprintf(stderr, "radar_simulator: %s\n", started.error().c_str());
      return 1;
    }
    front = std::move(started).value();
    port = front->port();
  }
  std::printf("radar_simulator: listening on http://%s/client/v4 (scenario %s, token %s)\n",
              ListenAddress{command_line.listen.host, port}.Text().c_str(),
              std::string(Name(command_line.options.scenario)).c_str(),
              command_line.options.credentials.token.c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stop_signals, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command_line = ParseCommandLine(argc, argv);
    return command_line ? Run(command_line.value()) : Print(command_line.error());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "radar_simulator: %s\n", error.what());
    return 1;
  }
}
