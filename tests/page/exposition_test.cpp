#include "radar_spoof/page/exposition.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>
#include <string_view>

#include <doctest/doctest.h>

#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/version.h"
#include "support/golden_snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

constexpr std::string_view kRatio = "cloudflare_radar_email_spoof_ratio";

std::string Render(const Snapshot& snapshot, const ApiMetrics& metrics,
                   ExpositionFormat format = ExpositionFormat::kText) {
  return RenderWithoutProcess(snapshot, metrics, kGoldenNow, format) +
         RenderProcess(GoldenProcessMetrics(), format);
}

std::string Render(const Snapshot& snapshot) { return Render(snapshot, ApiMetrics()); }

std::string RenderGolden(ExpositionFormat format = ExpositionFormat::kText) {
  ApiMetrics metrics;
  CountGolden(metrics);
  return Render(GoldenSnapshot(), metrics, format);
}

Lines LinesOf(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The lines of that family's samples, without the name.
Lines Samples(const std::string& text, std::string_view name) {
  Lines found;
  for (const std::string& line : LinesOf(text)) {
    const std::size_t end = line.find_first_of("{ ");
    if (line.substr(0, end) == name) found.push_back(line.substr(name.size()));
  }
  return found;
}

Lines SamplesOf(const QueryState& state, std::string_view name) {
  Snapshot snapshot;
  snapshot.queries = {state};
  return Samples(Render(snapshot), name);
}

// What differs between builds is spelled alike in every golden file.
std::string WithoutBuild(std::string text) {
  const std::string build = "version=\"" + std::string(Version()) + "\",revision=\"" +
                            std::string(Revision()) + "\",compiler=\"" + std::string(Compiler()) +
                            "\"";
  const std::size_t at = text.find(build);
  return at == std::string::npos
             ? text
             : text.replace(at, build.size(), R"(version="0.0.0",revision="0",compiler="none")");
}

// With RADAR_SPOOF_UPDATE_GOLDEN in the environment: rewrites the file, and fails.
void CheckGolden(const std::string& file_name, const std::string& actual) {
  const std::string path = std::string(RADAR_SPOOF_GOLDEN) + "/" + file_name;
  if (std::getenv("RADAR_SPOOF_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
    FAIL_CHECK("rewrote " << path << ": read its diff, then test again without the variable");
    return;
  }
  const std::ifstream file(path);
  std::ostringstream golden;
  golden << file.rdbuf();
  const Lines expected_lines = LinesOf(golden.str());
  const Lines actual_lines = LinesOf(actual);
  for (std::size_t i = 0; i < std::min(expected_lines.size(), actual_lines.size()); ++i) {
    CHECK_MESSAGE(actual_lines[i] == expected_lines[i], file_name << ":" << i + 1);
  }
  const bool identical = actual == golden.str();  // named, lest doctest prints both
  CHECK_MESSAGE(identical, "RADAR_SPOOF_UPDATE_GOLDEN=1 bin/web_test rewrites the golden files");
}

TEST_CASE("The text format is the golden file, byte for byte") {
  CheckGolden("metrics.txt", WithoutBuild(RenderGolden()));
}

TEST_CASE("OpenMetrics is the golden file, byte for byte") {
  CheckGolden("metrics.openmetrics", WithoutBuild(RenderGolden(ExpositionFormat::kOpenMetrics)));
}

// The family names of the TYPE lines.
Lines FamiliesOf(const std::string& text) {
  Lines families;
  for (const std::string& line : LinesOf(text)) {
    constexpr std::string_view kType = "# TYPE ";
    if (!line.starts_with(kType)) continue;
    families.push_back(line.substr(kType.size(), line.rfind(' ') - kType.size()));
  }
  return families;
}

TEST_CASE("The golden moment shows every family, in the catalog's order") {
  Lines expected;
  for (const MetricDescription& description : MetricCatalog()) {
    expected.emplace_back(description.name);
  }
  CHECK(FamiliesOf(RenderGolden()) == expected);
}

// `{a="1",b="2"} 3` has the labels a and b, neither empty.
Lines LabelNames(const std::string& sample) {
  Lines names;
  std::size_t begin = 1;
  for (std::size_t end = 0; sample.front() == '{' && sample[begin - 1] != '}'; begin = end + 2) {
    const std::size_t equals = sample.find('=', begin);
    names.push_back(sample.substr(begin, equals - begin));
    CHECK(sample[equals + 2] != '"');
    for (end = equals + 2; sample[end] != '"'; ++end) end += sample[end] == '\\' ? 1 : 0;
  }
  return names;
}

TEST_CASE("Every series of a family has the catalog's labels, in its order") {
  const std::string text = RenderGolden();
  for (const MetricDescription& description : MetricCatalog()) {
    if (description.type == MetricType::kHistogram) continue;
    const Lines samples = Samples(text, description.name);
    CHECK_FALSE(samples.empty());
    for (const std::string& sample : samples) {
      Lines expected(description.labels.begin(), description.labels.end());
      const bool has_labels_of_its_own = description.metric == Metric::kQueryAlertInfo &&
                                         sample.find("query=\"good\"") != std::string::npos;
      if (has_labels_of_its_own) expected.insert(expected.end(), {"team", "tier"});
      CHECK(LabelNames(sample) == expected);
    }
  }
}

TEST_CASE("Series stand in the order of the configuration") {
  Snapshot snapshot;
  snapshot.queries = {NeverPolled("b"), NeverPolled("c"), NeverPolled("a")};
  CHECK(Samples(Render(snapshot), "cloudflare_radar_query_success") ==
        Lines{R"({query="b"} 0)", R"({query="c"} 0)", R"({query="a"} 0)"});
}

TEST_CASE("A value that may no longer be shown leaves the page with all that belongs to it") {
  QueryState state = Failing("q", 46min);
  state.sample->window = WindowStatistics{.mean = 0.1, .standard_deviation = 0.1};
  state.sample->control = Ratio::FromPercent(3);
  state.sample->expectation = {0.1, 0.2, 0};
  state.sample->confidence_level = 4;
  state.sample->annotations.fill(1);
  for (const Metric metric :
       {Metric::kSpoofRatio, Metric::kNotSpoofRatio, Metric::kSpoofWindowMeanRatio,
        Metric::kSpoofWindowStddevRatio, Metric::kSpoofControlRatio, Metric::kSpoofExpectedRatio,
        Metric::kSpoofExpectedUpperRatio, Metric::kSpoofBucketsAbove, Metric::kQuerySample,
        Metric::kQueryConfidenceLevel}) {
    state.last_success = kGoldenNow + -44min;
    CHECK(SamplesOf(state, Describe(metric).name).size() == 1);
    state.last_success = kGoldenNow + -46min;
    CHECK(SamplesOf(state, Describe(metric).name).empty());
  }
  CHECK(SamplesOf(state, "cloudflare_radar_query_last_updated_timestamp_seconds").size() == 1);
  const Lines annotations = SamplesOf(state, "cloudflare_radar_query_annotations");
  CHECK(annotations.size() == 7);
  for (const std::string& sample : annotations) CHECK(sample.ends_with(" 0"));
}

TEST_CASE("An unknown confidence is absent, never 0") {
  QueryState state = Good("q", 1min);
  CHECK(SamplesOf(state, "cloudflare_radar_query_confidence_level").empty());
  state.sample->confidence_level = 1;
  CHECK(SamplesOf(state, "cloudflare_radar_query_confidence_level") == Lines{R"({query="q"} 1)"});
}

TEST_CASE("An answer without timestamps has values but no sample time") {
  QueryState state = Good("q", 1min);
  state.sample->bucket_start.reset();
  CHECK(SamplesOf(state, kRatio).size() == 1);
  CHECK(SamplesOf(state, "cloudflare_radar_query_sample_timestamp_seconds").empty());
}

TEST_CASE("A good query whose data are old is a success without values") {
  QueryState state = Good("q", 1min);
  state.sample->bucket_start = kGoldenNow.wall - 24h;
  CHECK(SamplesOf(state, kRatio).empty());
  CHECK(SamplesOf(state, "cloudflare_radar_query_success") == Lines{R"({query="q"} 1)"});
}

TEST_CASE("Before anything was asked, what can be counted stands at 0") {
  const std::string text = Render(Snapshot{});
  CHECK(Samples(text, "cloudflare_radar_up") == Lines{" 0"});
  CHECK(Samples(text, "cloudflare_radar_api_requests_total") ==
        Lines{R"({code="0"} 0)", R"({code="200"} 0)"});
  const Lines failures = Samples(text, "cloudflare_radar_api_failures_total");
  CHECK(failures.size() == 15);
  for (const std::string& sample : failures) CHECK(sample.ends_with(" 0"));
  CHECK(Samples(text, "cloudflare_radar_api_request_duration_seconds_count") == Lines{" 0"});
  CHECK(Samples(text, "cloudflare_radar_api_blocked_until_timestamp_seconds") == Lines{" 0"});
}

TEST_CASE("A family without series has no head either") {
  const std::string text = Render(Snapshot{});
  CHECK(text.find(kRatio) == std::string::npos);
  CHECK(text.find("cloudflare_radar_api_ratelimit") == std::string::npos);
}

TEST_CASE("A rate-limit hold that is over reads 0, by the steady clock") {
  Snapshot snapshot;
  snapshot.api.blocked_until = kGoldenNow + 1ms;
  const std::string_view name = "cloudflare_radar_api_blocked_until_timestamp_seconds";
  CHECK(Samples(Render(snapshot), name) == Lines{" 1780662480.001"});
  snapshot.api.blocked_until = kGoldenNow;
  snapshot.api.blocked_until->wall += 1h;
  CHECK(Samples(Render(snapshot), name) == Lines{" 0"});
}

TEST_CASE("Of a rate-limit policy only what the API said is shown") {
  Snapshot snapshot;
  snapshot.api.rate_limit["burst"].remaining = 7;
  const std::string text = Render(snapshot);
  CHECK(Samples(text, "cloudflare_radar_api_ratelimit_remaining_requests") ==
        Lines{R"({policy="burst"} 7)"});
  CHECK(text.find("cloudflare_radar_api_ratelimit_limit_requests") == std::string::npos);
  CHECK(text.find("cloudflare_radar_api_ratelimit_reset") == std::string::npos);
}

TEST_CASE("What the process cannot read about itself is left out") {
  ProcessMetrics process;
  process.threads = 3;
  const std::string text = RenderProcess(process, ExpositionFormat::kText);
  CHECK(Samples(text, "process_threads") == Lines{" 3"});
  CHECK(text.find("process_cpu") == std::string::npos);
  CHECK(text.find("process_start") == std::string::npos);
}

TEST_CASE("Both formats hold the same samples, spelled alike") {
  const auto samples = [](ExpositionFormat format) {
    Lines lines = LinesOf(RenderGolden(format));
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("#"); });
    return lines;
  };
  CHECK(samples(ExpositionFormat::kText) == samples(ExpositionFormat::kOpenMetrics));
}

TEST_CASE("Histogram buckets are cumulative and their bounds canonical") {
  ApiMetrics metrics;
  for (const auto duration : {10ms, 25ms, 700ms, 30000ms}) metrics.CountRequest(200, duration);
  const std::string text = Render(Snapshot{}, metrics);
  CHECK(Samples(text, "cloudflare_radar_api_request_duration_seconds_bucket") ==
        Lines{R"({le="0.025"} 2)", R"({le="0.05"} 2)", R"({le="0.1"} 2)", R"({le="0.25"} 2)",
              R"({le="0.5"} 2)", R"({le="1.0"} 3)", R"({le="2.5"} 3)", R"({le="5.0"} 3)",
              R"({le="10.0"} 3)", R"({le="20.0"} 3)", R"({le="+Inf"} 4)"});
  CHECK(Samples(text, "cloudflare_radar_api_request_duration_seconds_count") == Lines{" 4"});
  CHECK(Samples(text, "cloudflare_radar_api_request_duration_seconds_sum") == Lines{" 30.735"});
}

TEST_CASE("What was built is named") {
  CHECK(Samples(Render(Snapshot{}), "radar_spoof_exporter_build_info") ==
        Lines{"{version=\"" + std::string(Version()) + "\",revision=\"" + std::string(Revision()) +
              "\",compiler=\"" + std::string(Compiler()) + "\"} 1"});
}

struct AcceptRow {
  const char* who;
  const char* header;
  bool expected;
};

TEST_CASE("OpenMetrics is chosen by those who prefer it, and by nobody else") {
  const AcceptRow rows[] = {
      {"Prometheus 2.42",
       "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q="
       "0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       true},
      {"Prometheus 2.49",
       "application/openmetrics-text;version=1.0.0;q=0.5,application/"
       "openmetrics-text;version=0.0.1;"
       "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       true},
      {"Prometheus 3.x",
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
       "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
       "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       true},
      {"Prometheus 3.5.3",
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
       "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       true},
      {"Prometheus 3.5.3 that asks for protobuf first",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
       "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
       "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       true},
      {"Prometheus with native histograms",
       "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;"
       "version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
       true},
      {"Prometheus 2.5",
       "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       false},
      {"Prometheus 2.4", "text/plain;version=0.0.4;q=1,*/*;q=0.1", false},
      {"VictoriaMetrics", "text/plain;version=0.0.4;q=1,*/*;q=0.1", false},
      {"curl", "*/*", false},
      {"no header", "", false},
      {"Firefox",
       "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
       false},
      {"Chromium",
       "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
       "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
       false},
      {"without a version", "application/openmetrics-text", true},
      {"upper case", "Application/OpenMetrics-Text; Version=1.0.0", true},
      {"quoted version", "application/openmetrics-text; version=\"1.0.0\"", true},
      {"unknown version", "application/openmetrics-text; version=2.0.0", false},
      {"refused", "application/openmetrics-text;q=0", false},
      {"refused beside a wildcard", "application/openmetrics-text;q=0,*/*", false},
      {"application wildcard", "application/*", false},
      {"as good as text", "text/plain,application/openmetrics-text", true},
      {"text better", "application/openmetrics-text;q=0.5,text/plain", false},
      {"text better in the third decimal",
       "application/openmetrics-text;q=0.998,text/plain;q=0.999", false},
      {"wildcard better", "application/openmetrics-text;q=0.5,*/*;q=0.8", false},
      {"text of another version better",
       "application/openmetrics-text;q=0.5,text/plain;version=0.0.5,*/*;q=0.1", true},
      {"comma in quotes", "text/plain;x=\"a,application/openmetrics-text\"", false},
      {"bad quality", "application/openmetrics-text;q=high", false},
      {"quality over 1", "application/openmetrics-text;q=1.5", false},
      {"white space", " application/openmetrics-text ; q = 0.5 , text/plain ; q=0.4 ", true},
      {"empty elements", ",,application/openmetrics-text,,", true},
  };
  for (const AcceptRow& row : rows) {
    CAPTURE(row.who);
    CHECK((ChooseExpositionFormat(row.header) == ExpositionFormat::kOpenMetrics) == row.expected);
  }
}

TEST_CASE("content types are those Prometheus asks for, with the version it needs") {
  CHECK(ContentType(ExpositionFormat::kText) == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(ContentType(ExpositionFormat::kOpenMetrics) ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace radar_spoof
