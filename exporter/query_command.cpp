#include "query_command.h"

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command_line.h"
#include "process_environment.h"
#include "radar_spoof/config/asked_query.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/report/answer_json.h"
#include "radar_spoof/report/answer_text.h"
#include "radar_spoof/words/version.h"

namespace radar_spoof {
namespace {

constexpr int kFailed = 1;
constexpr int kUnusable = 2;

struct QueryCommandLine {
  std::string name;         // of a configured query; empty: ad hoc
  std::string config_file;  // empty: the default one, if it is there
  QueryFlags flags;
  bool json = false;
  bool explain = false;
};

struct Question {
  Query query;
  ApiConfig api;
  PollingConfig polling;
};

using Lines = std::vector<std::string>;

void Tell(const std::string& line) {
  std::fprintf(stderr, "radar_spoof_exporter query: %s\n", line.c_str());
}

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

Lines CheckUse(const QueryCommandLine& read) {
  bool ad_hoc = read.flags.agg_interval || read.flags.date_range || read.flags.control;
  for (const auto& filter : read.flags.filters) ad_hoc = ad_hoc || filter.has_value();
  if (read.name.empty() || !ad_hoc) return {};
  return {"found a query's name beside flags that ask ad hoc; expected one of them"};
}

Result<std::optional<Config>, Lines> ReadConfig(const QueryCommandLine& read) {
  std::error_code ignored;
  const std::string file = read.config_file.empty() ? kDefaultConfigFile : read.config_file;
  if (read.config_file.empty() && !std::filesystem::exists(file, ignored) && !ignored) {
    if (read.name.empty()) return std::optional<Config>();
    return Lines{
        fmt::format("no configuration file {}; expected it to hold the query, or another "
                    "file in --config.file",
                    file)};
  }
  auto config = LoadConfig(file);
  if (config) return std::optional(std::move(config).value());
  Lines problems;
  for (const ConfigProblem& problem : config.error()) problems.push_back(problem.Text());
  return problems;
}

Result<Question, Lines> ReadQuestion(const QueryCommandLine& read) {
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
  for (const std::string& warning : asked.value().warnings) Tell("warning: " + warning);
  return Question{std::move(asked).value().query, api, polling};
}

Terminal TerminalOfOutput() {
  Terminal terminal;
  std::setlocale(LC_CTYPE, "");
  terminal.unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  if (isatty(STDOUT_FILENO) == 0) return terminal;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  }
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  terminal.colour = (no_colour == nullptr || *no_colour == '\0') && kind != nullptr &&
                    std::string_view(kind) != "dumb";
  return terminal;
}

std::string Written(const AnsweredQuery& answer, const QueryCommandLine& read) {
  if (read.json) return AnswerJson(answer, read.explain ? Explained::kYes : Explained::kNo);
  const Terminal terminal = TerminalOfOutput();
  std::string text = AnswerText(answer, terminal);
  if (read.explain) text += '\n' + ExplanationText(answer, terminal);
  return text;
}

int Print(const std::string& text, int code) {
  // Who reads only the beginning (`| head`) ends this quietly.
  std::signal(SIGPIPE, SIG_DFL);
  std::fputs(text.c_str(), stdout);
  return code;
}

int AskAndPrint(const Question& question, const QueryCommandLine& read) {
  ProcessEnvironment environment;
  CredentialReader reader(question.api.credentials, [&environment](const std::string& name) {
    return environment.Read(name);
  });
  const auto credentials = reader.Read();
  if (!credentials) {
    Tell(credentials.error());
    return kUnusable;
  }
  if (!credentials.value().warning.empty()) Tell("warning: " + credentials.value().warning);
  const auto http = MakeCurlHttpClient(UserAgent(), ClientOptions(question.api));
  const auto answer = Ask(question.query, question.api, question.polling,
                          credentials.value().credentials, *http, SystemClock());
  if (answer) return Print(Written(answer.value(), read), 0);
  if (read.json) return Print(FailureJson(answer.error()), kFailed);
  Tell(FailureText(answer.error()));
  return kFailed;
}

}  // namespace

int RunQueryCommand(int argc, const char* const* argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Asks Cloudflare Radar once and prints the answer. Costs one request.",
               "radar_spoof_exporter query");
  QueryCommandLine read;
  AddFlags(app, read);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return Print(app.help(), 0);
    Tell(fmt::format("{}\nTry --help.", error.what()));
    return kUnusable;
  }
  Lines problems = CheckUse(read);
  if (problems.empty()) {
    const auto question = ReadQuestion(read);
    if (question) return AskAndPrint(question.value(), read);
    problems = question.error();
  }
  for (const std::string& problem : problems) Tell(problem);
  return kUnusable;
}

}  // namespace radar_spoof
