#include "radar_spoof/backfill/backfill_command.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backfill_command_line.h"
#include "history_fetch.h"
#include "radar_spoof/cli/command.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

// Prometheus, "Backfilling": blocks must stay clear of the last 3 hours, which its head still
// holds.
constexpr Seconds kHead = 3h;
constexpr Milliseconds kReportEvery = 10s;
constexpr const char* kNothingToWrite =
    "there is nothing to write: no complete bucket that was shown 3 hours ago";

void PrintError(Log& log, const std::string& text) {
  log.Print("radar_spoof_exporter backfill: " + text);
}

void Print(const std::string& text) { std::printf("%s\n", text.c_str()); }

// How far a long command is, on a terminal: log lines that go through Line() and the bar do not
// write over each other.
class ProgressBar {
 public:
  // `terminal`: standard error is one.
  explicit ProgressBar(bool terminal) {
    if (terminal) terminal_.emplace(STDERR_FILENO, nullptr);
  }

  bool terminal() const { return terminal_.has_value(); }

  // "[#####...............]  12/48  text"
  void Show(std::size_t done, std::size_t total, std::string_view text) {
    if (!terminal_) return;
    const std::size_t filled =
        total == 0 ? kBarColumns : std::min(done, total) * kBarColumns / total;
    shown_ = fmt::format("[{:#<{}}{:.<{}}]  {}/{}  {}", "", filled, "", kBarColumns - filled, done,
                         total, text);
    // The last column stays free: some terminals wrap there.
    shown_.resize(std::min(shown_.size(), TerminalWidth() - 1));
    terminal_->Write(kClearLine + shown_);
  }

  // A line of the log; the bar comes back under it. REQUIRES: terminal().
  void Line(std::string_view line) {
    terminal_->Write(fmt::format("{}{}\n{}", kClearLine, line, shown_));
  }

  void Clear() {
    if (shown_.empty()) return;
    shown_.clear();
    terminal_->Write(kClearLine);
  }

 private:
  static constexpr std::size_t kBarColumns = 24;
  static constexpr std::size_t kUsualWidth = 80;
  static constexpr const char* kClearLine = "\r\x1b[K";

  static std::size_t TerminalWidth() {
    winsize size{};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : kUsualWidth;
  }

  std::optional<LineWriter> terminal_;
  std::string shown_;
};

class Backfill {
 public:
  Backfill(const BackfillCommandLine& command_line, std::string output, Settings settings,
           ProgressBar& bar, Log& log)
      : command_line_(command_line),
        output_(std::move(output)),
        config_(settings.config),
        settings_(std::move(settings)),
        bar_(bar),
        log_(log) {}

  int Run() {
    if (!ChooseBuckets()) return kUnusable;
    auto file = HistoryFile::Open(output_ + kPartialSuffix, config_.api().base_url);
    if (!file) {
      PrintError(log_, file.error());
      return kFailed;
    }
    if (!Fetch(*file.value()) || !Write(*file.value())) {
      PrintError(log_, "what was fetched is kept in " + output_ + kPartialSuffix +
                           "; run the same command again to continue");
      return kFailed;
    }
    if (file.value()->IsUsedUp(config_.queries(), needed_)) {
      file.value()->Remove();
    } else {
      Print(output_ + kPartialSuffix + ": kept, as it also has history that was not asked for now");
    }
    return 0;
  }

 private:
  bool ChooseBuckets() {
    const WallTime end = clock_.Now().wall - kHead;
    bool any_whole = false;
    bool any_shown = false;
    for (const Query& query : config_.queries()) {
      const TimeRange wanted = WholeBuckets(command_line_.asked, query.agg_interval);
      const bool empty = wanted.from == wanted.to;
      wanted_.push_back(wanted);
      needed_.push_back(empty ? wanted : HistoryNeeded(query, wanted));
      any_whole = any_whole || !empty;
      any_shown =
          any_shown || (!empty && wanted.from + Length(query.agg_interval) + kAssumedLag < end);
      if (empty) log_.Warn("no whole bucket lies in the range", {{"query", query.name}});
    }
    if (!any_whole) PrintError(log_, "no query has a whole bucket in the range");
    if (any_whole && !any_shown) PrintError(log_, kNothingToWrite);
    return any_shown;
  }

  bool Fetch(HistoryFile& file) {
    const auto http = MakeCurlHttpClient(UserAgent(), ClientOptions(config_.api()));
    HistoryFetch fetch(std::move(settings_), clock_, *http, file, log_, std::random_device{}(),
                       [this] { return interrupts_->Pending(); });
    log_.Info("fetching", {{"requests", fetch.Plan(needed_)}});
    const auto problem = fetch.Run([this](const FetchProgress& progress) { Report(progress); });
    bar_.Clear();
    if (problem) PrintError(log_, *problem);
    return !problem;
  }

  void Report(const FetchProgress& progress) {
    const std::string from = FormatRfc3339(progress.piece.from);
    bar_.Show(progress.done, progress.total, progress.query->name + "  " + from);
    const SteadyTime now = clock_.Now().steady;
    if (bar_.terminal() || now < next_report_) return;
    next_report_ = now + kReportEvery;
    log_.Info("progress", {{"done", progress.done},
                           {"of", progress.total},
                           {"query", progress.query->name},
                           {"from", from}});
  }

  bool Write(const HistoryFile& file) {
    const std::string fresh = output_ + kNewSuffix;
    std::vector<std::string> lines;
    const auto problem = WriteBy(fresh, file, lines);
    // Nobody may be reading what is printed; then a signal must end the wait for it.
    interrupts_.reset();
    for (const std::string& line : lines) Print(line);
    if (!problem) return true;
    std::remove(fresh.c_str());
    PrintError(log_, *problem);
    return false;
  }

  // nullopt: the output is written, by way of that file. `lines` are to be printed.
  std::optional<std::string> WriteBy(const std::string& fresh, const HistoryFile& file,
                                     std::vector<std::string>& lines) {
    std::vector<QueryHistory> shown;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (interrupts_->Pending()) return kInterrupted;
      shown.push_back(Shown(i, file, lines));
    }
    errno = 0;
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    // Once a write has failed, errno says why, until something else is done.
    const auto stopped = [&] { return !out || interrupts_->Pending(); };
    const auto size = WriteHistory(shown, command_line_.labels, command_line_.step, stopped, out);
    out.close();
    if (!size && out) return kInterrupted;
    if (size && size->samples == 0) return kNothingToWrite;
    if (!out || std::rename(fresh.c_str(), output_.c_str()) != 0) {
      return "cannot write " + output_ + ": " + SystemErrorText(errno);
    }
    lines.push_back(fmt::format("{}: {} samples of {} series, up to 3 hours ago", output_,
                                size->samples, size->series));
    return std::nullopt;
  }

  QueryHistory Shown(std::size_t index, const HistoryFile& file,
                     std::vector<std::string>& lines) const {
    const Query& query = config_.queries()[index];
    const TimeRange& wanted = wanted_[index];
    const std::vector<SpoofBucket> history = file.Buckets(query);
    const auto found = std::ranges::count_if(history, [&wanted](const SpoofBucket& bucket) {
      return wanted.from <= *bucket.start && *bucket.start < wanted.to;
    });
    lines.push_back(fmt::format("{}: {} of {} buckets of {} from {} to {}", query.name, found,
                                (wanted.to - wanted.from) / Length(query.agg_interval),
                                RequestName(query.agg_interval), FormatRfc3339(wanted.from),
                                FormatRfc3339(wanted.to)));
    return {query, ShownHistory(query, history, wanted, MaxDataAge(query, config_.polling()),
                                clock_.Now().wall - kHead)};
  }

  const BackfillCommandLine& command_line_;
  const std::string output_;
  const Config config_;
  Settings settings_;
  ProgressBar& bar_;
  Log& log_;
  const SystemClock clock_;
  std::optional<Interrupts> interrupts_{std::in_place};  // until the output is written
  std::vector<TimeRange> wanted_;                        // by query: the buckets to be shown
  std::vector<TimeRange> needed_;                        // and what must be known for it
  SteadyTime next_report_{};
};

void WarnOfMissingLabels(const BackfillCommandLine& command_line, Log& log) {
  for (const char* const name : {"job", "instance"}) {
    const auto& labels = command_line.labels;
    if (std::ranges::find(labels, name, &ExternalLabel::name) != labels.end()) continue;
    log.Warn("without this --label old and live samples will not be one series", {{"label", name}});
  }
}

}  // namespace

int RunBackfill(int argc, const char* const* argv) {
  const auto command_line = ParseBackfillCommandLine(argc, argv, SystemClock().Now().wall);
  if (!command_line) return Print(command_line.error());
  std::signal(SIGPIPE, SIG_IGN);
  ProgressBar bar(isatty(STDERR_FILENO) == 1);
  Log log(command_line.value().log_level, command_line.value().log_format,
          bar.terminal() ? [&bar](std::string_view line) { bar.Line(line); } : Log::Sink());
  ProcessEnvironment environment;
  auto settings = ReadSettings(command_line.value().config_file, environment, log);
  if (!settings) {
    PrintError(log, settings.error());
    return kUnusable;
  }
  const ApiConfig& api = settings.value().config.api();
  const std::array<ProtectedFile, 4> inputs = {
      {{command_line.value().config_file, "the configuration"},
       {api.credentials.token_file, "api.token_file"},
       {api.credentials.key_file, "api.key_file"},
       {api.ca_file, "api.ca_file"}}};
  const auto output = CheckOutputPath(command_line.value().output, inputs);
  if (!output) {
    PrintError(log, output.error());
    return kUnusable;
  }
  WarnOfMissingLabels(command_line.value(), log);
  return Backfill(command_line.value(), output.value().string(), std::move(settings).value(), bar,
                  log)
      .Run();
}

}  // namespace radar_spoof
