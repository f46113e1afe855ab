#include "radar_spoof/page/exposition_format.h"

#include <ostream>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

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
