#include "query_command_line.h"

#include <string_view>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

void AddFlags(FlagParser& flags, QueryCommandLine& read) {
  flags.AddText("NAME", read.name, "A configured query; or describe one with:");
  for (const Dimension dimension : kAllDimensions) {
    flags.AddText(
        dimension == Dimension::kTlsVersion ? "--tls-version"
                                            : fmt::format("--{}", LabelName(dimension)),
        read.flags.filters[static_cast<std::size_t>(dimension)],
        fmt::format("Only mail with this result: {}", fmt::join(LegalValues(dimension), ", ")),
        "VALUE[,VALUE] [any]");
  }
  flags.AddText("--agg-interval", read.flags.agg_interval, "Width of a bucket: 15m, 1h, 1d or 1w",
                "INTERVAL [15m]");
  flags.AddText("--date-range", read.flags.date_range,
                "How far to look back: 1d to 364d or 1w to 52w", "RANGE [1d]");
  flags.AddSwitch("--control", read.flags.control, "Also ask for the control period");
  flags.AddText("--config.file", read.config_file,
                "Queries, and how the API is reached; without the file, the defaults",
                fmt::format("FILE [{}]", kDefaultConfigFile));
  flags.AddFooter(
      "\nExamples:\n  radar_spoof_exporter query dmarc_fail\n"
      "  radar_spoof_exporter query --dmarc FAIL --agg-interval 1h --date-range 7d --explain");
  flags.AddSwitch("--json", read.json, "Print one line of JSON");
  flags.AddSwitch("--explain", read.explain,
                  "Also name the field of the answer behind every exported series");
}

}  // namespace

Result<QueryCommandLine, EarlyExit> ParseQueryCommandLine(int argc, const char* const* argv) {
  FlagParser flags("Asks Cloudflare Radar once and prints the answer. Costs one request.",
                   "radar_spoof_exporter query");
  QueryCommandLine read;
  AddFlags(flags, read);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  return read;
}

}  // namespace radar_spoof
