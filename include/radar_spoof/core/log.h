// Structured log lines: a sentence and fields, as logfmt or JSON, one line each.
//
// Thread rule: Log and LineWriter may be used from any thread.
// Blocking: never on standard error, but for the destructor, as LineWriter's; as long as a sink of
// one's own does. Where standard error is the journal, each line begins with its priority, as
// sd-daemon(3) says. Secrets: a field's value is text or a number; Secret converts to neither.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

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
  // The shortest decimal that reads back as the same number. REQUIRES: it is finite.
  LogField(std::string_view name, double number);

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
  void Info(std::string_view message, std::span<const LogField> fields);
  void Warn(std::string_view message, Fields fields = {});
  void Error(std::string_view message, Fields fields = {});
  // A text for a person, line by line and whatever the level; to the journal, as errors.
  void Print(std::string_view text);

 private:
  void Write(LogLevel level, std::string_view message, std::span<const LogField> fields);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Lines to a descriptor that others read, and may stop reading: a pipe to a log collector, the
// journal's socket, a terminal. A thread of its own writes, so that nobody else ever waits for it.
//
// What cannot be written at once is queued, up to 1 MiB; what does not fit, or fails to be written,
// is lost and counted, and the count is written as soon as lines are taken again.
// The descriptor's flags are left as they are: O_NONBLOCK would hold for every process that shares
// it (ADR 20).
class LineWriter {
 public:
  // The text that tells of this many lost lines. Called on the writer's thread, also after the
  // LineWriter is gone, so it owns what it uses.
  using LossText = std::function<std::string(std::uint64_t lines)>;

  // `descriptor` stays open as long as the process lives. `loss_text` empty: losses are not told.
  LineWriter(int descriptor, LossText loss_text);
  // Waits at most half a second for what is queued to be taken. A thread that is stuck by then ends
  // with the process.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `line` is written as it is, its newline included, in one piece where the system allows it.
  void Write(std::string line);

 private:
  struct Queue;

  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace radar_spoof
