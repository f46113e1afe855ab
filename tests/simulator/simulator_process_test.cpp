// radar_simulator as a process: what it prints, and what it ends with.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tcp_client.h"

namespace radar_spoof {
namespace {

class Process {
 public:
  explicit Process(std::vector<std::string> flags) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    flags.insert(flags.begin(), RADAR_SIMULATOR);
    std::vector<char*> argv;
    for (std::string& flag : flags) argv.push_back(flag.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::execv(RADAR_SIMULATOR, argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Process() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), Wait();
    ::close(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int signal) { ::kill(pid_, signal); }

  // The exit status, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // The next line of standard output or error, without its newline; what there is at its end.
  std::string Line() {
    std::string line;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

int PortOf(const std::string& line) {
  const std::string before = "http://127.0.0.1:";
  const std::size_t at = line.find(before);
  return at == std::string::npos ? 0 : std::stoi(line.substr(at + before.size()));
}

TEST_CASE(
    "it says in one line where it listens and how to be let in, and ends with 0 when told to") {
  for (const int signal : {SIGTERM, SIGINT}) {
    CAPTURE(signal);
    Process process({"--listen-address", "127.0.0.1:0", "--scenario", "slow", "--token", "abc"});
    const std::string line = process.Line();
    const int port = PortOf(line);
    CHECK(port > 0);
    CHECK(line == "radar_simulator: listening on http://127.0.0.1:" + std::to_string(port) +
                      "/client/v4 (scenario slow, token abc)");
    test::TcpClient client(port);
    client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(client.ReceiveAll().starts_with("HTTP/1.1 200 "));
    process.Signal(signal);
    CHECK(process.Wait() == 0);
  }
}

TEST_CASE("with a fault of connections, the port it names is the one where connections have it") {
  Process process({"--listen-address", "127.0.0.1:0", "--answer-twice", "1ms"});
  test::TcpClient client(PortOf(process.Line()));
  client.Send("GET /scenario HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string said = client.ReceiveAll();
  CHECK(said.substr(0, said.size() / 2) == said.substr(said.size() / 2));
  CHECK(said.starts_with("HTTP/1.1 200 "));
  process.Signal(SIGTERM);
  CHECK(process.Wait() == 0);
}

TEST_CASE("a port that is taken is exit status 1, with the address") {
  Process first({"--listen-address", "127.0.0.1:0"});
  const std::string address = "127.0.0.1:" + std::to_string(PortOf(first.Line()));
  Process second({"--listen-address", address});
  CHECK(second.Line() ==
        "radar_simulator: cannot listen on " + address + ": Address already in use");
  CHECK(second.Wait() == 1);
}

TEST_CASE("a wrong command line is exit status 2, help is 0") {
  Process wrong({"--listen-address", "0.0.0.0:0"});
  CHECK(wrong.Line() == "radar_simulator: --listen-address: 0.0.0.0:0 is not a loopback address");
  CHECK(wrong.Wait() == 2);
  Process help({"--help"});
  CHECK(help.Line().starts_with("A stand-in for the Cloudflare Radar API"));
  CHECK(help.Wait() == 0);
}

}  // namespace
}  // namespace radar_spoof
