// Families whose strings and numbers are hostile.
#include <limits>

#include <doctest/doctest.h>
#include <prometheus/metric_family.h>

#include "radar_spoof/page/exposition.h"

namespace radar_spoof {
namespace {

using prometheus::MetricFamily;

MetricFamily GaugeFamily(const std::string& help, const std::string& label_value, double value) {
  MetricFamily family = {"g", help, prometheus::MetricType::Gauge, {}};
  family.metric.emplace_back().label = {{"l", label_value}};
  family.metric.back().gauge.value = value;
  return family;
}

// The one sample's line, without its line feed.
std::string SampleText(const std::string& label_value, double value = 1) {
  const std::string text =
      RenderApiMetrics({GaugeFamily("h", label_value, value)}, ExpositionFormat::kText);
  const std::string head = "# HELP g h\n# TYPE g gauge\n";
  return text.starts_with(head) ? text.substr(head.size(), text.size() - head.size() - 1) : text;
}

TEST_CASE("Numbers are the shortest text that reads back as the same double") {
  CHECK(SampleText("", Ratio::FromPercent(17.684967)->value()) == "g{l=\"\"} 0.17684967");
  CHECK(SampleText("", Ratio::FromPercent(1.4e-05)->value()) == "g{l=\"\"} 1.4e-07");
  CHECK(SampleText("", 0.1 + 0.2) == "g{l=\"\"} 0.30000000000000004");
  CHECK(SampleText("", 100.0 / 3) == "g{l=\"\"} 33.333333333333336");
  CHECK(SampleText("", 0.1) == "g{l=\"\"} 0.1");
  CHECK(SampleText("", 1) == "g{l=\"\"} 1");
  CHECK(SampleText("", 5e-324) == "g{l=\"\"} 5e-324");
  CHECK(SampleText("", std::numeric_limits<double>::max()) == "g{l=\"\"} 1.7976931348623157e+308");
}

TEST_CASE("NaN and infinities are spelled as both formats want them") {
  CHECK(SampleText("", std::numeric_limits<double>::quiet_NaN()) == "g{l=\"\"} NaN");
  CHECK(SampleText("", std::numeric_limits<double>::infinity()) == "g{l=\"\"} +Inf");
  CHECK(SampleText("", -std::numeric_limits<double>::infinity()) == "g{l=\"\"} -Inf");
}

TEST_CASE("No label value can break the page") {
  CHECK(SampleText("a\\b\"c\nd") == R"(g{l="a\\b\"c\nd"} 1)");
  CHECK(SampleText(std::string("a\rb\0c", 5)) == "g{l=\"abc\"} 1");
  CHECK(SampleText("p\xC3\xA4iv\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\xA7") ==
        "g{l=\"p\xC3\xA4iv\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\xA7\"} 1");
}

TEST_CASE("Bytes that are not UTF-8 become U+FFFD, and nothing beside them is lost") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(SampleText("a\xFFz") == "g{l=\"a" + bad + "z\"} 1");
  CHECK(SampleText("a\x80z") == "g{l=\"a" + bad + "z\"} 1");
  CHECK(SampleText("a\xC3") == "g{l=\"a" + bad + "\"} 1");
  CHECK(SampleText("a\xC3(") == "g{l=\"a" + bad + "(\"} 1");
  CHECK(SampleText("\xC0\xAF") == "g{l=\"" + bad + bad + "\"} 1");                      // overlong
  CHECK(SampleText("\xE0\x80\xAF") == "g{l=\"" + bad + bad + bad + "\"} 1");            // overlong
  CHECK(SampleText("\xF0\x80\x80\xAF") == "g{l=\"" + bad + bad + bad + bad + "\"} 1");  // overlong
  CHECK(SampleText("\xED\xA0\x80") == "g{l=\"" + bad + bad + bad + "\"} 1");            // surrogate
  CHECK(SampleText("\xF4\x90\x80\x80") == "g{l=\"" + bad + bad + bad + bad + "\"} 1");  // > 10FFFF
  CHECK(SampleText("\xE2\x82") == "g{l=\"" + bad + bad + "\"} 1");
  CHECK(SampleText("\xF0\x9F\x93(") == "g{l=\"" + bad + bad + bad + "(\"} 1");
  CHECK(SampleText("\xE2\"") == "g{l=\"" + bad + "\\\"\"} 1");
}

TEST_CASE("A help text stays one line in both formats") {
  const std::vector<MetricFamily> families = {GaugeFamily("say \"a\\b\"\nc\r", "v", 1)};
  CHECK(RenderApiMetrics(families, ExpositionFormat::kText) ==
        "# HELP g say \"a\\\\b\"\\nc\n# TYPE g gauge\ng{l=\"v\"} 1\n");
  CHECK(RenderApiMetrics(families, ExpositionFormat::kOpenMetrics) ==
        "# TYPE g gauge\n# HELP g say \\\"a\\\\b\\\"\\nc\ng{l=\"v\"} 1\n");
}

TEST_CASE("only the process's part of an OpenMetrics page ends it") {
  CHECK(RenderApiMetrics({GaugeFamily("h", "v", 1)}, ExpositionFormat::kOpenMetrics) ==
        "# TYPE g gauge\n# HELP g h\ng{l=\"v\"} 1\n");
  CHECK(RenderProcess({}, ExpositionFormat::kOpenMetrics) == "# EOF\n");
  CHECK(RenderProcess({}, ExpositionFormat::kText).empty());
}

TEST_CASE("OpenMetrics names a counter's family without _total, and its unit") {
  MetricFamily family = {"cpu_seconds_total", "h", prometheus::MetricType::Counter, {}};
  family.metric.emplace_back().counter.value = 2;
  CHECK(RenderApiMetrics({family}, ExpositionFormat::kOpenMetrics) ==
        "# TYPE cpu_seconds counter\n# UNIT cpu_seconds seconds\n# HELP cpu_seconds h\n"
        "cpu_seconds_total 2\n");
  CHECK(RenderApiMetrics({family}, ExpositionFormat::kText) ==
        "# HELP cpu_seconds_total h\n# TYPE cpu_seconds_total counter\ncpu_seconds_total 2\n");
}

}  // namespace
}  // namespace radar_spoof
