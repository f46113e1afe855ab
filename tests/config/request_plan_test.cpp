#include "radar_spoof/config/request_plan.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "radar_spoof/config/config.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::MakeQuery;

using Groups = std::vector<RequestGroup>;

Query Filtered(Query query, std::initializer_list<std::pair<Dimension, std::string_view>> filters) {
  for (const auto& [dimension, value] : filters) REQUIRE(query.filters.Add(dimension, value));
  return query;
}

TEST_CASE(
    "with one series in a request no two queries share one, and a control period still fits") {
  Query with_control = MakeQuery("c");
  with_control.control = true;
  CHECK(GroupQueries({MakeQuery("a"), with_control, MakeQuery("b")}, 1) == Groups{{0}, {1}, {2}});
}

TEST_CASE("what differs in interval, range, poll interval or filtered dimensions is kept apart") {
  Query often = MakeQuery("often");
  often.poll_interval = 5min;
  const std::vector<Query> queries = {
      MakeQuery("a"),
      MakeQuery("interval", AggInterval::k1h),
      MakeQuery("range", AggInterval::k15m, "2d"),
      often,
      Filtered(MakeQuery("spf"), {{Dimension::kSpf, "PASS"}}),
      Filtered(MakeQuery("dkim"), {{Dimension::kDkim, "PASS"}}),
      Filtered(MakeQuery("both"), {{Dimension::kDkim, "PASS"}, {Dimension::kSpf, "PASS"}}),
      Filtered(MakeQuery("spf too"), {{Dimension::kSpf, "FAIL"}})};
  CHECK(GroupQueries(queries, 10) == Groups{{0}, {1}, {2}, {3}, {4, 7}, {5}, {6}});
}

TEST_CASE("a control period counts as a series") {
  std::vector<Query> queries(5, MakeQuery("q"));
  queries[1].control = true;
  queries[2].control = true;
  CHECK(SeriesOf(queries[0]) == 1);
  CHECK(SeriesOf(queries[1]) == 2);
  CHECK(GroupQueries(queries, 3) == Groups{{0, 1}, {2, 3}, {4}});
  CHECK(GroupQueries(queries, 2) == Groups{{0}, {1}, {2}, {3, 4}});
}

TEST_CASE("all 1,280 combinations, ten in a request, take 142 requests") {
  const auto config = ParseConfig(
      "api: {max_series_per_request: 10}\nqueries:\n  - name: m\n    matrix:\n"
      "      {tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3],"
      " spf: [any, PASS, NONE, FAIL], dmarc: [any, PASS, NONE, FAIL],"
      " dkim: [any, PASS, NONE, FAIL], arc: [any, PASS, NONE, FAIL]}\n",
      "f");
  REQUIRE(config.ok());
  const auto groups = GroupQueries(config.value().queries(), 10);
  CHECK(groups.size() == 142);
  std::set<std::size_t> queries;
  for (const RequestGroup& group : groups) {
    CHECK(group.size() <= 10);
    queries.insert(group.begin(), group.end());
  }
  CHECK(queries.size() == 1280);
  CHECK(config.value().Plan().requests_per_5_minutes == doctest::Approx(142.0 / 3));
}

}  // namespace
}  // namespace radar_spoof
