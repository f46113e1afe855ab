#include "simulator/command_line.h"

#include <fmt/format.h>

#include "radar_spoof/core/version.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

constexpr const char* kDescription =
    "A stand-in for the Cloudflare Radar API's e-mail spoof endpoint, with made-up numbers.\n"
    "GET / on its port lists what it serves; PUT /scenario/NAME switches the scenario.";

// The flags as they are written; ParseCommandLine turns them into a CommandLine.
struct Written {
  std::string listen_address = "127.0.0.1:8787";
  std::optional<Milliseconds> lag;
  std::optional<Milliseconds> slow_delay;
  ConnectionFaults faults;
  SimulatorOptions options;
};

template <typename Choice>
using Choices = std::vector<std::pair<std::string, Choice>>;

// One of `choices`, of which the first is the default.
template <typename Choice>
void AddChoice(FlagParser& flags, const std::string& name, Choice& target,
               const Choices<Choice>& choices, const std::string& help,
               const std::string& kind = "WHICH") {
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const auto& choice : choices) names.push_back(choice.first);
  const auto choose = [&target, choices](const std::string& chosen) {
    for (const auto& choice : choices) {
      if (choice.first == chosen) target = choice.second;
    }
  };
  flags.AddChoice(name, names, choose, help, fmt::format("{} [{}]", kind, names.front()));
}

void AddScenarioFlags(FlagParser& flags, Written& written) {
  Choices<Scenario> scenarios;
  std::string names;
  for (const Scenario scenario : kAllScenarios) {
    scenarios.emplace_back(Name(scenario), scenario);
    names += fmt::format(" {}", Name(scenario));
  }
  AddChoice(flags, "--scenario", written.options.scenario, scenarios,
            "What the API goes through at first:" + names, "NAME");
  flags.AddDuration("--slow-delay", written.slow_delay, 1h, "How late the scenario 'slow' answers",
                    "DURATION [10s]");
}

void AddDataFlags(FlagParser& flags, Written& written) {
  DataSet& data = written.options.data;
  flags.AddNumber("--seed", data.seed, "The seed of the synthetic mail", "NUMBER [1]");
  flags.AddNumber("--volume", data.volume, 0.0, 1e12,
                  "Mail in a quarter hour: the less, the more buckets of narrow filters have none",
                  "NUMBER [80]");
  flags.AddDuration("--lag", written.lag, 24h,
                    "How far the data are behind: lastUpdated is the quarter hour this long ago",
                    "DURATION [20m]");
  AddChoice<LastBucket>(flags, "--last-bucket", data.last_bucket,
                        {{"partial", LastBucket::kPartial},
                         {"omit", LastBucket::kOmitted},
                         {"projected", LastBucket::kProjected}},
                        "Whether the bucket still filling is served: partial, omit, or projected "
                        "with a PARTIAL_PROJECTION annotation");
  AddChoice<Classes>(
      flags, "--classes", data.classes,
      {{"two", Classes::kTwo}, {"three", Classes::kThree}, {"unlisted", Classes::kUnlisted}},
      "What shares the 100 percent: two classes, three with UNKNOWN, or a third one unlisted");
  AddChoice<NoMailAs>(flags, "--no-mail-as", data.no_mail_as,
                      {{"zeros", NoMailAs::kZeros}, {"nulls", NoMailAs::kNulls}},
                      "What stands for a bucket without mail in every class: zeros or nulls");
  AddChoice<Confidence>(flags, "--confidence", data.confidence,
                        {{"level", Confidence::kRated},
                         {"null-level", Confidence::kNullLevel},
                         {"null", Confidence::kNull}},
                        "confidenceInfo: with a level, with null for it, or null as a whole");
}

void AddApiFlags(FlagParser& flags, Written& written) {
  AddChoice<PathStyle>(
      flags, "--path-style", written.options.path_style,
      {{"both", PathStyle::kBoth}, {"old", PathStyle::kOld}, {"new", PathStyle::kNew}},
      "Which paths exist: both, old (.../spoof) or new (.../SPOOF)");
  AddChoice<OtherDimensions>(flags, "--other-dimensions", written.options.other_dimensions,
                             {{"400", OtherDimensions::kInvalidOption},
                              {"404", OtherDimensions::kNotFound},
                              {"error", OtherDimensions::kError}},
                             "How the rest of .../timeseries_groups/ is refused: 400 'Invalid "
                             "option for dimension.', 404, or error (404 of another shape)");
  AddChoice<SeriesNames>(flags, "--series-names", written.options.series_names,
                         {{"honoured", SeriesNames::kHonoured},
                          {"refused", SeriesNames::kRefused},
                          {"ignored", SeriesNames::kIgnored}},
                         "What becomes of the parameter name: honoured, refused (400) or ignored");
  AddChoice<AnswerForm>(flags, "--answer-form", written.options.answer_form,
                        {{"observed", AnswerForm::kObserved},
                         {"no-timestamps", AnswerForm::kWithoutTimestamps},
                         {"reference", AnswerForm::kReference}},
                        "Answers as observed, with no-timestamps, or the API reference's example");
  flags.AddNumber("--max-series", written.options.max_series, 1, 1000,
                  "Series in one request; more are refused with 422", "NUMBER [50]");
  flags.AddNumber("--rate-limit", written.options.rate_limit, 1, 1'000'000'000,
                  "API calls in five minutes; one more, and all are blocked for five minutes",
                  "NUMBER [1200]");
  Credentials& credentials = written.options.credentials;
  flags.AddText("--token", credentials.token, "The bearer token that is let in",
                "TEXT [" + credentials.token + "]");
  flags.AddText("--email", credentials.email, "The legacy pair that is let in: X-Auth-Email",
                "TEXT [" + credentials.email + "]");
  flags.AddText("--key", credentials.key, "... and X-Auth-Key", "TEXT [" + credentials.key + "]");
}

void AddFlags(FlagParser& flags, Written& written) {
  flags.AddVersion(
      fmt::format("radar_simulator, version {} (revision: {})", Version(), Revision()));
  flags.AddText("--listen-address", written.listen_address,
                "Where to serve, on loopback only; port 0 takes any free one",
                "HOST:PORT [127.0.0.1:8787]");
  AddScenarioFlags(flags, written);
  AddDataFlags(flags, written);
  AddApiFlags(flags, written);
  flags.AddDuration("--answer-twice", written.faults.answer_twice, 1h,
                    "Send every answer a second time, this long after the first", "DURATION");
  flags.AddDuration("--idle-408", written.faults.idle_408, 1h,
                    "Send 408 on a connection that is idle for so long, and close it", "DURATION");
}

}  // namespace

Result<CommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv) {
  FlagParser flags(kDescription, "radar_simulator");
  Written written;
  AddFlags(flags, written);
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  const auto listen = ListenAddress::Parse(written.listen_address);
  if (!listen) return flags.UsageError("--listen-address: " + listen.error());
  if (!IsLoopback(SplitHostAndPort(listen.value().Text()).host)) {
    return flags.UsageError(
        fmt::format("--listen-address: {} is not a loopback address", written.listen_address));
  }
  if (written.lag) written.options.lag = std::chrono::floor<Seconds>(*written.lag);
  if (written.slow_delay) written.options.slow_delay = *written.slow_delay;
  return CommandLine{listen.value(), written.options, written.faults};
}

}  // namespace radar_spoof::simulator
