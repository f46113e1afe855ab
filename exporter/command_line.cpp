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

// What is read further before it is a CommandLine.
struct Words {
  std::optional<Milliseconds> auto_reload_interval;
  std::vector<std::string> listen = {":10766"};
  std::string route_prefix;
  std::string external_url;
};

void AddFlags(FlagParser& flags, CommandLine& read, Words& words) {
  flags.AddFooter(kSubcommands);
  flags.AddVersion(fmt::format("radar_spoof_exporter, version {} (revision: {})\n  compiler: {}",
                               Version(), Revision(), Compiler()));
  flags.AddFile("--config.file", read.config_file, "What to poll; see config.example.yaml",
                "FILE [" + read.config_file + "]");
  flags.AddDuration(
      "--config.auto-reload-interval", words.auto_reload_interval, std::chrono::hours(24),
      "How often to look whether the configuration changed; 0s: never", "DURATION [30s]");
  flags.AddSwitch("--config.check", read.config_check,
                  "Check the configuration, print the request plan and exit: 0 if valid, 2 if not");
  flags.AddSwitch(
      "--once", read.once,
      "Poll every query once, print the metrics and exit: 0 if all were answered, 1 if not");
  flags.AddTexts("--web.listen-address", words.listen, "Where to serve; may be repeated",
                 "[HOST]:PORT [:10766]");
  flags.AddSwitch("--web.systemd-socket", read.systemd_socket,
                  "Serve on the sockets that systemd passes, instead of addresses");
  flags.Exclude("--web.systemd-socket", "--web.listen-address");
  flags.AddText("--web.telemetry-path", read.telemetry_path,
                "The path of the metrics; with / there is no landing page", "PATH [/metrics]");
  flags.AddText("--web.external-url", words.external_url,
                "Where a proxy serves this; the page's links begin with its path", "URL");
  flags.AddText("--web.route-prefix", words.route_prefix, "What all paths begin with",
                "PATH [the path of --web.external-url]");
  flags.AddText(
      "--web.config.file", read.web_config_file,
      "TLS, passwords, headers and a rate limit, in the format of Prometheus' exporter-toolkit",
      "FILE");
  flags.AddDirectory("--storage.path", read.storage_path,
                     "Save state in this directory, and go on from it after a restart", "DIR");
  flags.AddSwitch("--web.enable-lifecycle", read.enable_lifecycle,
                  "Let POST /-/reload read the configuration again; SIGHUP always does");
  flags.AddSwitch("--web.disable-exporter-metrics", read.disable_exporter_metrics,
                  "Leave out the metrics of the process, process_*");
  AddLogFlags(flags, read.log_level, read.log_format);
  flags.AddSwitch("--log.readings", read.log_readings,
                  "Log each new bucket of a query, once, at level info; for a SIEM");
}

// Whether every client asks for this path when it is given it, and no other page has it. The
// characters are those that RFC 3986, section 3.3, allows without percent-encoding.
bool IsReachable(std::string_view path) {
  const auto is_plain = [](char c) {
    return IsLetter(c) || IsDigit(c) || kPathPunctuation.find(c) != std::string_view::npos;
  };
  if (!path.starts_with('/') || !std::ranges::all_of(path, is_plain)) return false;
  const std::string whole = fmt::format("{}/", path == "/" ? "" : path);
  return !whole.starts_with("/-/") && whole.find("/./") == std::string::npos &&
         whole.find("/../") == std::string::npos && path.find("//") == std::string_view::npos;
}

std::string WithoutSlashesAtTheEnd(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

// The path of a URL, without slashes at its end. nullopt unless it is an absolute one of HTTP, or a
// path alone, and has nothing behind its path.
std::optional<std::string> PathOfUrl(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    const std::string_view host = url.substr(0, url.find('/'));
    if (host.empty() || host.find_first_of("@?#\"'% ") != std::string_view::npos)
      return std::nullopt;
    url.remove_prefix(host.size());
    if (url.empty()) return "";
    break;
  }
  return IsReachable(url) ? std::optional(WithoutSlashesAtTheEnd(url)) : std::nullopt;
}

// As Prometheus reads it: "radar", "/radar" and "/radar/" are "/radar", and "/" is none.
std::optional<std::string> RoutePrefix(std::string_view text) {
  std::string path = WithoutSlashesAtTheEnd(text);
  if (!path.empty() && !path.starts_with('/')) path.insert(0, "/");
  return path.empty() || IsReachable(path) ? std::optional(path) : std::nullopt;
}

}  // namespace

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv) {
  FlagParser flags(kDescription, "radar_spoof_exporter");
  CommandLine read;
  read.config_file = kDefaultConfigFile;
  read.telemetry_path = "/metrics";
  Words words;
  AddFlags(flags, read, words);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  read.auto_reload_interval = words.auto_reload_interval.value_or(read.auto_reload_interval);
  if (read.systemd_socket) words.listen.clear();
  for (const std::string& address : words.listen) {
    auto parsed = ListenAddress::Parse(address);
    if (!parsed) return flags.UsageError("--web.listen-address: " + parsed.error());
    read.listen.push_back(std::move(parsed).value());
  }
  const auto refuse = [&flags](std::string_view flag, const std::string& word,
                               std::string_view what) {
    return flags.UsageError(
        fmt::format("{}: found \"{}\"; expected {}", flag, ForTerminal(word, false), what));
  };
  if (!IsReachable(read.telemetry_path)) {
    return refuse("--web.telemetry-path", read.telemetry_path,
                  fmt::format("a path such as /metrics, of letters, digits and {}, without //, /./ "
                              "and /../, and not under /-/",
                              kPathPunctuation));
  }
  if (!words.external_url.empty()) {
    read.external_path = PathOfUrl(words.external_url);
    if (!read.external_path) {
      return refuse(
          "--web.external-url", words.external_url,
          "a URL such as https://example.org/radar/, or its path alone, without user, query "
          "and fragment");
    }
  }
  const auto prefix = words.route_prefix.empty() ? read.external_path.value_or("")
                                                 : RoutePrefix(words.route_prefix);
  if (!prefix) {
    return refuse("--web.route-prefix", words.route_prefix,
                  "a path such as /radar, with the characters of --web.telemetry-path");
  }
  read.route_prefix = *prefix;
  return read;
}

}  // namespace radar_spoof
