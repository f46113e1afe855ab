#include "backfill_command_line.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBackfillDescription =
    "Fetches the history of the configured queries and writes it as OpenMetrics, for\n"
    "  promtool tsdb create-blocks-from openmetrics --max-block-duration=486h FILE DIR\n"
    "A run that was interrupted or failed goes on where it was when it is started again.";

constexpr const char* kBackfillFooter =
    "Exit codes: 0 written; 1 failed or interrupted, what was fetched is kept in FILE.partial;\n"
    "2 command line, configuration, credentials or output cannot be used, nothing was fetched.";

// The flags as they are written; ParseBackfillCommandLine reads them.
struct WrittenFlags {
  BackfillCommandLine read;
  std::string range;
  std::string from;
  std::string to;
  int step = 300;
  std::vector<std::string> labels;
};

void AddFlags(FlagParser& flags, WrittenFlags& written) {
  BackfillCommandLine& read = written.read;
  flags.AddFile("--config.file", read.config_file, "The queries, as the exporter has them",
                "FILE [" + read.config_file + "]");
  flags.AddFile("--output", read.output, "Where to write; replaced when all is fetched", "FILE");
  flags.Require("--output");
  flags.AddText("--range", written.range, "How far back from now to begin: 1d to 364d, 1w to 52w",
                "RANGE");
  flags.AddText("--from", written.from,
                "The first moment: a date, or a time as 2026-01-05T00:00:00Z", "TIME");
  flags.Exclude("--from", "--range");
  flags.AddText("--to", written.to, "The last moment; only buckets that end by then are fetched",
                "TIME [now]");
  flags.Exclude("--to", "--range");
  flags.Need("--to", "--from");
  flags.AddTexts("--label", written.labels,
                 "A label that the scrape adds, such as job=radar_spoof; may be repeated",
                 "NAME=VALUE");
  flags.AddNumber("--step", written.step, 1, 900,
                  "Seconds between samples; over 300, Prometheus shows gaps", "SECONDS [300]");
  AddLogFlags(flags, read.log_level, read.log_format);
  flags.AddFooter(kBackfillFooter);
}

std::optional<WallTime> ParseMoment(const std::string& text) {
  if (auto time = ParseRfc3339(text)) return time;
  return ParseRfc3339(text + "T00:00:00Z");
}

Result<TimeRange, std::string> ParseAsked(const WrittenFlags& written, WallTime now) {
  if (!written.range.empty()) {
    const auto range = DateRange::Parse(written.range);
    if (range) return TimeRange{now - range->Length(), now};
    return fmt::format("--range: found \"{}\"; expected 1d to 364d or 1w to 52w", written.range);
  }
  if (written.from.empty()) return std::string("--range or --from is required");
  const auto from = ParseMoment(written.from);
  const auto to = written.to.empty() ? now : ParseMoment(written.to);
  for (const auto& [flag, text, time] :
       {std::tuple("--from", written.from, from), std::tuple("--to", written.to, to)}) {
    if (time) continue;
    return fmt::format("{}: found \"{}\"; expected a date or an RFC 3339 time", flag, text);
  }
  const TimeRange asked{*from, std::min(*to, now)};
  if (asked.from < asked.to) return asked;
  return std::string("--from must be in the past and before --to");
}

Result<ExternalLabel, std::string> ParseLabel(const std::string& text) {
  const std::string printable = ForTerminal(text, true);
  if (printable != text) {
    return fmt::format("--label: found \"{}\"; expected printable UTF-8", printable);
  }
  std::string_view value = text;
  ExternalLabel label{std::string(TakeUntil(value, "=")), {}};
  label.value = value;
  if (!IsExternalLabelName(label.name) || label.value.empty()) {
    return fmt::format(
        "--label: found \"{}\"; expected NAME=VALUE, NAME being none of the exporter's own labels",
        text);
  }
  return label;
}

std::optional<std::string> TakeLabels(WrittenFlags& written) {
  std::vector<ExternalLabel>& labels = written.read.labels;
  for (const std::string& text : written.labels) {
    auto label = ParseLabel(text);
    if (!label) return label.error();
    const std::string& name = label.value().name;
    if (std::ranges::find(labels, name, &ExternalLabel::name) != labels.end()) {
      return fmt::format("--label: {} stands twice", name);
    }
    labels.push_back(std::move(label).value());
  }
  return std::nullopt;
}

// Why `path`, which is no symbolic link, must not be written.
std::optional<std::string> ProblemOf(const fs::path& path,
                                     std::span<const ProtectedFile> protected_files) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (status.type() == fs::file_type::none) return path.string() + ": " + error.message();
  if (status.type() != fs::file_type::regular) return path.string() + ": not a regular file";
  for (const ProtectedFile& file : protected_files) {
    if (fs::equivalent(path, file.path, error)) {
      return fmt::format("{}: it is {}", path.string(), file.what);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<BackfillCommandLine, EarlyExit> ParseBackfillCommandLine(int argc, const char* const* argv,
                                                                WallTime now) {
  FlagParser flags(kBackfillDescription, "radar_spoof_exporter backfill");
  WrittenFlags written;
  written.read.config_file = kDefaultConfigFile;
  AddFlags(flags, written);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  const auto asked = ParseAsked(written, now);
  if (!asked) return flags.UsageError(asked.error());
  written.read.asked = asked.value();
  if (auto problem = TakeLabels(written)) return flags.UsageError(*problem);
  written.read.step = Seconds(written.step);
  return std::move(written.read);
}

Result<fs::path, std::string> CheckOutputPath(const std::string& output,
                                              std::span<const ProtectedFile> protected_files) {
  std::error_code error;
  fs::path path = output;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    path = fs::canonical(path, error);
    if (error) return output + ": a symbolic link that leads nowhere: " + error.message();
  }
  if (!path.has_filename()) return output + ": not the name of a file";
  const fs::path directory = path.has_parent_path() ? path.parent_path() : ".";
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return "cannot write in " + directory.string() + ": " + SystemErrorText(errno);
  }
  for (const char* const suffix : {"", kPartialSuffix, kNewSuffix}) {
    if (auto problem = ProblemOf(path.string() + suffix, protected_files))
      return *std::move(problem);
  }
  return path;
}

}  // namespace radar_spoof
