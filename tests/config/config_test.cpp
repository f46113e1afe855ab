#include "radar_spoof/config/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/outcome_table.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string kData = std::string(RADAR_SPOOF_TEST_DATA) + "/config/";
const std::string kExample = std::string(RADAR_SPOOF_SOURCE_DIR) + "/config.example.yaml";

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string ProblemText(const std::vector<ConfigProblem>& problems) {
  std::string lines;
  for (const ConfigProblem& problem : problems) lines += problem.Text() + '\n';
  return lines;
}

// Nothing where it is the default.
std::string AlertText(const SpikeAlert& alert) {
  if (alert == SpikeAlert()) return "";
  const SpikeBounds& bounds = alert.expected;
  std::ostringstream text;
  text << ", " << Name(alert.severity) << " above " << bounds.scales << " scales, x"
       << bounds.factor << ", +" << bounds.rise << ", " << bounds.floor;
  for (const StaticLabel& label : alert.labels) text << ' ' << label.name << '=' << label.value;
  return text.str();
}

// What is wrong with it, or its warnings, queries and plan: the form of the tables.
std::string Outcome(std::string_view yaml) {
  const auto config = ParseConfig(yaml, "config.yaml");
  if (!config) return ProblemText(config.error());
  std::string text = ProblemText(config.value().warnings());
  for (const Query& query : config.value().queries()) {
    text += query.name + ": ";
    for (const Dimension dimension : kAllDimensions) {
      if (query.filters.IsAny(dimension)) continue;
      text += std::string(LabelName(dimension)) + '=' + query.filters.Label(dimension) + ' ';
    }
    text += std::string(RequestName(query.agg_interval)) + " over " + query.date_range.Text() +
            (query.control ? " with control" : "") + ", every " +
            std::to_string(query.poll_interval.count()) + " s" + AlertText(query.alert) + '\n';
  }
  return text + config.value().Plan().Text();
}

Config Parsed(std::string_view yaml) {
  auto config = ParseConfig(yaml, "config.yaml");
  if (!config) FAIL(ProblemText(config.error()));
  return std::move(config).value();
}

using Case = test::FileOutcome;

std::vector<Case> Table(const std::string& file) {
  return test::ReadOutcomeTable(Content(kData + file));
}

// What a text editor would hide or change.
const Case kBadBytes[] = {
    {"end_of_transmission", "queries:\n  - name: a\n\x04junk: 1\n",
     "config.yaml:3:1: found the control character \\x04; expected UTF-8 text\n"},
    {"not_utf8", "queries:\n  - name: caf\xE9\n",
     "config.yaml:2:14: found the byte \\xE9, which is not UTF-8; expected UTF-8 text\n"},
    {"nul_byte", "queries:\n  - name: a\0b\n"s,
     "config.yaml:2:12: found the control character \\x00; expected UTF-8 text\n"},
    {"tab_indentation", "api:\n\ttimeout: 20s\nqueries:\n  - name: all\n",
     "config.yaml:2:1: found a tab in the indentation; expected spaces\n"},
    {"unclosed_quote_at_the_end", "queries:\n  - name: \"",
     "config.yaml:2:11: unclosed quote; expected a closing quote\n"},
    {"unfinished_escape", "queries:\n  - name: \"a\\",
     "config.yaml:2:15: found text that is not YAML (unknown escape character: \\x04); expected "
     "valid YAML\n"},
    {"utf16", "\xFF\xFEq\0u\0e\0r\0i\0e\0s\0:\0\n\0 \0 \0-\0 \0n\0a\0m\0e\0:\0 \0a\0\n\0"s,
     "config.yaml:1:1: found the byte \\xFF, which is not UTF-8; expected UTF-8 text\n"},
};
const Case kGoodBytes[] = {
    {"unicode_names",
     "\xEF\xBB\xBFqueries:\r\n"
     "  - name: gr\xC3\xB6\xC3\x9Fte F\xC3\xA4lschung \xE2\x9C\x89\r\n"
     "  - name: \"0\"\r\n"
     "    agg_interval: 1h\r\n",
     "gr\xC3\xB6\xC3\x9Fte F\xC3\xA4lschung \xE2\x9C\x89: 15m over 1d, every 900 s\n"
     "0: 1h over 1d, every 3600 s\n"
     "queries                 2\n"
     "series                  2\n"
     "requests per 5 minutes  0.417 of 600 (0.1 %)\n"
     "  every 15m             0.333 from 1 query\n"
     "  every 1h              0.083 from 1 query\n"},
};

void CheckOutcomes(std::span<const Case> cases, bool are_good) {
  for (const Case& each : cases) {
    CAPTURE(each.name);
    CHECK(ParseConfig(each.file, "config.yaml").ok() == are_good);
    CHECK(Outcome(each.file) == each.outcome);
  }
}

std::string YamlOf(const std::string& bad_case) {
  for (const Case& each : Table("bad.txtar")) {
    if (each.name == bad_case) return each.file;
  }
  FAIL(bad_case);
  return "";
}

TEST_CASE("every bad file is refused with all its problems, in these words") {
  const std::vector<Case> cases = Table("bad.txtar");
  CHECK(cases.size() + std::size(kBadBytes) >= 114);
  CheckOutcomes(cases, false);
  CheckOutcomes(kBadBytes, false);
}

TEST_CASE("every good file gives these queries, warnings and plan") {
  const std::vector<Case> cases = Table("good.txtar");
  CHECK(cases.size() + std::size(kGoodBytes) >= 19);
  CheckOutcomes(cases, true);
  CheckOutcomes(kGoodBytes, true);
}

TEST_CASE("no problem repeats a secret that was written in the wrong place") {
  for (const char* name :
       {"token_in_the_file", "token_as_variable_name", "key_as_file_name", "base_url_02"}) {
    CAPTURE(name);
    const std::string outcome = Outcome(YamlOf(name));
    for (const char* canary : {"0123456789abcdef", "Sn3MNlnq8", "c2547eb", "canary-password"}) {
      CHECK(outcome.find(canary) == std::string::npos);
    }
  }
}

TEST_CASE("keys that are not there have the defaults of the structs") {
  const Config config = Parsed("queries: [{name: all}]");
  CHECK(config.api() == ApiConfig{});
  CHECK(config.polling() == PollingConfig{});
  const Query expected{"all", Filters(), AggInterval::k15m, *DateRange::Parse("1d"), false, 15min};
  REQUIRE(config.queries().size() == 1);
  CHECK(config.queries()[0] == expected);
  CHECK(config.warnings().empty());
}

TEST_CASE("every key reaches its field") {
  const Config config = Parsed(R"(
api:
  base_url: http://127.0.0.9:8080/client/v4/
  path: /other
  token_file: /t
  token_env: T
  ca_file: /ca
  proxy: http://proxy.example:3128
  timeout: 21s
  max_concurrency: 9
  rate_limit: 601
  max_series_per_request: 7
polling: {settle: 3m, retry_max: 6m, stale_after: 4, max_data_age: 7h}
defaults: {agg_interval: 1h, date_range: 3d}
queries:
  - name: q
    filters: {arc: PASS, dkim: NONE, dmarc: FAIL, spf: PASS, tls_version: TLSv1_1}
    control: true
    poll_interval: 10m
)");
  ApiConfig api;
  api.base_url = "http://127.0.0.9:8080/client/v4";
  api.path = "/other";
  api.credentials.token_file = "/t";
  api.credentials.token_env = "T";
  api.ca_file = "/ca";
  api.proxy = "http://proxy.example:3128";
  api.timeout = 21s;
  api.max_concurrency = 9;
  api.rate_limit = 601;
  api.max_series_per_request = 7;
  CHECK(config.api() == api);
  CHECK(config.polling() == PollingConfig{3min, 6min, 4, 7h});
  Query query{"q", Filters(), AggInterval::k1h, *DateRange::Parse("3d"), true, 10min};
  CHECK(query.filters.Add(Dimension::kArc, "PASS"));
  CHECK(query.filters.Add(Dimension::kDkim, "NONE"));
  CHECK(query.filters.Add(Dimension::kDmarc, "FAIL"));
  CHECK(query.filters.Add(Dimension::kSpf, "PASS"));
  CHECK(query.filters.Add(Dimension::kTlsVersion, "TLSv1_1"));
  CHECK(config.queries() == std::vector{query});
}

TEST_CASE("the legacy pair reaches its fields") {
  const Config config = Parsed(
      "api: {email: you@example.com, key_file: /k, key_env: K}\n"
      "queries: [{name: all}]");
  CHECK(config.api().credentials ==
        CredentialSource{"", "CLOUDFLARE_API_TOKEN", "you@example.com", "/k", "K"});
  CHECK(Parsed("api: {email: you@example.com}\nqueries: [{name: all}]").api().credentials.key_env ==
        "CLOUDFLARE_API_KEY");
}

TEST_CASE("http is for loopback alone, https for every host") {
  const auto is_legal = [](const std::string& url) {
    return ParseConfig("api: {base_url: \"" + url + "\"}\nqueries: [{name: a}]", "f").ok();
  };
  for (const char* url :
       {"https://api.cloudflare.com", "https://10.0.0.1:8443/x/", "https://[2001:db8::1]",
        "http://localhost", "http://LOCALHOST:80/v4", "http://127.0.0.1:1",
        "http://127.255.255.254", "http://[::1]:65535/", "http://[0:0:0:0:0:0:0:1]"}) {
    CAPTURE(url);
    CHECK(is_legal(url));
  }
  for (const char* url : {"http://128.0.0.1",
                          "http://126.255.255.255",
                          "http://127.1",
                          "http://0.0.0.0",
                          "http://[::]",
                          "http://localhost@example.com",
                          "http://[::1].example.com",
                          "http://127.0.0.1:80@example.com",
                          "https://h:0",
                          "https://h:",
                          "https://h:x",
                          "https://.h",
                          "https://a..b",
                          "https://h\\\\x",
                          "https://h/%41|",
                          "https://h\\u00e4",
                          "http:/localhost",
                          "//localhost",
                          "",
                          "https:// h"}) {
    CAPTURE(url);
    CHECK_FALSE(is_legal(url));
  }
}

TEST_CASE("every date_range the API takes is taken, and none beyond") {
  const auto is_legal = [](const std::string& range) {
    return ParseConfig("queries: [{name: a, agg_interval: 1w, date_range: " + range + "}]", "f")
        .ok();
  };
  for (int days = 1; days <= 364; ++days) CHECK(is_legal(std::to_string(days) + "d"));
  for (int weeks = 1; weeks <= 52; ++weeks) CHECK(is_legal(std::to_string(weeks) + "W"));
  for (const char* range : {"0d", "365d", "0w", "53w", "24h", "1m", "1"})
    CHECK_FALSE(is_legal(range));
}

TEST_CASE("the bounds of numbers and durations are legal, one step beyond is not") {
  struct Row {
    const char* section;
    const char* key;
    const char* below;
    const char* least;
    const char* most;
    const char* above;
  };
  for (const Row& row : {Row{"api", "timeout", "0s", "1s", "5m", "301s"},
                         Row{"api", "max_concurrency", "0", "1", "64", "65"},
                         Row{"api", "rate_limit", "0", "1", "1000000000", "1000000001"},
                         Row{"api", "max_series_per_request", "0", "1", "50", "51"},
                         Row{"polling", "settle", "-1s", "0s", "1h", "1h1s"},
                         Row{"polling", "retry_max", "0s", "1s", "1d", "86401s"},
                         Row{"polling", "stale_after", "0", "1", "1000", "1001"},
                         Row{"polling", "max_data_age", "59s", "1m", "52w", "52w1s"}}) {
    const auto is_legal = [&](const char* value) {
      return ParseConfig(std::string(row.section) + ": {" + row.key + ": " + value +
                             "}\nqueries: [{name: a}]",
                         "f")
          .ok();
    };
    CAPTURE(row.key);
    CHECK_FALSE(is_legal(row.below));
    CHECK(is_legal(row.least));
    CHECK(is_legal(row.most));
    CHECK_FALSE(is_legal(row.above));
  }
}

TEST_CASE("a matrix of every value of every dimension is one query for each combination") {
  const Config config = Parsed(
      "queries:\n  - name: m\n    matrix:\n"
      "      {tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3], spf: [any, PASS, NONE, "
      "FAIL],\n"
      "       dmarc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL],\n"
      "       arc: [any, PASS, NONE, FAIL]}\n");
  REQUIRE(config.queries().size() == 1280);
  CHECK(config.queries().front().name == "m_arc_any_dkim_any_dmarc_any_spf_any_tls_version_any");
  CHECK(config.queries()[1].name == "m_arc_any_dkim_any_dmarc_any_spf_any_tls_version_tlsv1_0");
  CHECK(config.queries().back().name ==
        "m_arc_fail_dkim_fail_dmarc_fail_spf_fail_tls_version_tlsv1_3");
  std::set<std::string> names;
  for (const Query& query : config.queries()) names.insert(query.name);
  CHECK(names.size() == 1280);
}

std::string FullMatrices(int count) {
  std::string yaml = "api: {rate_limit: 100000}\nqueries:\n";
  for (int i = 1; i <= count; ++i) {
    yaml += "  - {name: m" + std::to_string(i) +
            ", agg_interval: 1d, date_range: " + std::to_string(i + 1) +
            "d, matrix: {arc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL], dmarc: [any, "
            "PASS, NONE, FAIL], spf: [any, PASS, NONE, FAIL], tls_version: [any, TLSv1_0, TLSv1_1, "
            "TLSv1_2, TLSv1_3]}}\n";
  }
  return yaml;
}

TEST_CASE("there are at most 20,000 queries, matrices expanded") {
  CHECK(Parsed(FullMatrices(15)).queries().size() == 19'200);
  CHECK(
      Outcome(FullMatrices(20)) ==
      "config.yaml:18:60: queries[15]: found more than 20000 queries up to here; expected fewer in "
      "all\n");
}

TEST_CASE("7,680 queries written out one by one, with every key, fit into a file") {
  std::string yaml = "api: {rate_limit: 100000}\nqueries:\n";
  std::size_t queries = 0;
  for (int days = 2; days <= 7; ++days) {
    const Config combinations = Parsed(
        "queries: [{name: m, matrix: {arc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL],"
        " dmarc: [any, PASS, NONE, FAIL], spf: [any, PASS, NONE, FAIL],"
        " tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]}}]");
    for (const Query& query : combinations.queries()) {
      std::string name = std::to_string(days) + query.name;
      name.resize(std::size_t{128}, 'x');
      yaml += "  - name: \"" + name + "\"\n    filters:\n";
      for (const Dimension dimension : kAllDimensions) {
        yaml += "      " + std::string(LabelName(dimension)) + ": " +
                query.filters.Label(dimension) + '\n';
      }
      yaml += "    agg_interval: 15m\n    date_range: " + std::to_string(days) +
              "d\n    control: false\n    poll_interval: 15m\n";
      ++queries;
    }
  }
  CHECK(queries == 7'680);
  const Config config = Parsed(yaml);
  CHECK(config.queries().size() == 7'680);
  CHECK(config.queries().back().filters.Label(Dimension::kTlsVersion) == "TLSv1_3");
}

TEST_CASE("10,000 queries that do not fit the budget are refused with the arithmetic") {
  std::string yaml = FullMatrices(8);
  yaml.replace(0, yaml.find('\n'), "api: {rate_limit: 30}");
  CHECK(Outcome(yaml) ==
        "config.yaml:2:1: queries: found 10240 queries every 1d = 35.6 requests per 5 minutes; "
        "expected at most 30 (api.rate_limit); raise poll_interval, drop queries, or raise "
        "api.rate_limit to 36 or more\n");
}

TEST_CASE("the budget may be used to the last request, and not one more") {
  const auto outcome = [](int rate_limit) {
    return ParseConfig("api: {rate_limit: " + std::to_string(rate_limit) +
                           "}\nqueries:\n  - {name: a, poll_interval: 1s}\n"
                           "  - {name: b, agg_interval: 1h, poll_interval: 3s}\n"
                           "  - {name: c, agg_interval: 1d, date_range: 4w, poll_interval: 3s}\n",
                       "f");
  };
  CHECK(outcome(500).ok());
  REQUIRE_FALSE(outcome(499).ok());
  CHECK(outcome(499).error().front().message.find(
            "in all 500.0 requests per 5 minutes; expected at most 499") != std::string::npos);
}

TEST_CASE("a problem in one place does not hide those after it") {
  const auto config = ParseConfig(YamlOf("many_at_once"), "f");
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().size() == 12);
  CHECK(std::is_sorted(config.error().begin(), config.error().end(),
                       [](const auto& a, const auto& b) { return a.line < b.line; }));
}

// --- files -----------------------------------------------------------------------------------

TEST_CASE("a ca_file that cannot be used is a problem when the configuration is loaded") {
  const test::TemporaryDirectory scratch;
  const std::string ca = scratch.Path("ca.pem");
  const std::string config = scratch.Path("config.yaml");
  std::ofstream(config) << "api: {ca_file: " << ca << "}\nqueries: [{name: all}]\n";
  const auto problem = [&] {
    const auto loaded = LoadConfig(config);
    return loaded ? std::string("none") : ProblemText(loaded.error());
  };
  const auto expected = [&](const std::string& found) {
    return config + ":1:16: api.ca_file: found " + found + " at " + ca.substr(0, 60) +
           (ca.size() > 60 ? "..." : "") + "; expected a file of certificates in PEM form\n";
  };
  CHECK(problem() == expected("no such file"));
  std::ofstream(ca).flush();
  CHECK(problem() == expected("an empty file"));
  std::ofstream(ca) << "hello\n";
  CHECK(problem() == expected("a file without a certificate"));
  std::ofstream(ca) << "-----BEGIN CERTIFICATE-----\n";
  CHECK(problem() == "none");
  std::filesystem::remove(ca);
  REQUIRE(mkfifo(ca.c_str(), 0600) == 0);
  CHECK(problem() == expected("something that is not a regular file"));
}

TEST_CASE("a configuration that is not a file is one problem, without a line") {
  const auto loaded = LoadConfig("/nonexistent/config.yaml");
  REQUIRE_FALSE(loaded.ok());
  CHECK(ProblemText(loaded.error()) ==
        "/nonexistent/config.yaml: found no such file; expected a regular file of at most 4 MiB\n");
}

// --- config.example.yaml ---------------------------------------------------------------------

TEST_CASE("config.example.yaml loads as it stands, without a warning, with the defaults it names") {
  const auto loaded = LoadConfig(kExample);
  if (!loaded) FAIL(ProblemText(loaded.error()));
  CHECK(loaded.value().api() == ApiConfig{});
  CHECK(loaded.value().polling() == PollingConfig{});
  CHECK(ProblemText(loaded.value().warnings()).empty());
  std::vector<std::string> names;
  for (const Query& query : loaded.value().queries()) names.push_back(query.name);
  CHECK(names == std::vector<std::string>{"all", "dmarc_fail", "auth_dmarc_pass_spf_pass",
                                          "auth_dmarc_pass_spf_fail", "auth_dmarc_pass_spf_any",
                                          "auth_dmarc_fail_spf_pass", "auth_dmarc_fail_spf_fail",
                                          "auth_dmarc_fail_spf_any"});
  CHECK(loaded.value().queries()[0].alert == SpikeAlert{});
  CHECK(loaded.value().queries()[1].control);
}

// The keys as an unknown key's message lists them.
std::vector<std::string> KnownKeys(const std::string& yaml) {
  const auto config = ParseConfig(yaml, "f");
  std::string message;
  for (const ConfigProblem& problem : config.error()) {
    if (problem.key_path.ends_with("zzzzzz")) message = problem.message;
  }
  const std::string before = "expected one of ";
  std::istringstream list(message.substr(message.find(before) + before.size()));
  std::vector<std::string> keys;
  for (std::string key; std::getline(list >> std::ws, key, ',');) keys.push_back(key);
  return keys;
}

TEST_CASE("every key there is stands in config.example.yaml") {
  const std::string example = '\n' + Content(kExample);
  std::size_t keys = 0;
  for (const char* yaml :
       {"zzzzzz: 1", "api: {zzzzzz: 1}", "polling: {zzzzzz: 1}", "defaults: {zzzzzz: 1}",
        "queries: [{zzzzzz: 1}]", "queries: [{filters: {zzzzzz: 1}, name: a}]"}) {
    for (const std::string& key : KnownKeys(yaml)) {
      CAPTURE(key);
      ++keys;
      const bool is_a_line = example.find(' ' + key + ": ") != std::string::npos ||
                             example.find('\n' + key + ":\n") != std::string::npos;
      const bool is_a_dimension = example.find(' ' + key + ' ') != std::string::npos ||
                                  example.find(' ' + key + ',') != std::string::npos;
      CHECK((is_a_line || is_a_dimension));
    }
  }
  CHECK(keys == 4 + 13 + 4 + 5 + 10 + 5);
}

TEST_CASE("every key in config.example.yaml's comments is known, and its value legal") {
  const std::string example = Content(kExample);
  int keys = 0;
  for (const char* key :
       {"token_file", "email", "key_file", "key_env", "ca_file", "max_data_age"}) {
    CAPTURE(key);
    const std::string commented = std::string("  # ") + key + ": ";
    const std::size_t at = example.find('\n' + commented);
    REQUIRE(at != std::string::npos);
    std::string uncommented = example;
    uncommented.erase(at + 3, 2);
    if (std::string(key).starts_with("key_")) {
      uncommented.insert(at + 1, "  email: you@example.com\n");
    }
    const auto config = ParseConfig(uncommented, "f");
    CHECK_MESSAGE(config.ok(), (config.ok() ? "" : ProblemText(config.error())));
    ++keys;
  }
  CHECK(keys == 6);
}

TEST_CASE("config.example.yaml names the base URL on a line of its own, for scripts to replace") {
  CHECK(Content(kExample).find("\n  base_url: https://api.cloudflare.com/client/v4\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace radar_spoof
