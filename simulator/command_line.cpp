#include "simulator/command_line.h"

#include <cstdint>
#include <optional>
#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "radar_spoof/words/version.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

constexpr int kUsageError = 2;

constexpr const char* kDescription =
    "A stand-in for the Cloudflare Radar API's e-mail spoof endpoint, with made-up numbers.\n"
    "GET / on its port lists what it serves; PUT /scenario/NAME switches the scenario.";

// The flags as they are written; ParseCommandLine turns them into a CommandLine.
struct Flags {
  std::string listen_address = "127.0.0.1:8787";
  std::int64_t lag_ms = 1'200'000;
  std::int64_t slow_delay_ms = 10'000;
  std::optional<std::int64_t> answer_twice_ms;
  std::optional<std::int64_t> idle_408_ms;
  SimulatorOptions options;
};

CLI::AsNumberWithUnit Duration() {
  const std::map<std::string, std::int64_t> milliseconds = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  return CLI::AsNumberWithUnit(milliseconds, CLI::AsNumberWithUnit::UNIT_REQUIRED, "ms|s|m|h");
}

template <typename Choice>
using Choices = std::vector<std::pair<std::string, Choice>>;

// One of `choices`, of which the first is the default.
template <typename Choice>
CLI::Option* AddChoice(CLI::App& app, const std::string& flag, Choice& target,
                       const Choices<Choice>& choices, const std::string& help) {
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const auto& choice : choices) names.push_back(choice.first);
  const auto choose = [&target, choices](const std::string& name) {
    for (const auto& choice : choices) {
      if (choice.first == name) target = choice.second;
    }
  };
  return app.add_option_function<std::string>(flag, choose, help)
      ->check(CLI::IsMember(names))
      ->option_text("WHICH [" + names.front() + "]");
}

template <typename Count>
CLI::Option* AddDuration(CLI::App& app, const std::string& flag, Count& target,
                         std::chrono::hours longest, const std::string& help) {
  return app.add_option(flag, target, help)
      ->transform(Duration())
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{Milliseconds(longest).count()}));
}

void AddScenarioFlags(CLI::App& app, Flags& flags) {
  Choices<Scenario> scenarios;
  std::string names;
  for (const Scenario scenario : kAllScenarios) {
    scenarios.emplace_back(Name(scenario), scenario);
    names += fmt::format(" {}", Name(scenario));
  }
  AddChoice(app, "--scenario", flags.options.scenario, scenarios,
            "What the API goes through at first:" + names)
      ->option_text("NAME [calm]");
  AddDuration(app, "--slow-delay", flags.slow_delay_ms, 1h, "How late the scenario 'slow' answers")
      ->option_text("DURATION [10s]");
}

void AddDataFlags(CLI::App& app, Flags& flags) {
  DataSet& data = flags.options.data;
  app.add_option("--seed", data.seed, "Another number, another world of mail")
      ->option_text("NUMBER [1]");
  app.add_option("--volume", data.volume,
                 "Mail in a quarter hour: the less, the more buckets of narrow filters have none")
      ->check(CLI::Range(0.0, 1e12))
      ->option_text("NUMBER [80]");
  AddDuration(app, "--lag", flags.lag_ms, 24h,
              "How far the data are behind: lastUpdated is the quarter hour this long ago")
      ->option_text("DURATION [20m]");
  AddChoice<LastBucket>(app, "--last-bucket", data.last_bucket,
                        {{"partial", LastBucket::kPartial},
                         {"omit", LastBucket::kOmitted},
                         {"projected", LastBucket::kProjected}},
                        "Whether the bucket still filling is served: partial, omit, or projected "
                        "with a PARTIAL_PROJECTION annotation");
  AddChoice<Classes>(
      app, "--classes", data.classes,
      {{"two", Classes::kTwo}, {"three", Classes::kThree}, {"unlisted", Classes::kUnlisted}},
      "What shares the 100 percent: two classes, three with UNKNOWN, or a third one unlisted");
  AddChoice<NoMailAs>(app, "--no-mail-as", data.no_mail_as,
                      {{"zeros", NoMailAs::kZeros}, {"nulls", NoMailAs::kNulls}},
                      "What stands for a bucket without mail in every class: zeros or nulls");
  AddChoice<Confidence>(app, "--confidence", data.confidence,
                        {{"level", Confidence::kRated},
                         {"null-level", Confidence::kNullLevel},
                         {"null", Confidence::kNull}},
                        "confidenceInfo: with a level, with null for it, or null as a whole");
}

void AddApiFlags(CLI::App& app, Flags& flags) {
  AddChoice<PathStyle>(
      app, "--path-style", flags.options.path_style,
      {{"both", PathStyle::kBoth}, {"old", PathStyle::kOld}, {"new", PathStyle::kNew}},
      "Which paths exist: both, old (.../spoof) or new (.../SPOOF)");
  AddChoice<OtherDimensions>(app, "--other-dimensions", flags.options.other_dimensions,
                             {{"400", OtherDimensions::kInvalidOption},
                              {"404", OtherDimensions::kNotFound},
                              {"error", OtherDimensions::kError}},
                             "How the rest of .../timeseries_groups/ is refused: 400 'Invalid "
                             "option for dimension.', 404, or error (404 of another shape)");
  AddChoice<SeriesNames>(app, "--series-names", flags.options.series_names,
                         {{"honoured", SeriesNames::kHonoured},
                          {"refused", SeriesNames::kRefused},
                          {"ignored", SeriesNames::kIgnored}},
                         "What becomes of the parameter name: honoured, refused (400) or ignored");
  AddChoice<AnswerForm>(app, "--answer-form", flags.options.answer_form,
                        {{"observed", AnswerForm::kObserved},
                         {"no-timestamps", AnswerForm::kWithoutTimestamps},
                         {"reference", AnswerForm::kReference}},
                        "Answers as observed, with no-timestamps, or the API reference's example");
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

void AddConnectionFlags(CLI::App& app, Flags& flags) {
  AddDuration(app, "--answer-twice", flags.answer_twice_ms, 1h,
              "Send every answer a second time, this long after the first")
      ->option_text("DURATION");
  AddDuration(app, "--idle-408", flags.idle_408_ms, 1h,
              "Send 408 on a connection that is idle for so long, and close it")
      ->option_text("DURATION");
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
  AddConnectionFlags(app, flags);
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

std::optional<Milliseconds> ToDuration(std::optional<std::int64_t> milliseconds) {
  if (!milliseconds) return std::nullopt;
  return Milliseconds(*milliseconds);
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
  flags.options.lag = std::chrono::floor<Seconds>(Milliseconds(flags.lag_ms));
  flags.options.slow_delay = Milliseconds(flags.slow_delay_ms);
  const ConnectionFaults faults{ToDuration(flags.answer_twice_ms), ToDuration(flags.idle_408_ms)};
  return CommandLine{listen.value(), flags.options, faults};
}

}  // namespace radar_spoof::simulator
