#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "simulator/command_line.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;

Result<CommandLine, EarlyExit> ParseFlags(const std::vector<const char*>& flags) {
  std::vector<const char*> argv = {"radar_simulator"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

TEST_CASE("without flags it is a calm API on loopback, with the documented limits") {
  const auto parsed = ParseFlags({});
  REQUIRE(parsed.ok());
  CHECK(parsed.value().listen.host == "127.0.0.1");
  CHECK(parsed.value().listen.port == 8787);
  const SimulatorOptions& options = parsed.value().options;
  CHECK(options.scenario == Scenario::kCalm);
  CHECK(options.data.seed == 1);
  CHECK(options.data.volume == 80);
  CHECK(options.data.last_bucket == LastBucket::kPartial);
  CHECK(options.data.classes == Classes::kTwo);
  CHECK(options.data.no_mail_as == NoMailAs::kZeros);
  CHECK(options.data.confidence == Confidence::kRated);
  CHECK(options.lag == 20min);
  CHECK(options.answer_form == AnswerForm::kObserved);
  CHECK(options.series_names == SeriesNames::kHonoured);
  CHECK(options.other_dimensions == OtherDimensions::kInvalidOption);
  CHECK(options.path_style == PathStyle::kBoth);
  CHECK(options.rate_limit == 1200);
  CHECK(options.max_series == 50);
  CHECK(options.slow_delay == 10s);
  CHECK(options.credentials.token == "simulator-token");
  CHECK(!parsed.value().faults.Any());
}

TEST_CASE("every flag sets what it names") {
  const auto parsed = ParseFlags({"--listen-address",
                                  "[::1]:0",
                                  "--scenario",
                                  "low-confidence",
                                  "--seed",
                                  "18446744073709551615",
                                  "--lag",
                                  "90s",
                                  "--last-bucket",
                                  "projected",
                                  "--volume",
                                  "2.5",
                                  "--classes",
                                  "unlisted",
                                  "--no-mail-as",
                                  "nulls",
                                  "--confidence",
                                  "null-level",
                                  "--answer-form",
                                  "no-timestamps",
                                  "--series-names",
                                  "refused",
                                  "--other-dimensions",
                                  "error",
                                  "--answer-twice",
                                  "0s",
                                  "--idle-408",
                                  "1500ms",
                                  "--path-style",
                                  "new",
                                  "--max-series",
                                  "3",
                                  "--rate-limit",
                                  "5",
                                  "--slow-delay",
                                  "250ms",
                                  "--token",
                                  "t",
                                  "--email",
                                  "e@example.com",
                                  "--key",
                                  "k"});
  REQUIRE(parsed.ok());
  CHECK(parsed.value().listen.host == "::1");
  CHECK(parsed.value().listen.port == 0);
  const SimulatorOptions& options = parsed.value().options;
  CHECK(options.scenario == Scenario::kLowConfidence);
  CHECK(options.data.seed == 18446744073709551615U);
  CHECK(options.data.volume == 2.5);
  CHECK(options.data.last_bucket == LastBucket::kProjected);
  CHECK(options.data.classes == Classes::kUnlisted);
  CHECK(options.data.no_mail_as == NoMailAs::kNulls);
  CHECK(options.data.confidence == Confidence::kNullLevel);
  CHECK(options.answer_form == AnswerForm::kWithoutTimestamps);
  CHECK(options.series_names == SeriesNames::kRefused);
  CHECK(options.other_dimensions == OtherDimensions::kError);
  CHECK(parsed.value().faults.answer_twice == 0ms);
  CHECK(parsed.value().faults.idle_408 == 1500ms);
  CHECK(options.lag == 90s);
  CHECK(options.path_style == PathStyle::kNew);
  CHECK(options.max_series == 3);
  CHECK(options.rate_limit == 5);
  CHECK(options.slow_delay == 250ms);
  CHECK(options.credentials.token == "t");
  CHECK(options.credentials.email == "e@example.com");
  CHECK(options.credentials.key == "k");
}

TEST_CASE("a wrong command line ends with 2 and names the flag") {
  const std::pair<std::vector<const char*>, const char*> rows[] = {
      {{"--listen-address", "0.0.0.0:8787"}, "0.0.0.0:8787 is not a loopback address"},
      {{"--listen-address", ":8787"}, ":8787 is not a loopback address"},
      {{"--listen-address", "[::]:8787"}, "[::]:8787 is not a loopback address"},
      {{"--listen-address", "192.0.2.1:8787"}, "192.0.2.1:8787 is not a loopback address"},
      {{"--listen-address", "example.com:8787"}, "example.com:8787 is not a loopback address"},
      {{"--listen-address", "8787"}, "--listen-address: "},
      {{"--scenario", "panic"}, "--scenario: panic not in {calm,"},
      {{"--lag", "20"}, "--lag: "},
      {{"--lag", "25h"}, "--lag: "},
      {{"--lag", "-1m"}, "--lag: "},
      {{"--rate-limit", "0"}, "--rate-limit: "},
      {{"--path-style", "newer"}, "--path-style: "},
      {{"--last-bucket", "maybe"}, "--last-bucket: "},
      {{"--volume", "-1"}, "--volume: Value -1 not in range 0 to 1e+12"},
      {{"--volume", "nan"}, "--volume: Value nan not in range 0 to 1e+12"},
      {{"--volume", "-nan"}, "--volume: Value -nan not in range "},
      {{"--volume", "inf"}, "--volume: Value inf not in range "},
      {{"--volume", "much"}, "--volume: Value much not in range "},
      {{"--classes", "four"}, "--classes: four not in {two,three,unlisted}"},
      {{"--no-mail-as", "gaps"}, "--no-mail-as: "},
      {{"--confidence", "5"}, "--confidence: "},
      {{"--answer-form", "free"}, "--answer-form: "},
      {{"--series-names", "kept"}, "--series-names: "},
      {{"--other-dimensions", "403"}, "--other-dimensions: "},
      {{"--answer-twice", "5"}, "--answer-twice: "},
      {{"--idle-408", "2h"}, "--idle-408: "},
      {{"--nonsense"}, "--nonsense"},
      {{"positional"}, "positional"}};
  for (const auto& row : rows) {
    CAPTURE(row.second);
    const auto parsed = ParseFlags(row.first);
    CHECK(!parsed.ok());
    if (parsed.ok()) continue;
    CHECK(parsed.error().status == 2);
    CHECK(parsed.error().text.find(row.second) != std::string::npos);
    CHECK(parsed.error().text.starts_with("radar_simulator: "));
  }
}

TEST_CASE("all of 127.0.0.0/8, ::1 and localhost are loopback") {
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    CAPTURE(address);
    CHECK(ParseFlags({"--listen-address", address}).ok());
  }
}

TEST_CASE("every choice a flag offers is taken") {
  const auto options = [](const char* flag, const char* value) {
    const auto parsed = ParseFlags({flag, value});
    if (!parsed.ok()) FAIL(flag << " " << value << ": " << parsed.error().text);
    return parsed.value().options;
  };
  CHECK(options("--last-bucket", "partial").data.last_bucket == LastBucket::kPartial);
  CHECK(options("--last-bucket", "omit").data.last_bucket == LastBucket::kOmitted);
  CHECK(options("--classes", "three").data.classes == Classes::kThree);
  CHECK(options("--confidence", "null").data.confidence == Confidence::kNull);
  CHECK(options("--answer-form", "reference").answer_form == AnswerForm::kReference);
  CHECK(options("--series-names", "ignored").series_names == SeriesNames::kIgnored);
  CHECK(options("--other-dimensions", "404").other_dimensions == OtherDimensions::kNotFound);
  CHECK(options("--path-style", "old").path_style == PathStyle::kOld);
}

TEST_CASE("help and version end with 0") {
  const auto help = ParseFlags({"--help"});
  REQUIRE(!help.ok());
  CHECK(help.error().status == 0);
  for (const char* flag : {"--listen-address",
                           "--scenario",
                           "--seed",
                           "--volume",
                           "--lag",
                           "--last-bucket",
                           "--classes",
                           "--no-mail-as",
                           "--confidence",
                           "--path-style",
                           "--other-dimensions",
                           "--series-names",
                           "--answer-form",
                           "--rate-limit",
                           "--slow-delay",
                           "--token",
                           "--email",
                           "--key",
                           "--answer-twice",
                           "--idle-408",
                           "--version"}) {
    CAPTURE(flag);
    CHECK(help.error().text.find(flag) != std::string::npos);
  }
  const auto version = ParseFlags({"--version"});
  REQUIRE(!version.ok());
  CHECK(version.error().status == 0);
  CHECK(version.error().text.starts_with("radar_simulator, version "));
}

}  // namespace
}  // namespace radar_spoof::simulator
