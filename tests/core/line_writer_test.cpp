#include "radar_spoof/core/line_writer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

// Never closed: a writer that is stuck has it until the process ends.
class Channel {
 public:
  static Channel Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    return Channel(ends);
  }
  static Channel Sockets() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    return Channel(ends);
  }
  int theirs() const { return theirs_; }
  void Fill() const {
    REQUIRE(fcntl(theirs_, F_SETFL, O_NONBLOCK) == 0);
    while (write(theirs_, "x", 1) == 1) continue;
    REQUIRE(fcntl(theirs_, F_SETFL, 0) == 0);
  }
  // What comes before `text`, which is waited for and read, too.
  std::string ReadUntil(const std::string& text) {
    std::array<char, 4096> bytes;
    std::size_t end;
    while ((end = heard_.find(text)) == std::string::npos) {
      const ssize_t got = read(ours_, bytes.data(), bytes.size());
      REQUIRE(got > 0);
      heard_.append(bytes.data(), static_cast<std::size_t>(got));
    }
    const std::string before = heard_.substr(0, end);
    heard_.erase(0, end + text.size());
    return before;
  }

 private:
  explicit Channel(std::array<int, 2> ends) : ours_(ends[0]), theirs_(ends[1]) {}

  int ours_;
  int theirs_;
  std::string heard_;
};

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string Lost(std::uint64_t lines) { return "lost " + std::to_string(lines) + "\n"; }

TEST_CASE("lines are written in order, and all of them before the end") {
  Channel channel = Channel::Pipe();
  {
    LineWriter writer(channel.theirs(), Lost);
    for (const char* line : {"one\n", "two\n", "three\n"}) writer.Write(line);
  }
  close(channel.theirs());
  CHECK(channel.ReadUntil("three\n") == "one\ntwo\n");
}

TEST_CASE("nobody waits for an output that takes nothing, at the end included") {
  for (const Channel& channel : {Channel::Pipe(), Channel::Sockets()}) {
    channel.Fill();
    LineWriter writer(channel.theirs(), Lost);
    for (int i = 0; i < 100'000; ++i) writer.Write("a line of the log that nobody reads\n");
  }
}

TEST_CASE(
    "what waits takes a mebibyte at most; what is lost is counted and told when there is room") {
  Channel channel = Channel::Pipe();
  channel.Fill();
  LineWriter writer(channel.theirs(), Lost);
  const std::string line = std::string(1023, 'y') + '\n';
  // One more may be on its way to the system.
  for (int i = 0; i < 1024 + 1 + 500; ++i) writer.Write(line);
  const std::string heard = channel.ReadUntil("lost ");
  const auto written = std::count(heard.begin(), heard.end(), '\n');
  CHECK(written >= 1024);
  CHECK(written <= 1025);
  const std::string told = channel.ReadUntil("\n");
  CHECK(std::stoi(told) + written == 1024 + 1 + 500);
  writer.Write("and on\n");
  CHECK(channel.ReadUntil("and on\n").empty());
}

TEST_CASE("an output that fails costs the lines, which are told when it works again") {
  std::signal(SIGXFSZ, SIG_IGN);
  const test::TemporaryDirectory directory;
  const std::string path = directory.Path("log");
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit full = before;
  full.rlim_cur = 0;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
  std::atomic<std::uint64_t> told = 0;
  LineWriter writer(file, [&told](std::uint64_t lines) {
    told += lines;
    return Lost(lines);
  });
  std::uint64_t lines = 0;
  // More than can wait, so that some are lost however late the writer's thread runs.
  for (; lines < 300'000; ++lines) writer.Write("a line\n");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  for (; told == 0; ++lines) {
    writer.Write("a line\n");
    std::this_thread::yield();
  }
  writer.Write("the end\n");
  std::string text;
  while (text.find("the end\n") == std::string::npos) text = ReadFile(path);
  const auto written = std::count(text.begin(), text.end(), '\n');
  const auto tellings = std::count(text.begin(), text.end(), 'o');
  CHECK(told + static_cast<std::uint64_t>(written - tellings - 1) == lines);
  CHECK(tellings >= 1);
  std::signal(SIGXFSZ, SIG_DFL);
}

TEST_CASE("an output that others made non-blocking is waited for, and its flags stay as they are") {
  Channel channel = Channel::Pipe();
  channel.Fill();
  REQUIRE(fcntl(channel.theirs(), F_SETFL, O_NONBLOCK) == 0);
  LineWriter writer(channel.theirs(), Lost);
  writer.Write("late\n");
  CHECK(channel.ReadUntil("late\n").find('l') == std::string::npos);
  CHECK((fcntl(channel.theirs(), F_GETFL) & O_NONBLOCK) != 0);
  const Channel blocking = Channel::Pipe();
  LineWriter(blocking.theirs(), Lost).Write("line\n");
  CHECK((fcntl(blocking.theirs(), F_GETFL) & O_NONBLOCK) == 0);
}

}  // namespace
}  // namespace radar_spoof
