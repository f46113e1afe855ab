#include "radar_spoof/query/query_command.h"

#include <csignal>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "answer_json.h"
#include "answer_text.h"
#include "radar_spoof/cli/command.h"
#include "radar_spoof/cli/common_flags.h"
#include "radar_spoof/cli/settings.h"
#include "radar_spoof/config/asked_query.h"
#include "radar_spoof/core/version.h"
#include "radar_spoof/fetch/radar_request.h"

namespace radar_spoof {
namespace {

struct QueryCommandLine {
  std::string name;         // of a configured query; empty: ad hoc
  std::string config_file;  // empty: the default one, if it is there
  QueryFlags flags;
  bool json = false;
  bool explain = false;
};

Result<QueryCommandLine, EarlyExit> ParseCommandLine(int argc, const char* const* argv) {
  FlagParser flags("Asks Cloudflare Radar once and prints the answer. Costs one request.",
                   "radar_spoof_exporter query");
  QueryCommandLine read;
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
  flags.AddFile("--config.file", read.config_file,
                "Queries, and how the API is reached; without the file, the defaults",
                fmt::format("FILE [{}]", kDefaultConfigFile));
  flags.AddFooter(
      "\nExamples:\n  radar_spoof_exporter query dmarc_fail\n"
      "  radar_spoof_exporter query --dmarc FAIL --agg-interval 1h --date-range 7d --explain");
  flags.AddSwitch("--json", read.json, "Print one line of JSON");
  flags.AddSwitch("--explain", read.explain,
                  "Also name the field of the answer behind every exported series");
  if (auto early = flags.Parse(argc, argv)) return *std::move(early);
  return read;
}

struct Question {
  Query query;
  ApiConfig api;
  PollingConfig polling;
};

constexpr std::string_view kCommand = "query";

Result<std::optional<Config>, Lines> ReadConfig(const QueryCommandLine& read) {
  auto config = LoadConfigIfThere(read.config_file);
  if (!config || config.value() || read.name.empty()) return config;
  return Lines{
      fmt::format("no configuration file {}; expected it to hold the query, or another file in "
                  "--config.file",
                  kDefaultConfigFile)};
}

Result<Question, Lines> ReadQuestion(const QueryCommandLine& read) {
  bool ad_hoc = read.flags.agg_interval || read.flags.date_range || read.flags.control;
  for (const auto& filter : read.flags.filters) ad_hoc = ad_hoc || filter.has_value();
  if (!read.name.empty() && ad_hoc) {
    return Lines{"found a query's name beside flags that describe one; expected one of them"};
  }
  const auto config = ReadConfig(read);
  if (!config) return config.error();
  const auto& configured = config.value();
  const ApiConfig api = configured ? configured->api() : ApiConfig();
  const PollingConfig polling = configured ? configured->polling() : PollingConfig();
  if (!read.name.empty()) {
    auto query = FindQuery(*configured, read.name);
    if (!query) return Lines{query.error()};
    return Question{std::move(query).value(), api, polling};
  }
  auto asked = ReadQueryFlags(read.flags);
  if (!asked) return asked.error();
  for (const std::string& warning : asked.value().warnings) Tell(kCommand, "warning: " + warning);
  return Question{std::move(asked).value().query, api, polling};
}

std::string Written(const AnsweredQuery& answer, const QueryCommandLine& read) {
  if (read.json) return AnswerJson(answer, read.explain ? Explained::kYes : Explained::kNo);
  const Terminal terminal = TerminalOfOutput();
  std::string text = AnswerText(answer, terminal);
  if (read.explain) text += '\n' + ExplanationText(answer, terminal);
  return text;
}

int AskAndPrint(const Question& question, const QueryCommandLine& read) {
  const auto credentials = ProcessEnvironment().ReaderOf(question.api.credentials).Read();
  if (!credentials) return Refuse(kCommand, {credentials.error()}, read.json);
  if (!credentials.value().warning.empty()) {
    Tell(kCommand, "warning: " + credentials.value().warning);
  }
  const auto http = MakeCurlHttpClient(UserAgent(), ClientOptions(question.api));
  const auto answer = Ask(question.query, question.api, question.polling,
                          credentials.value().credentials, *http, SystemClock());
  if (answer) return PrintOutput(Written(answer.value(), read), 0);
  const Failure& failure = answer.error();
  if (read.json) return PrintOutput(ErrorJson(Name(failure.reason), failure.detail), kFailed);
  Tell(kCommand, FailureText(failure));
  return kFailed;
}

}  // namespace

int RunQueryCommand(int argc, const char* const* argv) {
  const auto parsed = ParseCommandLine(argc, argv);
  if (!parsed) {
    return RefuseCommandLine(parsed.error(), {argv, static_cast<std::size_t>(argc)});
  }
  std::signal(SIGPIPE, SIG_IGN);
  const QueryCommandLine& read = parsed.value();
  const auto question = ReadQuestion(read);
  return question ? AskAndPrint(question.value(), read)
                  : Refuse(kCommand, question.error(), read.json);
}

}  // namespace radar_spoof
