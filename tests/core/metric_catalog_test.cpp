#include "radar_spoof/core/metric_catalog.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

std::string ReadSourceFile(const std::string& name) {
  const std::ifstream file(std::string(RADAR_SPOOF_SOURCE_DIR) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "| `name` | type | labels | made of |", as docs/metrics.md's rows begin; "-" for nothing.
std::string TableRow(const MetricDescription& metric) {
  std::string labels;
  for (const std::string_view label : metric.labels) {
    if (!labels.empty()) labels += ", ";
    labels += label;
  }
  if (labels.empty()) labels = "-";
  std::string source(metric.source.empty() ? "-" : metric.source);
  const bool is_path = source.starts_with("result.") || source.starts_with("/proc/");
  if (is_path) source = "`" + source + "`";
  return "| `" + std::string(metric.name) + "` | " + std::string(Name(metric.type)) + " | " +
         labels + " | " + source + " |";
}

TEST_CASE("docs/metrics.md has a row for every metric and no other, in order") {
  std::vector<std::string> rows;
  std::istringstream document(ReadSourceFile("docs/metrics.md"));
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("| `cloudflare_radar_") &&
        !line.starts_with("| `radar_spoof_exporter_") && !line.starts_with("| `process_")) {
      continue;
    }
    std::size_t end = 0;
    for (int bar = 0; bar < 5 && end != std::string::npos; ++bar) end = line.find('|', end) + 1;
    rows.push_back(line.substr(0, end));
  }
  std::vector<std::string> expected;
  for (const MetricDescription& metric : MetricCatalog()) expected.push_back(TableRow(metric));
  for (std::size_t i = 0; i < std::min(rows.size(), expected.size()); ++i) {
    CHECK(rows[i] == expected[i]);
  }
  CHECK(rows.size() == expected.size());
}

TEST_CASE("Names are unique and say their type: counters, and only they, end in _total") {
  std::set<std::string_view> names;
  for (const MetricDescription& metric : MetricCatalog()) {
    CHECK_MESSAGE(names.insert(metric.name).second, metric.name);
    CHECK_MESSAGE(metric.name.ends_with("_total") == (metric.type == MetricType::kCounter),
                  metric.name);
  }
}

TEST_CASE("A name's unit is the base unit it ends in") {
  CHECK(Unit("cloudflare_radar_email_spoof_ratio") == "ratio");
  CHECK(Unit("cloudflare_radar_query_poll_interval_seconds") == "seconds");
  CHECK(Unit("process_resident_memory_bytes") == "bytes");
  CHECK(Unit("cloudflare_radar_api_ratelimit_limit_requests") == "requests");
  CHECK(Unit("cloudflare_radar_query_confidence_level").empty());
  CHECK(Unit("cloudflare_radar_up").empty());
  CHECK(Unit("ratio_of").empty());
}

TEST_CASE("Every help text is one sentence on one line") {
  for (const MetricDescription& metric : MetricCatalog()) {
    CHECK_MESSAGE(metric.help.ends_with("."), metric.name);
    CHECK_MESSAGE(metric.help.find_first_of("\n\r\"\\") == std::string_view::npos, metric.name);
  }
}

TEST_CASE("Every help text names what the value is made of") {
  for (const MetricDescription& metric : MetricCatalog()) {
    CHECK_MESSAGE(metric.help.find(metric.source) != std::string_view::npos, metric.name);
  }
}

TEST_CASE("What is said of email, and of how far to trust it, is made of the API's answer") {
  for (const Metric metric :
       {Metric::kSpoofRatio, Metric::kNotSpoofRatio, Metric::kSpoofWindowMeanRatio,
        Metric::kSpoofWindowStddevRatio, Metric::kSpoofControlRatio, Metric::kSpoofExpectedRatio,
        Metric::kSpoofExpectedUpperRatio, Metric::kSpoofBucketsAbove, Metric::kQuerySample,
        Metric::kQueryLastUpdated, Metric::kQueryConfidenceLevel, Metric::kQueryAnnotations}) {
    CHECK_MESSAGE(Describe(metric).source.starts_with("result."), Describe(metric).name);
  }
}

TEST_CASE("What comes from polling says that it is cached, what does not that it is configured") {
  for (const MetricDescription& metric : MetricCatalog()) {
    if (!metric.name.starts_with("cloudflare_radar_")) continue;
    const bool cached = metric.help.find("cached between polls") != std::string_view::npos;
    const bool configured = metric.help.find("as configured") != std::string_view::npos;
    CHECK_MESSAGE(cached != configured, metric.name);
  }
}

}  // namespace
}  // namespace radar_spoof
