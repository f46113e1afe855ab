#include "radar_spoof/words/log.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

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

class CallbackSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallbackSink(Log::Sink receiver) : sink_(std::move(receiver)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    sink_({line.data(), line.size()});
  }
  void flush_() override {}

  Log::Sink sink_;
};

spdlog::sink_ptr MakeSink(Log::Sink sink) {
  if (sink) return std::make_shared<CallbackSink>(std::move(sink));
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
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
      : format_(format), logger_("radar_spoof_exporter", MakeSink(std::move(sink))) {
    logger_.set_level(ToSpdlog(level));
    const bool to_callback = dynamic_cast<CallbackSink*>(logger_.sinks().front().get()) != nullptr;
    const std::string pattern = format == LogFormat::kJson ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                                           : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v";
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        pattern, spdlog::pattern_time_type::utc, to_callback ? "" : "\n"));
    logger_.flush_on(spdlog::level::debug);
    // A full disk or a closed pipe must not turn each lost line into another failing write.
    logger_.set_error_handler([](const std::string&) {});
  }

  void Write(LogLevel level, std::string_view message, Fields fields) {
    if (!logger_.should_log(ToSpdlog(level))) return;
    const bool json = format_ == LogFormat::kJson;
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
    logger_.log(ToSpdlog(level), line);
  }

 private:
  LogFormat format_;
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

// A line that cannot be written, for want of memory above all, must not end what it tells of.
void Log::Write(LogLevel level, std::string_view message, Fields fields) {
  try {
    impl_->Write(level, message, fields);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace radar_spoof
