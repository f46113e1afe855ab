#include "simulator/command_line.h"

#include <cstdint>
#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "radar_spoof/words/version.h"

namespace radar_spoof::simulator {
namespace {

constexpr int kUsageError = 2;

constexpr const char* kDescription =
    "A stand-in for the Cloudflare Radar API's e-mail spoof endpoint, with made-up numbers.\n"
    "GET / on its port lists what it serves; PUT /scenario/NAME switches the scenario.";

// The flags as they are written; ParseCommandLine turns them into a CommandLine.
struct Flags {
  std::string listen_address = "127.0.0.1:8787";
  std::string scenario = "calm";
  std::string last_bucket = "partial";
  std::string path_style = "both";
  std::int64_t lag_ms = 1'200'000;
  std::int64_t slow_delay_ms = 10'000;
  SimulatorOptions options;
};

CLI::AsNumberWithUnit Duration() {
  const std::map<std::string, std::int64_t> milliseconds = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  return CLI::AsNumberWithUnit(milliseconds, CLI::AsNumberWithUnit::UNIT_REQUIRED, "ms|s|m|h");
}

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  names.reserve(kAllScenarios.size());
  for (const Scenario scenario : kAllScenarios) names.emplace_back(Name(scenario));
  return names;
}

void AddScenarioFlags(CLI::App& app, Flags& flags) {
  app.add_option(
         "--scenario", flags.scenario,
         fmt::format("What the API goes through at first: {}", fmt::join(ScenarioNames(), " ")))
      ->check(CLI::IsMember(ScenarioNames()))
      ->option_text("NAME [calm]");
  app.add_option("--slow-delay", flags.slow_delay_ms, "How late the scenario 'slow' answers")
      ->transform(Duration())
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{3'600'000}))
      ->option_text("DURATION [10s]");
}

void AddDataFlags(CLI::App& app, Flags& flags) {
  app.add_option("--seed", flags.options.seed, "Another number, another world of mail")
      ->option_text("NUMBER [1]");
  app.add_option("--lag", flags.lag_ms,
                 "How far the data are behind: lastUpdated is the quarter hour this long ago")
      ->transform(Duration())
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{86'400'000}))
      ->option_text("DURATION [20m]");
  app.add_option("--last-bucket", flags.last_bucket,
                 "Whether the bucket still filling is served: partial, omit")
      ->check(CLI::IsMember({"partial", "omit"}))
      ->option_text("WHICH [partial]");
}

void AddApiFlags(CLI::App& app, Flags& flags) {
  app.add_option("--path-style", flags.path_style,
                 "Which paths exist: both, old (.../spoof) or new (.../SPOOF); the rest is 404")
      ->check(CLI::IsMember({"both", "old", "new"}))
      ->option_text("WHICH [both]");
  app.add_option("--rate-limit", flags.options.rate_limit,
                 "API calls in five minutes; one more, and all are blocked for five minutes")
      ->check(CLI::Range(1, 1'000'000'000))
      ->option_text("NUMBER [1200]");
  Credentials& credentials = flags.options.credentials;
  app.add_option("--token", credentials.token, "The bearer token that is let in")
      ->option_text("TEXT [" + credentials.token + "]");
  app.add_option("--email", credentials.email, "The legacy pair that is let in: X-Auth-Email")
      ->option_text("TEXT [" + credentials.email + "]");
  app.add_option("--key", credentials.key, "... and X-Auth-Key")
      ->option_text("TEXT [" + credentials.key + "]");
}

void AddFlags(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag(
      "--version", fmt::format("radar_simulator, version {} (revision: {})", Version(), Revision()),
      "Print the version and exit");
  app.add_option("--listen-address", flags.listen_address,
                 "Where to serve, on loopback only; port 0 takes any free one")
      ->option_text("HOST:PORT [127.0.0.1:8787]");
  AddScenarioFlags(app, flags);
  AddDataFlags(app, flags);
  AddApiFlags(app, flags);
}

bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24U == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

EarlyExit UsageError(std::string_view message) {
  return {kUsageError,
          fmt::format("radar_simulator: {}\nRun with --help for the flags.\n", message)};
}

PathStyle ToPathStyle(std::string_view name) {
  if (name == "old") return PathStyle::kOld;
  return name == "new" ? PathStyle::kNew : PathStyle::kBoth;
}

}  // namespace

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv) {
  Flags flags;
  CLI::App app(kDescription, "radar_simulator");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return UsageError(error.what());
    std::ostringstream text;
    app.exit(error, text, text);
    return EarlyExit{0, text.str()};
  }

  const auto listen = ListenAddress::Parse(flags.listen_address);
  if (!listen) return UsageError("--listen-address: " + listen.error());
  if (!IsLoopback(listen.value().host)) {
    return UsageError(
        fmt::format("--listen-address: {} is not a loopback address", flags.listen_address));
  }
  flags.options.scenario = *ParseScenario(flags.scenario);
  flags.options.lag = std::chrono::floor<Seconds>(Milliseconds(flags.lag_ms));
  flags.options.slow_delay = Milliseconds(flags.slow_delay_ms);
  flags.options.omit_partial_bucket = flags.last_bucket == "omit";
  flags.options.path_style = ToPathStyle(flags.path_style);
  return CommandLine{listen.value(), flags.options};
}

}  // namespace radar_spoof::simulator
