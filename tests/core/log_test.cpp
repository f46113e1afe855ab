#include "radar_spoof/core/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/text.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

// Lines without their time stamps, which are checked to be times.
class Recorder {
 public:
  Log::Sink Sink(LogFormat format) {
    return [this, format](std::string_view line) {
      const std::size_t before = format == LogFormat::kJson ? 7 : 3;  // {"ts":" or ts=
      const std::string_view stamp = line.substr(before, 24);
      CHECK(ParseRfc3339(stamp).has_value());
      const std::size_t after = before + 24;
      lines.push_back(std::string(line.substr(0, before)) + "T" + std::string(line.substr(after)));
    };
  }
  std::vector<std::string> lines;
};

std::string Written(LogFormat format, std::string_view message, Log::Fields fields) {
  Recorder recorder;
  Log log(LogLevel::kDebug, format, recorder.Sink(format));
  log.Info(message, fields);
  CHECK(recorder.lines.size() == 1);
  return recorder.lines.empty() ? "" : recorder.lines.front();
}

TEST_CASE("a logfmt line is a time, a level, a sentence and fields") {
  CHECK(Written(LogFormat::kLogfmt, "query is failing",
                {{"query", "all"}, {"reason", "server"}, {"status", 503}}) ==
        R"(ts=T level=info msg="query is failing" query=all reason=server status=503)");
}

TEST_CASE("a JSON line is one object whose numbers are numbers") {
  CHECK(
      Written(LogFormat::kJson, "query is failing",
              {{"query", "all"}, {"reason", "server"}, {"status", 503}}) ==
      R"({"ts":"T","level":"info","msg":"query is failing","query":"all","reason":"server","status":503})");
}

TEST_CASE("no text can break out of its field or its line") {
  struct Row {
    std::string text;
    std::string logfmt;
    std::string json;
  };
  for (const Row& row :
       {Row{"plain", "plain", R"("plain")"}, Row{"", R"("")", R"("")"},
        Row{"two words", R"("two words")", R"("two words")"}, Row{"a=b", R"("a=b")", R"("a=b")"},
        Row{"say \"hi\"", R"("say \"hi\"")", R"("say \"hi\"")"},
        Row{"back\\slash", R"("back\\slash")", R"("back\\slash")"},
        Row{"line\nlevel=error", R"("line\nlevel=error")", R"("line\nlevel=error")"},
        Row{"tab\there", R"("tab\u0009here")", R"("tab\u0009here")"},
        Row{"\r", R"("\u000d")", R"("\u000d")"},
        Row{"\x1b[31mred", R"("\u001b[31mred")", R"("\u001b[31mred")"},
        Row{std::string("n\0l", 3), R"("n\u0000l")", R"("n\u0000l")"},
        Row{"del\x7f", R"("del\u007f")", R"("del\u007f")"},
        Row{"100%v %Y {}", R"("100%v %Y {}")", R"("100%v %Y {}")"},
        Row{"p\xC3\xA4iv\xC3\xA4", "p\xC3\xA4iv\xC3\xA4", "\"p\xC3\xA4iv\xC3\xA4\""},
        Row{"no\xFFUTF-8", R"("no\ufffdUTF-8")", R"("no\ufffdUTF-8")"},
        Row{"half\xC3", R"("half\ufffd")", R"("half\ufffd")"},
        Row{"\xED\xA0\x80", R"("\ufffd\ufffd\ufffd")", R"("\ufffd\ufffd\ufffd")"}}) {
    CAPTURE(row.text);
    CHECK(Written(LogFormat::kLogfmt, "m", {{"f", row.text}}) ==
          "ts=T level=info msg=\"m\" f=" + row.logfmt);
    CHECK(Written(LogFormat::kJson, row.text, {{"f", row.text}}) ==
          "{\"ts\":\"T\",\"level\":\"info\",\"msg\":" + row.json + ",\"f\":" + row.json + "}");
  }
}

TEST_CASE("a value that is longer than what may wait is cut, not lost") {
  for (const LogFormat format : {LogFormat::kLogfmt, LogFormat::kJson}) {
    Recorder recorder;
    Log log(LogLevel::kInfo, format, recorder.Sink(format));
    log.Info("m", {{"detail", std::string(2'000'000, 'x')}, {"then", "y"}});
    REQUIRE(recorder.lines.size() == 1);
    CHECK(recorder.lines.front().size() < 100'000);
    CHECK(recorder.lines.front().find("then") != std::string::npos);
  }
}

TEST_CASE("a value is UTF-8 wherever it is cut") {
  for (const LogFormat format : {LogFormat::kLogfmt, LogFormat::kJson}) {
    for (std::size_t before = 0; before < 4; ++before) {
      std::string value(before, 'x');
      while (value.size() < 100'000) value += "\xF0\x9F\x93\xAE";
      CHECK(IsUtf8(Written(format, "m", {{"detail", value}})));
    }
  }
}

TEST_CASE("lines below the level are dropped") {
  struct Row {
    LogLevel level;
    std::vector<std::string> kept;
  };
  for (const Row& row :
       {Row{LogLevel::kDebug, {"debug", "info", "warn", "error"}},
        Row{LogLevel::kInfo, {"info", "warn", "error"}}, Row{LogLevel::kWarn, {"warn", "error"}},
        Row{LogLevel::kError, {"error"}}}) {
    Recorder recorder;
    Log log(row.level, LogFormat::kLogfmt, recorder.Sink(LogFormat::kLogfmt));
    log.Debug("m");
    log.Info("m");
    log.Warn("m");
    log.Error("m");
    std::vector<std::string> expected;
    for (const std::string& level : row.kept) {
      expected.push_back("ts=T level=" + level + " msg=\"m\"");
    }
    CHECK(recorder.lines == expected);
  }
}

TEST_CASE("a text for a person is printed line by line, whatever the level and format") {
  std::vector<std::string> lines;
  Log log(LogLevel::kError, LogFormat::kJson,
          [&lines](std::string_view line) { lines.emplace_back(line); });
  log.Print("config.yaml:1:1: one\n\nconfig.yaml:3:1: \"two\"\n");
  log.Print("three");
  CHECK(lines ==
        std::vector<std::string>{"config.yaml:1:1: one", "", "config.yaml:3:1: \"two\"", "three"});
}

TEST_CASE("a sink that fails costs the line, never the program") {
  int calls = 0;
  Log log(LogLevel::kInfo, LogFormat::kLogfmt, [&calls](std::string_view) {
    ++calls;
    throw std::runtime_error("disk full");
  });
  CHECK_NOTHROW(log.Info("one"));
  CHECK_NOTHROW(log.Error("two"));
  CHECK_NOTHROW(log.Print("three"));
  CHECK(calls == 3);
}

TEST_CASE("levels and formats have exactly the names of the flags") {
  CHECK(ParseLogLevel("debug") == LogLevel::kDebug);
  CHECK(ParseLogLevel("info") == LogLevel::kInfo);
  CHECK(ParseLogLevel("warn") == LogLevel::kWarn);
  CHECK(ParseLogLevel("error") == LogLevel::kError);
  for (const char* const wrong : {"", "INFO", "warning", "trace"})
    CHECK_FALSE(ParseLogLevel(wrong));
  CHECK(ParseLogFormat("logfmt") == LogFormat::kLogfmt);
  CHECK(ParseLogFormat("json") == LogFormat::kJson);
  for (const char* const wrong : {"", "JSON", "text"}) CHECK_FALSE(ParseLogFormat(wrong));
}

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
    told.notify_one();
    return Lost(lines);
  });
  std::uint64_t lines = 0;
  // More than can wait, so that some are lost however late the writer's thread runs.
  for (; lines < 300'000; ++lines) writer.Write("a line\n");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  // It is told once nothing waits, so this must not write on and on meanwhile.
  writer.Write("a line\n");
  ++lines;
  told.wait(0);
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
