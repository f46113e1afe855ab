#include "query_command_line.h"

#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace radar_spoof {
namespace {

void AddFlags(CLI::App& app, QueryCommandLine& read) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.add_option("NAME", read.name, "A configured query; without it, ask ad hoc by these:");
  for (const Dimension dimension : kAllDimensions) {
    const std::string_view name = LabelName(dimension);
    const auto legal = LegalValues(dimension);
    app.add_option(
           dimension == Dimension::kTlsVersion ? "--tls-version" : fmt::format("--{}", name),
           read.flags.filters[static_cast<std::size_t>(dimension)],
           fmt::format("Only mail with this result: {}", fmt::join(legal, ", ")))
        ->option_text("VALUE[,VALUE] [any]");
  }
  app.add_option("--agg-interval", read.flags.agg_interval, "Width of a bucket: 15m, 1h, 1d or 1w")
      ->option_text("INTERVAL [15m]");
  app.add_option("--date-range", read.flags.date_range,
                 "How far to look back: 1d to 364d or 1w to 52w")
      ->option_text("RANGE [1d]");
  app.add_flag("--control", read.flags.control, "Also ask for the control period");
  app.add_option("--config.file", read.config_file,
                 "Queries, and how the API is reached; without the file, the defaults")
      ->option_text(fmt::format("FILE [{}]", kDefaultConfigFile));
  app.footer(
      "\nExamples:\n  radar_spoof_exporter query dmarc_fail\n"
      "  radar_spoof_exporter query --dmarc FAIL --agg-interval 1h --date-range 7d --explain");
  app.add_flag("--json", read.json, "Print one line of JSON");
  app.add_flag("--explain", read.explain,
               "Also name the field of the answer behind every exported series");
}

}  // namespace

Result<QueryCommandLine, EarlyExit> ParseQueryCommandLine(int argc, const char* const* argv) {
  CLI::App app("Asks Cloudflare Radar once and prints the answer. Costs one request.",
               "radar_spoof_exporter query");
  QueryCommandLine read;
  AddFlags(app, read);
  if (auto early = ParseFlags(app, argc, argv)) return *std::move(early);
  return read;
}

}  // namespace radar_spoof
