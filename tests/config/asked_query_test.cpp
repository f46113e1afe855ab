#include "radar_spoof/config/asked_query.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

using ProblemLines = std::vector<std::string>;

QueryFlags With(Dimension dimension, std::string value) {
  QueryFlags flags;
  flags.filters[static_cast<std::size_t>(dimension)] = std::move(value);
  return flags;
}

ProblemLines ProblemsOf(const QueryFlags& flags) {
  const auto asked = ReadQueryFlags(flags);
  return asked ? ProblemLines{} : asked.error();
}

TEST_CASE("without flags all mail is asked for, as by the smallest entry of a configuration") {
  const auto asked = ReadQueryFlags({});
  REQUIRE(asked);
  const Query& query = asked.value().query;
  CHECK(query.name == "ad_hoc");
  CHECK(query.filters == Filters());
  CHECK(query.agg_interval == AggInterval::k15m);
  CHECK(query.date_range.Text() == "1d");
  CHECK_FALSE(query.control);
  CHECK(asked.value().warnings.empty());
}

TEST_CASE("every flag has its place in the query") {
  QueryFlags flags;
  flags.filters = {"PASS", "NONE", "FAIL", "any", "TLSv1_2"};
  flags.agg_interval = "1h";
  flags.date_range = "7d";
  flags.control = true;
  const auto asked = ReadQueryFlags(flags);
  REQUIRE(asked);
  const Query& query = asked.value().query;
  CHECK(query.filters.Label(Dimension::kArc) == "PASS");
  CHECK(query.filters.Label(Dimension::kDkim) == "NONE");
  CHECK(query.filters.Label(Dimension::kDmarc) == "FAIL");
  CHECK(query.filters.Label(Dimension::kSpf) == "any");
  CHECK(query.filters.Label(Dimension::kTlsVersion) == "TLSv1_2");
  CHECK(query.agg_interval == AggInterval::k1h);
  CHECK(query.date_range.Text() == "7d");
  CHECK(query.control);
  CHECK(asked.value().warnings.empty());
}

TEST_CASE("several values are separated by commas, and warned of") {
  const auto asked = ReadQueryFlags(With(Dimension::kDmarc, "NONE,FAIL"));
  REQUIRE(asked);
  CHECK(asked.value().query.filters.Label(Dimension::kDmarc) == "FAIL,NONE");
  CHECK(asked.value().warnings ==
        ProblemLines{
            "--dmarc: FAIL,NONE is sent as one series of several values, which nothing documents "
            "for this filter: the API may refuse it or read it differently; one query per value "
            "(matrix) is safe"});
}

TEST_CASE("a window that may be refused is warned of") {
  QueryFlags flags;
  flags.date_range = "52w";
  const auto asked = ReadQueryFlags(flags);
  REQUIRE(asked);
  CHECK(asked.value().warnings ==
        ProblemLines{
            "--date-range: 15m over 52w may be too fine: the API's limits are not documented, and "
            "it answers 400 past them"});
}

TEST_CASE("a bad flag is refused in these words") {
  struct Row {
    QueryFlags flags;
    std::string problem;
  };
  QueryFlags interval;
  interval.agg_interval = "60m";
  QueryFlags range;
  range.date_range = "24h";
  QueryFlags control;
  control.date_range = "7dcontrol";
  QueryFlags nothing;
  nothing.agg_interval = "";
  const Row rows[] = {
      {With(Dimension::kDmarc, "fail"),
       "--dmarc: found fail; expected one of FAIL, NONE, PASS, any; did you mean FAIL?"},
      {With(Dimension::kSpf, "FAIL,PAS"),
       "--spf: found PAS; expected one of FAIL, NONE, PASS, any; did you mean PASS?"},
      {With(Dimension::kArc, "FAIL,FAIL"), "--arc: found FAIL again; expected each value once"},
      {With(Dimension::kDkim, "FAIL,any"),
       "--dkim: found any beside other values; expected any alone, or the values alone"},
      {With(Dimension::kDkim, "FAIL,"),
       "--dkim: found \"\"; expected one of FAIL, NONE, PASS, any"},
      {With(Dimension::kDkim, ""), "--dkim: found \"\"; expected one of FAIL, NONE, PASS, any"},
      {With(Dimension::kTlsVersion, "TLSv1.2"),
       "--tls-version: found TLSv1.2; expected one of TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3, any; did "
       "you mean TLSv1_2?"},
      {With(Dimension::kDmarc, "\x1b[2J"),
       "--dmarc: found \\x1B[2J; expected one of FAIL, NONE, PASS, any"},
      {interval, "--agg-interval: found 60m; expected one of 15m, 1h, 1d, 1w; did you mean 1h?"},
      {nothing, "--agg-interval: found \"\"; expected one of 15m, 1h, 1d, 1w"},
      {range, "--date-range: found 24h; expected 1d to 364d or 1w to 52w; did you mean 1d?"},
      {control,
       "--date-range: found 7dcontrol; expected 1d to 364d or 1w to 52w; use --control for the "
       "control period"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.problem);
    CHECK(ProblemsOf(row.flags) == ProblemLines{row.problem});
  }
}

TEST_CASE("every bad flag is told of at once") {
  QueryFlags flags = With(Dimension::kDmarc, "fail");
  flags.agg_interval = "2h";
  flags.date_range = "0d";
  CHECK(ProblemsOf(flags).size() == 3);
}

TEST_CASE("a configured query is found by its name, and the nearest named where there is none") {
  const auto config = ParseConfig(
      "queries:\n  - {name: all}\n  - {name: dmarc_fail, filters: {dmarc: FAIL}, date_range: 7d}\n",
      "c.yaml");
  REQUIRE(config);
  const auto found = FindQuery(config.value(), "dmarc_fail");
  REQUIRE(found);
  CHECK(found.value() == config.value().queries()[1]);
  struct Row {
    std::string name;
    std::string problem;
  };
  for (const Row& row : {
           Row{"dmrc_fail",
               "found the name dmrc_fail; expected one of all, dmarc_fail; did you mean "
               "dmarc_fail?"},
           Row{"\x1b]0;x\x07", "found the name \\x1B]0;x\\x07; expected one of all, dmarc_fail"},
       }) {
    const auto missing = FindQuery(config.value(), row.name);
    REQUIRE_FALSE(missing);
    CHECK(missing.error() == row.problem);
  }
}

TEST_CASE("many names are not listed") {
  const auto config = ParseConfig(
      "queries: [{name: q, matrix: {dmarc: [PASS, FAIL, NONE, any], spf: [PASS, FAIL, NONE, "
      "any]}}]",
      "c.yaml");
  REQUIRE(config);
  const auto missing = FindQuery(config.value(), "x");
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == "found the name x; expected one of the 16 in the file");
}

}  // namespace
}  // namespace radar_spoof
