#include "radar_spoof/core/log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// What the log calls a level, and what begins a line that journald is to file under its priority:
// sd-daemon(3).
struct Level {
  LogLevel level;
  spdlog::level::level_enum of_spdlog;
  std::string_view name;
  std::string_view priority;
};
constexpr std::array kLevels = {Level{LogLevel::kDebug, spdlog::level::debug, "debug", "<7>"},
                                Level{LogLevel::kInfo, spdlog::level::info, "info", "<6>"},
                                Level{LogLevel::kWarn, spdlog::level::warn, "warn", "<4>"},
                                Level{LogLevel::kError, spdlog::level::err, "error", "<3>"}};

const Level& LevelOf(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }
const Level& LevelOf(spdlog::level::level_enum level) {
  return *std::ranges::find(kLevels, level, &Level::of_spdlog);
}

// Quoted so that both logfmt and JSON readers take it back unchanged, but for what is not UTF-8,
// which JSON cannot hold.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    const std::string_view bytes = text.substr(0, std::max<std::size_t>(c.bytes, 1));
    if (c.bytes == 0) {
      quoted += "\\ufffd";
    } else if (c.value == '"' || c.value == '\\') {
      quoted.append("\\").append(bytes);
    } else if (c.value == '\n') {
      quoted += "\\n";
    } else if (c.value < 0x20 || c.value == 0x7f) {
      quoted += fmt::format("\\u{:04x}", std::uint32_t{c.value});
    } else {
      quoted += bytes;
    }
    text.remove_prefix(bytes.size());
  }
  return quoted + '"';
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || !IsUtf8(text) ||
         std::any_of(text.begin(), text.end(), [](unsigned char c) {
           return c <= 0x20 || c == 0x7f || c == '=' || c == '"' || c == '\\';
         });
}

std::unique_ptr<spdlog::formatter> FormatterFor(LogFormat format) {
  return std::make_unique<spdlog::pattern_formatter>(format == LogFormat::kJson
                                                         ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                                         : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                     spdlog::pattern_time_type::utc, "");
}

// A line that is longer than the queue would never be written. What is left of a character that is
// cut is not UTF-8.
std::string_view Beginning(std::string_view value) {
  constexpr std::size_t kLongestValue = std::size_t{64} << 10;
  return value.substr(0, kLongestValue);
}

// What stands behind the time.
std::string Statement(LogFormat format, LogLevel level, std::string_view message,
                      std::span<const LogField> fields) {
  const bool json = format == LogFormat::kJson;
  std::string line =
      json ? fmt::format(R"("level":"{}","msg":{})", LevelOf(level).name, Quoted(message))
           : fmt::format("level={} msg={}", LevelOf(level).name, Quoted(message));
  for (const LogField& field : fields) {
    if (json) {
      line += fmt::format(R"(,"{}":{})", field.key,
                          field.is_number ? field.value : Quoted(Beginning(field.value)));
    } else {
      const std::string_view value = Beginning(field.value);
      line += fmt::format(" {}={}", field.key, NeedsQuotes(value) ? Quoted(value) : value);
    }
  }
  return line;
}

// Takes lines of the log and, by Print(), plain ones.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  using Put = std::function<void(spdlog::level::level_enum, std::string_view line)>;

  explicit LineSink(Put put) : put_(std::move(put)) {}

  void Print(std::string_view text) {
    const std::lock_guard lock(mutex_);
    while (!text.empty()) put_(spdlog::level::err, TakeUntil(text, "\n"));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    put_(message.level, {line.data(), line.size()});
  }
  void flush_() override {}

  const Put put_;
};

// Whether systemd connected standard error to the journal, and it still is: systemd.exec(5),
// JOURNAL_STREAM.
bool IsJournal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

LineSink::Put ToStandardError(LogFormat format) {
  const auto ended = [journal = IsJournal()](spdlog::level::level_enum level,
                                             std::string_view line) {
    return fmt::format("{}{}\n", journal ? LevelOf(level).priority : "", line);
  };
  const auto loss_text = [format, ended](std::uint64_t lines) {
    const std::string statement =
        Statement(format, LogLevel::kWarn, "log lines were lost; standard error took nothing",
                  std::array{LogField("lines", lines)});
    spdlog::memory_buf_t line;
    FormatterFor(format)->format({"", spdlog::level::warn, statement}, line);
    return ended(spdlog::level::warn, {line.data(), line.size()});
  };
  return [ended, writer = std::make_shared<LineWriter>(STDERR_FILENO, loss_text)](
             spdlog::level::level_enum level, std::string_view line) {
    writer->Write(ended(level, line));
  };
}

LineSink::Put ToReceiver(Log::Sink sink) {
  return [sink = std::move(sink)](spdlog::level::level_enum, std::string_view line) { sink(line); };
}

constexpr std::size_t kQueueBytes = std::size_t{1} << 20;
constexpr auto kLastWords = std::chrono::milliseconds(500);

// While it lives, threads that are started get no signals: those are for others.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  const auto* const found = std::ranges::find(kLevels, name, &Level::name);
  return found == kLevels.end() ? std::nullopt : std::optional(found->level);
}

std::optional<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "logfmt") return LogFormat::kLogfmt;
  if (name == "json") return LogFormat::kJson;
  return std::nullopt;
}

LogField::LogField(std::string_view name, double number)
    : key(name), value(fmt::format("{}", number)), is_number(true) {}

class Log::Impl {
 public:
  Impl(LogLevel level, LogFormat format, Sink sink)
      : format_(format),
        sink_(std::make_shared<LineSink>(sink ? ToReceiver(std::move(sink))
                                              : ToStandardError(format))),
        logger_("radar_spoof_exporter", sink_) {
    logger_.set_level(LevelOf(level).of_spdlog);
    logger_.set_formatter(FormatterFor(format));
    // A sink that fails must not turn each lost line into another failing write.
    logger_.set_error_handler([](const std::string&) {});
  }

  void Write(LogLevel level, std::string_view message, std::span<const LogField> fields) {
    if (!logger_.should_log(LevelOf(level).of_spdlog)) return;
    logger_.log(LevelOf(level).of_spdlog, Statement(format_, level, message, fields));
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
void Log::Info(std::string_view message, std::span<const LogField> fields) {
  Write(LogLevel::kInfo, message, fields);
}
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
void Log::Write(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  try {
    impl_->Write(level, message, fields);
  } catch (const std::exception&) {
    return;
  }
}

struct LineWriter::Queue {
  Queue(int to, LossText text) : descriptor(to), loss_text(std::move(text)) {}

  void Put(std::string line);
  void Drain();
  // Called and returns with the lock held; without it meanwhile.
  void WriteFirst(std::unique_lock<std::mutex>& lock);
  void TellLosses(std::unique_lock<std::mutex>& lock);

  const int descriptor;
  const LossText loss_text;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> lines;
  std::size_t bytes = 0;  // of `lines`
  std::uint64_t lost = 0;
  bool closed = false;
  bool drained = false;
};

void LineWriter::Queue::Put(std::string line) {
  const std::lock_guard lock(mutex);
  if (bytes + line.size() > kQueueBytes) {
    ++lost;
    return;
  }
  bytes += line.size();
  try {
    lines.push_back(std::move(line));
  } catch (const std::exception&) {
    bytes -= line.size();
    ++lost;
  }
  changed.notify_all();
}

void LineWriter::Queue::Drain() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return closed || !lines.empty(); });
    if (lines.empty()) break;
    WriteFirst(lock);
  }
  drained = true;
  changed.notify_all();
}

void LineWriter::Queue::WriteFirst(std::unique_lock<std::mutex>& lock) {
  const std::string line = std::move(lines.front());
  lines.pop_front();
  bytes -= line.size();
  lock.unlock();
  const bool written = WriteAll(descriptor, line);
  lock.lock();
  if (!written) ++lost;
  // What was lost came after all that was queued.
  if (written && lines.empty() && lost > 0) TellLosses(lock);
}

void LineWriter::Queue::TellLosses(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t told = std::exchange(lost, 0);
  lock.unlock();
  bool written = false;
  try {
    written = !loss_text || WriteAll(descriptor, loss_text(told));
  } catch (const std::exception&) {
    written = false;
  }
  lock.lock();
  if (!written) lost += told;
}

LineWriter::LineWriter(int descriptor, LossText loss_text)
    : queue_(std::make_shared<Queue>(descriptor, std::move(loss_text))) {
  const NoSignals threads_without;
  thread_ = std::thread([queue = queue_] { queue->Drain(); });
}

LineWriter::~LineWriter() {
  bool drained = false;
  {
    std::unique_lock lock(queue_->mutex);
    queue_->closed = true;
    queue_->changed.notify_all();
    drained = queue_->changed.wait_for(lock, kLastWords, [this] { return queue_->drained; });
  }
  if (drained) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::Write(std::string line) { queue_->Put(std::move(line)); }

}  // namespace radar_spoof
