#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "simulator/request_parameters.h"
#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

const WallTime kLastUpdated = *ParseRfc3339("2026-06-09T07:45:00Z");
const WallTime kNow = *ParseRfc3339("2026-06-09T08:06:40Z");

Result<RadarRequest, ApiError> Parse(const std::string& query,
                                     SeriesNames names = SeriesNames::kHonoured) {
  return ParseRadarRequest(test::Request("/?" + query).query, kLastUpdated, kNow, names);
}

std::string WindowText(const SeriesRequest& series) {
  return FormatRfc3339(series.window.start) + " " + FormatRfc3339(series.window.end);
}

TEST_CASE("what the API refuses is refused with its status, code and the parameter's name") {
  struct Row {
    const char* query;
    int status;
    int code;
    const char* message;
  };
  const char* const kRangeHelp =
      " is not valid; expected 1d to 364d or 1w to 52w, with an optional suffix 'control' "
      "(series 0)";
  const std::string twenty_four = std::string("dateRange: '24h'") + kRangeHelp;
  const std::string zero = std::string("dateRange: '0d'") + kRangeHelp;
  const std::string long_days = std::string("dateRange: '365d'") + kRangeHelp;
  const std::string long_weeks = std::string("dateRange: '53w'") + kRangeHelp;
  const std::string month = std::string("dateRange: '1m'") + kRangeHelp;
  const std::string joined = std::string("dateRange: '7d,7dcontrol'") + kRangeHelp;
  const std::string bare = std::string("dateRange: 'control'") + kRangeHelp;
  const Row rows[] = {
      {"dateRange=24h", 400, 2001, twenty_four.c_str()},
      {"dateRange=0d", 400, 2001, zero.c_str()},
      {"dateRange=365d", 400, 2001, long_days.c_str()},
      {"dateRange=53w", 400, 2001, long_weeks.c_str()},
      {"dateRange=1m", 400, 2001, month.c_str()},
      {"dateRange=7d,7dcontrol", 400, 2001, joined.c_str()},
      {"dateRange=control", 400, 2001, bare.c_str()},
      {"", 400, 2001, "dateRange: required, or dateStart and dateEnd (series 0)"},
      {"dateRange=7d&spf=PASS&spf=FAIL", 400, 2001,
       "dateRange: required, or dateStart and dateEnd (series 1)"},
      {"dateStart=2026-06-01T00:00:00Z", 400, 2001,
       "dateEnd: required together with dateStart (series 0)"},
      {"dateEnd=2026-06-01T00:00:00Z", 400, 2001,
       "dateStart: required together with dateEnd (series 0)"},
      {"dateStart=2026-06-02T00:00:00Z&dateEnd=2026-06-01T00:00:00Z", 400, 2001,
       "dateEnd: lies before dateStart (series 0)"},
      {"dateStart=yesterday&dateEnd=2026-06-01T00:00:00Z", 400, 2001,
       "dateStart: 'yesterday' is not an RFC 3339 date-time (series 0)"},
      {"dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-31T00:00:00Z", 400, 2001,
       "dateEnd: '2026-06-31T00:00:00Z' is not an RFC 3339 date-time (series 0)"},
      {"dateStart=2026-06-09T09:00:00Z&dateEnd=2026-06-09T10:00:00Z", 400, 2001,
       "dateStart: lies in the future (series 0)"},
      {"dateStart=2025-01-01T00:00:00Z&dateEnd=2026-06-01T00:00:00Z", 400, 2001,
       "dateStart: more than 53 weeks before dateEnd (series 0)"},
      {"dateRange=7d&dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-02T00:00:00Z", 400, 2001,
       "dateRange: cannot be combined with dateStart and dateEnd (series 0)"},
      {"dateRange=7d&aggInterval=2h", 400, 2001,
       "aggInterval: '2h' is not valid; expected one of 15m, 1h, 1d, 1w"},
      {"dateRange=7d&aggInterval=1H", 400, 2001,
       "aggInterval: '1H' is not valid; expected one of 15m, 1h, 1d, 1w"},
      {"dateRange=7d&aggInterval=", 400, 2001,
       "aggInterval: '' is not valid; expected one of 15m, 1h, 1d, 1w"},
      {"dateRange=7d&aggInterval=1h&aggInterval=1h", 400, 2001,
       "aggInterval: may be given only once"},
      {"dateRange=7d&format=XML", 400, 2001, "format: 'XML' is not valid; expected JSON or CSV"},
      {"dateRange=7d&spf=pass", 400, 2001,
       "spf: 'pass' is not valid; expected one of FAIL, NONE, PASS"},
      {"dateRange=7d&spf=PASS,", 400, 2001,
       "spf: '' is not valid; expected one of FAIL, NONE, PASS"},
      {"dateRange=7d&tlsVersion=TLSv1.2", 400, 2001,
       "tlsVersion: 'TLSv1.2' is not valid; expected one of TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3"},
      {"dateRange=7d&tls_version=TLSv1_2", 400, 2001, "Unknown parameter 'tls_version'"},
      {"dateRange=7d&location=PT", 400, 2001, "Unknown parameter 'location'"},
      {"dateRange=7d&limitPerGroup=5", 400, 2001, "Unknown parameter 'limitPerGroup'"},
      {"dateRange=7d&name=meta", 400, 2001, "name: 'meta' is reserved"},
      {"dateRange=7d&dateRange=7d&name=a&name=a", 400, 2001, "name: 'a' is used twice"},
      {"dateRange=7d&dateRange=7d&name=serie_1", 400, 2001, "name: 'serie_1' is used twice"},
      {"dateRange=7d&name=\xff", 400, 2001, "name: not valid UTF-8"},
      {"dateRange=7d&dateRange=14dcontrol", 400, 2001,
       "comparisons must have same duration as main series"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.query);
    const auto parsed = Parse(row.query);
    CHECK(!parsed.ok());
    if (parsed.ok()) continue;
    CHECK(parsed.error().http_status == row.status);
    CHECK(parsed.error().code == row.code);
    CHECK(parsed.error().message == row.message);
  }
}

TEST_CASE("more series than the API takes are refused whole") {
  const std::string three = "dateRange=1d&dateRange=1d&dateRange=1d";
  const auto parse = [&](int max_series) {
    return ParseRadarRequest(test::Request("/?" + three).query, kLastUpdated, kNow,
                             SeriesNames::kHonoured, max_series);
  };
  CHECK(parse(3).ok());
  REQUIRE(!parse(2).ok());
  CHECK(parse(2).error().http_status == 422);
  CHECK(parse(2).error().code == 2002);
  CHECK(parse(2).error().message == "Query exceeds the maximum cost");
}

TEST_CASE("an interval too fine for the range is refused exactly where the real API was seen to") {
  struct Row {
    const char* range;
    const char* interval;
    bool accepted;
  };
  const Row rows[] = {{"7d", "1h", true},   {"73d", "1d", true},  {"12w", "1d", true},
                      {"52w", "1w", true},  {"73d", "1h", false}, {"26w", "1d", false},
                      {"52w", "1d", false}, {"7d", "15m", true},  {"8d", "15m", false},
                      {"31d", "1h", true},  {"32d", "1h", false}, {"84d", "1d", true},
                      {"85d", "1d", false}, {"364d", "1w", true}, {"1d", "1w", true}};
  for (const Row& row : rows) {
    CAPTURE(row.range);
    CAPTURE(row.interval);
    const auto parsed =
        Parse(std::string("dateRange=") + row.range + "&aggInterval=" + row.interval);
    CHECK(parsed.ok() == row.accepted);
    if (!parsed.ok()) {
      CHECK(parsed.error().http_status == 400);
      CHECK(parsed.error().code == 2001);
      CHECK(parsed.error().message == "aggregation interval is too low for date range");
    }
  }
}

TEST_CASE("an omitted interval follows from the range") {
  const std::pair<const char*, AggInterval> rows[] = {
      {"1d", AggInterval::k15m}, {"2d", AggInterval::k1h},  {"7d", AggInterval::k1h},
      {"31d", AggInterval::k1h}, {"32d", AggInterval::k1d}, {"12w", AggInterval::k1d},
      {"26w", AggInterval::k1w}, {"52w", AggInterval::k1w}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto parsed = Parse(std::string("dateRange=") + row.first);
    CHECK((parsed.ok() && parsed.value().interval == row.second));
  }
}

TEST_CASE("a relative window ends with the data, its control whole weeks before") {
  const std::pair<const char*, const char*> rows[] = {
      {"1d", "2026-06-08T07:45:00Z 2026-06-09T07:45:00Z"},
      {"7d", "2026-06-02T07:45:00Z 2026-06-09T07:45:00Z"},
      {"1W", "2026-06-02T07:45:00Z 2026-06-09T07:45:00Z"},
      {"1dcontrol", "2026-06-01T07:45:00Z 2026-06-02T07:45:00Z"},
      {"7dcontrol", "2026-05-26T07:45:00Z 2026-06-02T07:45:00Z"},
      {"7DCONTROL", "2026-05-26T07:45:00Z 2026-06-02T07:45:00Z"},
      {"10dcontrol", "2026-05-16T07:45:00Z 2026-05-26T07:45:00Z"},
      {"52wcontrol", "2024-06-11T07:45:00Z 2025-06-10T07:45:00Z"}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto parsed = Parse(std::string("dateRange=") + row.first);
    CHECK(parsed.ok());
    if (parsed.ok()) CHECK(WindowText(parsed.value().series[0]) == row.second);
  }
}

TEST_CASE("absolute dates are floored to quarter hours before anything is made of them") {
  const auto aligned = Parse(
      "dateStart=2026-06-01T00:14:59Z&dateEnd=2026-06-01T04:16:00+02:00"
      "&dateStart=2026-05-01T00:00:00Z&dateEnd=2026-05-01T02:15:00Z");
  REQUIRE(aligned.ok());
  CHECK(WindowText(aligned.value().series[0]) == "2026-06-01T00:00:00Z 2026-06-01T02:15:00Z");
  CHECK(WindowText(aligned.value().series[1]) == "2026-05-01T00:00:00Z 2026-05-01T02:15:00Z");

  CHECK(!Parse("dateStart=2026-06-01T00:14:59Z&dateEnd=2026-06-01T02:15:00Z"
               "&dateStart=2026-05-01T00:15:00Z&dateEnd=2026-05-01T02:15:00Z")
             .ok());
}

TEST_CASE("element i of every array belongs to series i, and a missing or empty one to none") {
  const auto parsed = Parse(
      "name=a&dateRange=7d&spf=PASS&name=&dateRange=7dcontrol&spf=&dkim=&dkim=FAIL,NONE"
      "&dateRange=&dateStart=&dateStart=&dateStart=2026-05-01T00:00:00Z"
      "&dateEnd=&dateEnd=&dateEnd=2026-05-08T00:00:00Z&dmarc=FAIL&format=csv&aggInterval=1d");
  REQUIRE(parsed.ok());
  const RadarRequest& request = parsed.value();
  CHECK(request.format == AnswerFormat::kCsv);
  CHECK(request.interval == AggInterval::k1d);
  REQUIRE(request.series.size() == 3);

  // Dimensions: arc dkim dmarc spf tlsVersion; bits: FAIL 1, NONE 2, PASS 4.
  CHECK(request.series[0].key == "a");
  CHECK(request.series[0].selection == MailSelection{{0, 0, 1, 4, 0}});
  CHECK(request.series[1].key == "serie_1");
  CHECK(request.series[1].selection == MailSelection{{0, 3, 0, 0, 0}});
  CHECK(WindowText(request.series[1]) == "2026-05-26T07:45:00Z 2026-06-02T07:45:00Z");
  CHECK(request.series[2].key == "serie_2");
  CHECK(request.series[2].selection == MailSelection{});
  CHECK(WindowText(request.series[2]) == "2026-05-01T00:00:00Z 2026-05-08T00:00:00Z");
}

TEST_CASE("a name holds for each way to give the dates, and the longest may have 128 bytes") {
  const std::string longest(128, 'n');
  for (const std::string& name : {std::string("s0_k9f2a1"), std::string("main"), longest}) {
    for (const char* const dates :
         {"&dateRange=7d", "&dateRange=7dcontrol",
          "&dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-08T00:00:00Z"}) {
      CAPTURE(dates);
      const auto parsed = Parse("name=" + name + dates);
      REQUIRE(parsed.ok());
      CHECK(parsed.value().series[0].key == name);
    }
  }
  CHECK(!Parse("dateRange=7d&name=" + longest + "n").ok());

  const auto several = Parse(
      "aggInterval=1h&format=JSON&name=s0_k9f2a1&dateRange=7d&spf=FAIL"
      "&name=s0c_k9f2a1&dateRange=7dcontrol&spf=FAIL&name=s1_k9f2a1&dateRange=7d&spf=");
  REQUIRE(several.ok());
  REQUIRE(several.value().series.size() == 3);
  CHECK(several.value().series[0].key == "s0_k9f2a1");
  CHECK(several.value().series[1].key == "s0c_k9f2a1");
  CHECK(several.value().series[2].key == "s1_k9f2a1");
}

TEST_CASE("names can be refused, or passed over as if they were not there") {
  const auto refused = Parse("dateRange=7d&name=a", SeriesNames::kRefused);
  REQUIRE(!refused.ok());
  CHECK(refused.error().http_status == 400);
  CHECK(refused.error().code == 2001);
  CHECK(refused.error().message == "Unknown parameter 'name'");
  CHECK(Parse("dateRange=7d", SeriesNames::kRefused).ok());

  const auto ignored =
      Parse("name=a&dateRange=7d&name=a&dateRange=7d&name=meta", SeriesNames::kIgnored);
  REQUIRE(ignored.ok());
  REQUIRE(ignored.value().series.size() == 2);
  CHECK(ignored.value().series[0].key == "serie_0");
  CHECK(ignored.value().series[1].key == "serie_1");
}

TEST_CASE("every value of a dimension together is the same as no filter") {
  const auto parsed = Parse("dateRange=1d&spf=PASS,NONE,FAIL&tlsVersion=TLSv1_3,TLSv1_0");
  REQUIRE(parsed.ok());
  CHECK(parsed.value().series[0].selection == MailSelection{{0, 0, 0, 0, 0b1001}});
}

}  // namespace
}  // namespace radar_spoof::simulator
