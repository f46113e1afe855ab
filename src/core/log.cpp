#include "radar_spoof/core/log.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/line_writer.h"

namespace radar_spoof {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "";
}

// Quoted so that both logfmt and JSON readers take it back unchanged.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](unsigned char c) {
           return c <= 0x20 || c == 0x7f || c == '=' || c == '"' || c == '\\';
         });
}

std::unique_ptr<spdlog::formatter> FormatterFor(LogFormat format) {
  return std::make_unique<spdlog::pattern_formatter>(format == LogFormat::kJson
                                                         ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                                         : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                     spdlog::pattern_time_type::utc, "");
}

// What stands behind the time.
std::string Statement(LogFormat format, LogLevel level, std::string_view message,
                      Log::Fields fields) {
  const bool json = format == LogFormat::kJson;
  std::string line = json ? fmt::format(R"("level":"{}","msg":{})", Name(level), Quoted(message))
                          : fmt::format("level={} msg={}", Name(level), Quoted(message));
  for (const LogField& field : fields) {
    if (json) {
      line += fmt::format(R"(,"{}":{})", field.key,
                          field.is_number ? field.value : Quoted(field.value));
    } else {
      line += fmt::format(" {}={}", field.key,
                          NeedsQuotes(field.value) ? Quoted(field.value) : field.value);
    }
  }
  return line;
}

// Takes lines of the log and, by Print(), plain ones.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void Print(std::string_view text) {
    const std::lock_guard lock(mutex_);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      Put(spdlog::level::err, text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

 private:
  virtual void Put(spdlog::level::level_enum level, std::string_view line) = 0;
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    Put(message.level, {line.data(), line.size()});
  }
  void flush_() override {}
};

class CallbackSink final : public LineSink {
 public:
  explicit CallbackSink(Log::Sink receiver) : sink_(std::move(receiver)) {}

 private:
  void Put(spdlog::level::level_enum, std::string_view line) override { sink_(line); }

  Log::Sink sink_;
};

// What begins a line that journald is to file under a priority: sd-daemon(3).
std::string_view Priority(spdlog::level::level_enum level) {
  if (level == spdlog::level::err) return "<3>";
  if (level == spdlog::level::warn) return "<4>";
  return level == spdlog::level::info ? "<6>" : "<7>";
}

// Whether systemd connected standard error to the journal, and it still is: systemd.exec(5),
// JOURNAL_STREAM.
bool IsJournal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

class StandardErrorSink final : public LineSink {
 public:
  explicit StandardErrorSink(LogFormat format)
      : journal_(IsJournal()),
        writer_(STDERR_FILENO, [format, journal = journal_](std::uint64_t lines) {
          const std::string statement =
              Statement(format, LogLevel::kWarn, "log lines were lost; standard error took no more",
                        {{"lines", lines}});
          spdlog::memory_buf_t line;
          FormatterFor(format)->format({"", spdlog::level::warn, statement}, line);
          return Ended(spdlog::level::warn, {line.data(), line.size()}, journal);
        }) {}

 private:
  static std::string Ended(spdlog::level::level_enum level, std::string_view line, bool journal) {
    return fmt::format("{}{}\n", journal ? Priority(level) : "", line);
  }
  void Put(spdlog::level::level_enum level, std::string_view line) override {
    writer_.Write(Ended(level, line, journal_));
  }

  const bool journal_;
  LineWriter writer_;
};

std::shared_ptr<LineSink> MakeSink(LogFormat format, Log::Sink sink) {
  if (sink) return std::make_shared<CallbackSink>(std::move(sink));
  return std::make_shared<StandardErrorSink>(format);
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (const auto level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (Name(level) == name) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "logfmt") return LogFormat::kLogfmt;
  if (name == "json") return LogFormat::kJson;
  return std::nullopt;
}

class Log::Impl {
 public:
  Impl(LogLevel level, LogFormat format, Sink sink)
      : format_(format),
        sink_(MakeSink(format, std::move(sink))),
        logger_("radar_spoof_exporter", sink_) {
    logger_.set_level(ToSpdlog(level));
    logger_.set_formatter(FormatterFor(format));
    // A sink that fails must not turn each lost line into another failing write.
    logger_.set_error_handler([](const std::string&) {});
  }

  void Write(LogLevel level, std::string_view message, Fields fields) {
    if (!logger_.should_log(ToSpdlog(level))) return;
    logger_.log(ToSpdlog(level), Statement(format_, level, message, fields));
  }
  void Print(std::string_view text) { sink_->Print(text); }

 private:
  const LogFormat format_;
  const std::shared_ptr<LineSink> sink_;
  spdlog::logger logger_;
};

Log::Log(LogLevel level, LogFormat format, Sink sink)
    : impl_(std::make_unique<Impl>(level, format, std::move(sink))) {}
Log::~Log() = default;

void Log::Debug(std::string_view message, Fields fields) {
  Write(LogLevel::kDebug, message, fields);
}
void Log::Info(std::string_view message, Fields fields) { Write(LogLevel::kInfo, message, fields); }
void Log::Warn(std::string_view message, Fields fields) { Write(LogLevel::kWarn, message, fields); }
void Log::Error(std::string_view message, Fields fields) {
  Write(LogLevel::kError, message, fields);
}

void Log::Print(std::string_view text) {
  try {
    impl_->Print(text);
  } catch (const std::exception&) {
    return;
  }
}

// A line that cannot be written, for want of memory above all, must not end what it tells of.
void Log::Write(LogLevel level, std::string_view message, Fields fields) {
  try {
    impl_->Write(level, message, fields);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace radar_spoof
