#include "radar_spoof/fetch/radar_request.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

const RadarEndpoint kEndpoint("https://api.example/client/v4",
                              "/radar/email/security/timeseries_groups/spoof");
const std::string kUrl =
    "https://api.example/client/v4/radar/email/security/timeseries_groups/spoof";

constexpr std::uint32_t kNumber = 45'000;  // "yq0" in base 36
const Credentials kCredentials = BearerToken{Secret("token")};

RadarRequest RequestFor(const std::vector<Query>& queries, const RequestForm& form = {kEndpoint},
                        const Credentials& credentials = kCredentials) {
  std::vector<const Query*> asked;
  for (const Query& query : queries) asked.push_back(&query);
  return BuildRequest(form, asked, kNumber, credentials);
}

std::string UrlFor(const std::vector<Query>& queries) { return RequestFor(queries).http.url; }
std::string UrlFor(const Query& query) { return UrlFor(std::vector{query}); }

Query With(Query query, std::initializer_list<std::pair<Dimension, std::string_view>> filters) {
  for (const auto& [dimension, value] : filters) REQUIRE(query.filters.Add(dimension, value));
  return query;
}

std::vector<std::string> Headers(const HttpRequest& request) {
  std::vector<std::string> lines;
  for (const HttpHeader& header : request.headers) {
    lines.push_back(header.name + ": " + header.value.Reveal());
  }
  return lines;
}

TEST_CASE("a query without filters asks for its interval and range only, under a name") {
  CHECK(UrlFor(test::MakeQuery("all")) ==
        kUrl + "?format=JSON&aggInterval=15m&name=s0_yq0&dateRange=1d");
  CHECK(UrlFor(test::MakeQuery("w", AggInterval::k1w, "52W")) ==
        kUrl + "?format=JSON&aggInterval=1w&name=s0_yq0&dateRange=52w");
}

TEST_CASE("all five filters are sent under the API's names") {
  const Query query = With(test::MakeQuery("all_filters", AggInterval::k1h, "7d"),
                           {{Dimension::kTlsVersion, "TLSv1_2"},
                            {Dimension::kArc, "PASS"},
                            {Dimension::kSpf, "NONE"},
                            {Dimension::kDkim, "FAIL"},
                            {Dimension::kDmarc, "PASS"}});
  CHECK(UrlFor(query) == kUrl +
                             "?format=JSON&aggInterval=1h&name=s0_yq0&dateRange=7d"
                             "&arc=PASS&dkim=FAIL&dmarc=PASS&spf=NONE&tlsVersion=TLSv1_2");
}

TEST_CASE("several values of one dimension are one element of one series") {
  const Query query =
      With(test::MakeQuery("several"), {{Dimension::kDmarc, "NONE"}, {Dimension::kDmarc, "FAIL"}});
  CHECK(UrlFor(query) ==
        kUrl + "?format=JSON&aggInterval=15m&name=s0_yq0&dateRange=1d&dmarc=FAIL,NONE");
}

TEST_CASE("the control period is a second series that repeats every filter") {
  Query query = With(test::MakeQuery("control", AggInterval::k1h, "10d"),
                     {{Dimension::kDmarc, "FAIL"}, {Dimension::kTlsVersion, "TLSv1_3"}});
  query.control = true;
  CHECK(UrlFor(query) == kUrl +
                             "?format=JSON&aggInterval=1h"
                             "&name=s0_yq0&dateRange=10d&dmarc=FAIL&tlsVersion=TLSv1_3"
                             "&name=c0_yq0&dateRange=10dcontrol&dmarc=FAIL&tlsVersion=TLSv1_3");
}

TEST_CASE("an absolute window takes the place of the range, and of the control period") {
  Query query =
      With(test::MakeQuery("history", AggInterval::k1h, "7d"), {{Dimension::kDmarc, "FAIL"}});
  query.control = true;
  const TimeRange window{*ParseRfc3339("2026-01-05T00:00:00Z"),
                         *ParseRfc3339("2026-01-12T00:00:00Z")};
  const RadarRequest request =
      BuildRequest({kEndpoint}, query, window, kNumber, BearerToken{Secret("token")});
  CHECK(request.names.front().own == "s0_yq0");
  CHECK(request.http.url ==
        kUrl +
            "?format=JSON&aggInterval=1h"
            "&name=s0_yq0&dateStart=2026-01-05T00:00:00Z&dateEnd=2026-01-12T00:00:00Z&dmarc=FAIL");
}

TEST_CASE("several queries are series of one request, each with its name, range and every filter") {
  const Query pass = With(test::MakeQuery("meta", AggInterval::k1h, "7d"),
                          {{Dimension::kDmarc, "PASS"}, {Dimension::kTlsVersion, "TLSv1_2"}});
  Query fail = With(test::MakeQuery("b&c", AggInterval::k1h, "7d"),
                    {{Dimension::kDmarc, "FAIL"}, {Dimension::kTlsVersion, "TLSv1_3"}});
  fail.control = true;
  const Query none = With(test::MakeQuery("d", AggInterval::k1h, "7d"),
                          {{Dimension::kDmarc, "NONE"}, {Dimension::kTlsVersion, "TLSv1_2"}});
  CHECK(UrlFor({pass, fail, none}) ==
        kUrl +
            "?format=JSON&aggInterval=1h"
            "&name=s0_yq0&dateRange=7d&dmarc=PASS&tlsVersion=TLSv1_2"
            "&name=s1_yq0&dateRange=7d&dmarc=FAIL&tlsVersion=TLSv1_3"
            "&name=c1_yq0&dateRange=7dcontrol&dmarc=FAIL&tlsVersion=TLSv1_3"
            "&name=s2_yq0&dateRange=7d&dmarc=NONE&tlsVersion=TLSv1_2");
}

TEST_CASE("the names of a request are read back under, and are those of no other request") {
  Query with_control = test::MakeQuery("b");
  with_control.control = true;
  const std::vector<Query> queries = {test::MakeQuery("a"), with_control};
  const RadarRequest request = RequestFor(queries);
  REQUIRE(request.names.size() == 2);
  CHECK(request.names[0].own == "s0_yq0");
  CHECK(request.names[1].own == "s1_yq0");
  CHECK(request.names[1].control == "c1_yq0");
  CHECK_FALSE(request.http.own_connection);
  const Query* const alone[] = {&queries.front()};
  const RadarRequest next = BuildRequest({kEndpoint}, alone, kNumber + 1, kCredentials);
  CHECK(next.names.front().own == "s0_yq1");
  const RadarRequest last = BuildRequest({kEndpoint}, alone, 4'294'967'295U, kCredentials);
  CHECK(last.names.front().own == "s0_1z141z3");
}

TEST_CASE("without names a series is read by its place, on a connection of its own") {
  Query with_control = With(test::MakeQuery("a"), {{Dimension::kSpf, "FAIL"}});
  with_control.control = true;
  const Query other = With(test::MakeQuery("b"), {{Dimension::kSpf, "PASS"}});
  const RadarRequest request = RequestFor({with_control, other}, {kEndpoint, false, true});
  CHECK(request.http.url ==
        kUrl +
            "?format=JSON&aggInterval=15m"
            "&dateRange=1d&spf=FAIL&dateRange=1dcontrol&spf=FAIL&dateRange=1d&spf=PASS");
  CHECK(request.http.own_connection);
  CHECK(request.names[0].own == "serie_0");
  CHECK(request.names[0].control == "serie_1");
  CHECK(request.names[1].own == "serie_2");
}

TEST_CASE("a token is sent as Bearer, and the legacy pair never beside it") {
  const Query query = test::MakeQuery("all");
  const auto headers = [&](const Credentials& credentials) {
    return Headers(RequestFor({query}, {kEndpoint}, credentials).http);
  };
  CHECK(headers(BearerToken{Secret("to-ken")}) ==
        std::vector<std::string>{"Authorization: Bearer to-ken", "Accept: application/json"});
  CHECK(headers(LegacyKey{"me@example.com", Secret("key")}) ==
        std::vector<std::string>{"X-Auth-Email: me@example.com", "X-Auth-Key: key",
                                 "Accept: application/json"});
}

TEST_CASE("no credential is part of the URL") {
  const RadarRequest request =
      RequestFor({test::MakeQuery("all")}, {kEndpoint}, LegacyKey{"canary-mail", Secret("canary")});
  CHECK(request.http.url.find("canary") == std::string::npos);
}

TEST_CASE("the query's name is never sent") {
  CHECK(UrlFor(test::MakeQuery("meta&x=1")).find("meta") == std::string::npos);
}

TEST_CASE("an endpoint's alternative differs in the case of its last segment") {
  const auto upper = kEndpoint.Alternative();
  REQUIRE(upper);
  CHECK(upper->path() == "/radar/email/security/timeseries_groups/SPOOF");
  CHECK(upper->Url() == "https://api.example/client/v4" + upper->path());
  CHECK(upper->Alternative() == kEndpoint);
  for (const char* const path : {"/elsewhere", "/spoofed", "/Spoof", "/spoof/", "spoof", ""}) {
    CAPTURE(path);
    CHECK_FALSE(RadarEndpoint("https://api.example", path).Alternative());
  }
}

const RadarEndpoint kLower("https://api.example", "/radar/spoof");
const RadarEndpoint kUpper("https://api.example", "/radar/SPOOF");
const RequestForm kNamed{kLower};
const RequestForm kUnnamed{kLower, false, true};

TEST_CASE("series are asked for by name, on connections that are kept, under the configured path") {
  CHECK(EndpointInUse(kLower).form() == kNamed);
}

TEST_CASE("each problem is answered with the form that may solve it, and each form is tried once") {
  struct Row {
    std::vector<RequestForm> tried;
    FormProblem problem;
    std::optional<RequestForm> other;
  };
  const RequestForm upper{kUpper};
  const RequestForm upper_unnamed{kUpper, false, true};
  const RequestForm alone{kLower, true, true};
  const RequestForm elsewhere{RadarEndpoint("https://api.example", "/other")};
  const Row rows[] = {
      {{kNamed}, FormProblem::kNone, std::nullopt},
      {{kNamed}, FormProblem::kPathNotFound, upper},
      {{upper}, FormProblem::kPathNotFound, kNamed},
      {{kNamed, upper}, FormProblem::kPathNotFound, std::nullopt},
      {{elsewhere}, FormProblem::kPathNotFound, std::nullopt},
      {{kUnnamed}, FormProblem::kPathNotFound, upper_unnamed},
      {{kNamed}, FormProblem::kMayBeNames, kUnnamed},
      {{kNamed}, FormProblem::kNamesIgnored, kUnnamed},
      {{kNamed, upper}, FormProblem::kNamesIgnored, upper_unnamed},
      {{kUnnamed}, FormProblem::kMayBeNames, std::nullopt},
      {{kNamed}, FormProblem::kForeign, alone},
      {{kNamed, alone}, FormProblem::kForeign, std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.problem));
    CAPTURE(row.tried.back().endpoint.path());
    CHECK(EndpointInUse(kLower).Other(row.tried, row.problem, "q") == row.other);
  }
}

TEST_CASE("a query that is refused with names and without is asked in one form until it is well") {
  EndpointInUse endpoint(kLower);
  const std::vector<RequestForm> both = {kNamed, kUnnamed};
  const auto first = std::span(both).first(1);
  REQUIRE(endpoint.Other(first, FormProblem::kMayBeNames, "bad") == kUnnamed);
  CHECK_FALSE(endpoint.Other(both, FormProblem::kMayBeNames, "bad"));
  CHECK_FALSE(endpoint.Other(first, FormProblem::kMayBeNames, "bad"));
  CHECK(endpoint.Other(first, FormProblem::kMayBeNames, "another") == kUnnamed);
  CHECK_FALSE(endpoint.Other(both, FormProblem::kNone, "another"));
  endpoint.NoteGood(kNamed, "bad");
  CHECK(endpoint.Other(first, FormProblem::kMayBeNames, "bad") == kUnnamed);
}

TEST_CASE("of queries that may be refused for their names one at a time is asked without") {
  EndpointInUse endpoint(kLower);
  const std::vector<RequestForm> both = {kNamed, kUnnamed};
  const auto first = std::span(both).first(1);
  const auto ask = [&](const char* query) {
    return endpoint.Other(first, FormProblem::kMayBeNames, query);
  };
  CHECK(ask("a") == kUnnamed);
  CHECK_FALSE(ask("b"));
  SUBCASE("until it was refused, too") {
    CHECK_FALSE(endpoint.Other(both, FormProblem::kMayBeNames, "a"));
  }
  SUBCASE("until it failed otherwise") {
    CHECK_FALSE(endpoint.Other(both, FormProblem::kNone, "a"));
  }
  SUBCASE("until it will not be answered") { endpoint.StopFindingOut(); }
  CHECK(ask("b") == kUnnamed);
}

TEST_CASE("the form of a good answer is used from then on, and what is new of it told once") {
  EndpointInUse endpoint(kLower);
  auto change = endpoint.NoteGood(kNamed, "q");
  CHECK_FALSE(change.path);
  CHECK_FALSE(change.names);
  change = endpoint.NoteGood({kUpper}, "q");
  CHECK(change.path);
  CHECK_FALSE(change.names);
  change = endpoint.NoteGood({kUpper, false, true}, "q");
  CHECK_FALSE(change.path);
  CHECK(change.names);
  CHECK(endpoint.form() == RequestForm{kUpper, false, true});
  change = endpoint.NoteGood({kUpper, false, true}, "q");
  CHECK_FALSE(change.names);
}

TEST_CASE("a late answer over the other path changes nothing until the one in use is gone, too") {
  const RequestForm upper{kUpper};
  EndpointInUse endpoint(kLower);
  endpoint.NoteGood(upper, "q");
  CHECK_FALSE(endpoint.NoteGood(kNamed, "late").path);
  endpoint.Other(std::vector{kNamed}, FormProblem::kPathNotFound, "later");
  CHECK_FALSE(endpoint.NoteGood(kNamed, "late").path);
  CHECK(endpoint.form() == upper);
  endpoint.Other(std::vector{upper}, FormProblem::kPathNotFound, "q");
  CHECK(endpoint.NoteGood(kNamed, "q").path);
  CHECK(endpoint.form() == kNamed);
}

TEST_CASE("a connection of its own after a foreign answer is for that request alone") {
  EndpointInUse endpoint(kLower);
  endpoint.NoteGood({kLower, true, true}, "q");
  CHECK(endpoint.form() == kNamed);
}

TEST_CASE("an answer to an old request does not bring names back") {
  EndpointInUse endpoint(kLower);
  endpoint.NoteGood(kUnnamed, "q");
  endpoint.NoteGood(kNamed, "q");
  CHECK(endpoint.form() == kUnnamed);
}

}  // namespace
}  // namespace radar_spoof
