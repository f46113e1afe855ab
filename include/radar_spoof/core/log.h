// Structured log lines: a sentence and fields, as logfmt or JSON, one line each.
//
// Libraries never write to stderr themselves.
// Thread rule: Log may be used from any thread.
// Blocking: never on standard error; as long as a sink of one's own does. Standard error that takes
// nothing (a stuck reader, a full disk) loses lines; how many, a line tells as soon as it takes
// some again. The destructor waits up to half a second for what was not written yet. Where standard
// error is the journal, each line begins with its priority, as sd-daemon(3) says. Secrets: a
// field's value is text or a number; Secret converts to neither.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

std::optional<LogLevel> ParseLogLevel(std::string_view name);    // debug info warn error
std::optional<LogFormat> ParseLogFormat(std::string_view name);  // logfmt json

struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, std::integral auto number)
      : key(name), value(std::to_string(number)), is_number(true) {}

  std::string key;  // snake_case
  std::string value;
  bool is_number = false;
};

class Log {
 public:
  using Fields = std::initializer_list<LogField>;
  // Receives one finished line, without its newline. Called under a lock: never concurrently.
  using Sink = std::function<void(std::string_view line)>;

  // Lines below `level` are dropped. `sink` empty: standard error.
  Log(LogLevel level, LogFormat format, Sink sink = {});
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(std::string_view message, Fields fields = {});
  void Info(std::string_view message, Fields fields = {});
  void Warn(std::string_view message, Fields fields = {});
  void Error(std::string_view message, Fields fields = {});
  // A text for a person, line by line and whatever the level; to the journal, as errors.
  void Print(std::string_view text);

 private:
  void Write(LogLevel level, std::string_view message, Fields fields);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace radar_spoof
