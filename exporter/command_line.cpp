#include "command_line.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/cli/terminal.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/core/version.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kPathPunctuation = "/-._~!$&'()*+,;=:@";

constexpr const char* kDescription =
    "Prometheus exporter for Cloudflare Radar's email spoof classification.\n"
    "Polls the configured filter combinations and serves the latest complete bucket of each.";

constexpr const char* kSubcommands =
    "Subcommands, each with its own --help:\n"
    "  query      ask once, and print the answer for a person or as JSON\n"
    "  backfill   write the history of the configured queries, for promtool to import\n"
    "  doctor     examine the API, and say what is not as the exporter expects it";

void AddFlags(FlagParser& flags, CommandLine& read, std::vector<std::string>& listen) {
  flags.AddFooter(kSubcommands);
  flags.AddVersion(fmt::format("radar_spoof_exporter, version {} (revision: {})\n  compiler: {}",
                               Version(), Revision(), Compiler()));
  flags.AddText("--config.file", read.config_file, "What to poll; see config.example.yaml",
                "FILE [" + read.config_file + "]");
  flags.AddSwitch("--config.check", read.config_check,
                  "Check the configuration, print the request plan and exit: 0 good, 2 not");
  flags.AddSwitch("--once", read.once,
                  "Poll every query once, print the metrics and exit: 0 all answered, 1 not");
  flags.AddTexts("--web.listen-address", listen, "Where to serve; may be repeated",
                 "[HOST]:PORT [:10766]");
  flags.AddText("--web.telemetry-path", read.telemetry_path,
                "The path of the metrics; with / there is no landing page", "PATH [/metrics]");
  flags.AddText("--web.config.file", read.web_config_file,
                "TLS and basic authentication, in the format of Prometheus' exporter-toolkit",
                "FILE");
  flags.AddDirectory("--storage.path", read.storage_path,
                     "Save state in this directory, and go on from it after a restart", "DIR");
  flags.AddSwitch("--web.enable-lifecycle", read.enable_lifecycle,
                  "Let POST /-/reload read the configuration again; SIGHUP always does");
  AddLogFlags(flags, read.log_level, read.log_format);
  flags.AddSwitch("--log.readings", read.log_readings,
                  "Log each new bucket of a query, once, at level info; for a SIEM");
}

// Whether every client asks for this path when it is given it, and no other page has it. The
// characters are those that RFC 3986, section 3.3, allows without percent-encoding.
bool IsReachable(std::string_view path) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPathPunctuation.find(c) != std::string_view::npos;
  };
  if (!path.starts_with('/') || !std::ranges::all_of(path, is_plain)) return false;
  const std::string whole = fmt::format("{}/", path == "/" ? "" : path);
  return !path.starts_with("/-/") && whole.find("/./") == std::string::npos &&
         whole.find("/../") == std::string::npos && path.find("//") == std::string_view::npos;
}

}  // namespace

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv) {
  FlagParser flags(kDescription, "radar_spoof_exporter");
  CommandLine read;
  read.config_file = kDefaultConfigFile;
  read.telemetry_path = "/metrics";
  std::vector<std::string> listen = {":10766"};
  AddFlags(flags, read, listen);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  for (const std::string& address : listen) {
    auto parsed = ListenAddress::Parse(address);
    if (!parsed) return flags.UsageError("--web.listen-address: " + parsed.error());
    read.listen.push_back(std::move(parsed).value());
  }
  if (!IsReachable(read.telemetry_path)) {
    return flags.UsageError(
        fmt::format("--web.telemetry-path: found \"{}\"; expected a path such as /metrics, of "
                    "letters, digits and {}, without //, /./ and /../, and not under /-/",
                    ForTerminal(read.telemetry_path, false), kPathPunctuation));
  }
  return read;
}

}  // namespace radar_spoof
