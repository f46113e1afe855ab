#include "radar_spoof/core/log.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"

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
        Row{"p\xC3\xA4iv\xC3\xA4", "p\xC3\xA4iv\xC3\xA4", "\"p\xC3\xA4iv\xC3\xA4\""}}) {
    CAPTURE(row.text);
    CHECK(Written(LogFormat::kLogfmt, "m", {{"f", row.text}}) ==
          "ts=T level=info msg=\"m\" f=" + row.logfmt);
    CHECK(Written(LogFormat::kJson, row.text, {{"f", row.text}}) ==
          "{\"ts\":\"T\",\"level\":\"info\",\"msg\":" + row.json + ",\"f\":" + row.json + "}");
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

}  // namespace
}  // namespace radar_spoof
