#include "backfill_command_line.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "radar_spoof/report/terminal.h"
#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

constexpr const char* kDescription =
    "Fetches the history of the configured queries and writes it as OpenMetrics, for\n"
    "  promtool tsdb create-blocks-from openmetrics --max-block-duration=486h FILE DIR\n"
    "A run that was interrupted or failed goes on where it was when it is started again.";

constexpr const char* kFooter =
    "Exit codes: 0 written; 1 failed or interrupted, what was fetched is kept in FILE.partial;\n"
    "2 command line, configuration, credentials or output cannot be used, nothing was fetched.";

// The flags as they are written.
struct Flags {
  BackfillCommandLine read;
  std::string range;
  std::string from;
  std::string to;
  int step = 300;
  std::vector<std::string> labels;
};

void AddFlags(CLI::App& app, Flags& flags) {
  flags.read.config_file = kDefaultConfigFile;
  app.set_help_flag("-h,--help", "Print this and exit");
  app.add_option("--config.file", flags.read.config_file, "The queries, as the exporter has them")
      ->option_text("FILE [" + flags.read.config_file + "]");
  app.add_option("--output", flags.read.output, "Where to write; replaced when all is fetched")
      ->required()
      ->option_text("FILE");
  auto* const range =
      app.add_option("--range", flags.range, "So far back from now: 1d to 364d, 1w to 52w")
          ->option_text("RANGE");
  auto* const from = app.add_option("--from", flags.from,
                                    "The first moment: a date, or a time as 2026-01-05T00:00:00Z")
                         ->excludes(range)
                         ->option_text("TIME");
  app.add_option("--to", flags.to, "The last moment; only buckets that end by then are fetched")
      ->excludes(range)
      ->needs(from)
      ->option_text("TIME [now]");
  app.add_option("--label", flags.labels,
                 "A label that the scrape adds, such as job=radar_spoof; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text("NAME=VALUE");
  app.add_option("--step", flags.step,
                 "Seconds from sample to sample; over 300, Prometheus shows gaps")
      ->check(CLI::Range(1, 900))
      ->option_text("SECONDS [300]");
  AddLogFlags(app, flags.read.log_level, flags.read.log_format);
  app.footer(kFooter);
}

std::optional<WallTime> ParseMoment(const std::string& text) {
  if (auto time = ParseRfc3339(text)) return time;
  return ParseRfc3339(text + "T00:00:00Z");
}

Result<TimeRange, std::string> ParseAsked(const Flags& flags, WallTime now) {
  if (!flags.range.empty()) {
    const auto range = DateRange::Parse(flags.range);
    if (range) return TimeRange{now - range->Length(), now};
    return fmt::format("--range: found \"{}\"; expected 1d to 364d or 1w to 52w", flags.range);
  }
  if (flags.from.empty()) return std::string("--range or --from is required");
  const auto from = ParseMoment(flags.from);
  const auto to = flags.to.empty() ? now : ParseMoment(flags.to);
  for (const auto& [flag, text, time] :
       {std::tuple("--from", flags.from, from), std::tuple("--to", flags.to, to)}) {
    if (time) continue;
    return fmt::format("{}: found \"{}\"; expected a date or an RFC 3339 time", flag, text);
  }
  const TimeRange asked{*from, std::min(*to, now)};
  if (asked.from < asked.to) return asked;
  return std::string("--from must be in the past and before --to");
}

Result<ExternalLabel, std::string> ParseLabel(const std::string& text) {
  const std::string printable = Harmless(text, {.unicode = true});
  if (printable != text) {
    return fmt::format("--label: found \"{}\"; expected printable UTF-8", printable);
  }
  const std::size_t equals = std::min(text.find('='), text.size());
  ExternalLabel label{text.substr(0, equals), text.substr(std::min(equals + 1, text.size()))};
  if (!IsExternalLabelName(label.name) || label.value.empty()) {
    return fmt::format(
        "--label: found \"{}\"; expected NAME=VALUE, NAME being none of the exporter's own labels",
        text);
  }
  return label;
}

std::optional<std::string> TakeLabels(Flags& flags) {
  std::vector<ExternalLabel>& labels = flags.read.labels;
  for (const std::string& text : flags.labels) {
    auto label = ParseLabel(text);
    if (!label) return label.error();
    const std::string& name = label.value().name;
    const bool twice =
        std::any_of(labels.begin(), labels.end(),
                    [&name](const ExternalLabel& each) { return each.name == name; });
    if (twice) return fmt::format("--label: {} stands twice", name);
    labels.push_back(std::move(label).value());
  }
  return std::nullopt;
}

}  // namespace

Result<BackfillCommandLine, EarlyExit> ParseBackfillCommandLine(int argc, const char* const* argv,
                                                                WallTime now) {
  CLI::App app(kDescription, "radar_spoof_exporter backfill");
  Flags flags;
  AddFlags(app, flags);
  if (auto early = ParseFlags(app, argc, argv)) return *std::move(early);
  const auto asked = ParseAsked(flags, now);
  if (!asked) return UsageError(app, asked.error());
  flags.read.asked = asked.value();
  if (auto problem = TakeLabels(flags)) return UsageError(app, *problem);
  flags.read.step = Seconds(flags.step);
  return std::move(flags.read);
}

}  // namespace radar_spoof
