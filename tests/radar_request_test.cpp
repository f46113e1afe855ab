#include "radar_spoof/fetch/radar_request.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/query_builder.h"

namespace radar_spoof {
namespace {

const RadarEndpoint kEndpoint("https://api.example/client/v4",
                              "/radar/email/security/timeseries_groups/spoof");
const std::string kUrl =
    "https://api.example/client/v4/radar/email/security/timeseries_groups/spoof";

std::string UrlFor(const Query& query) {
  return BuildRequest(kEndpoint, query, BearerToken{Secret("token")}).url;
}

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

TEST_CASE("a query without filters asks for its interval and range only") {
  CHECK(UrlFor(test::MakeQuery("all")) == kUrl + "?format=JSON&aggInterval=15m&dateRange=1d");
  CHECK(UrlFor(test::MakeQuery("w", AggInterval::k1w, "52W")) ==
        kUrl + "?format=JSON&aggInterval=1w&dateRange=52w");
}

TEST_CASE("all five filters are sent under the API's names") {
  const Query query = With(test::MakeQuery("all_filters", AggInterval::k1h, "7d"),
                           {{Dimension::kTlsVersion, "TLSv1_2"},
                            {Dimension::kArc, "PASS"},
                            {Dimension::kSpf, "NONE"},
                            {Dimension::kDkim, "FAIL"},
                            {Dimension::kDmarc, "PASS"}});
  CHECK(UrlFor(query) == kUrl +
                             "?format=JSON&aggInterval=1h&dateRange=7d"
                             "&arc=PASS&dkim=FAIL&dmarc=PASS&spf=NONE&tlsVersion=TLSv1_2");
}

TEST_CASE("several values of one dimension are one element of one series") {
  const Query query =
      With(test::MakeQuery("several"), {{Dimension::kDmarc, "NONE"}, {Dimension::kDmarc, "FAIL"}});
  CHECK(UrlFor(query) == kUrl + "?format=JSON&aggInterval=15m&dateRange=1d&dmarc=FAIL,NONE");
}

TEST_CASE("the control period is a second series that repeats every filter") {
  Query query = With(test::MakeQuery("control", AggInterval::k1h, "10d"),
                     {{Dimension::kDmarc, "FAIL"}, {Dimension::kTlsVersion, "TLSv1_3"}});
  query.control = true;
  CHECK(UrlFor(query) == kUrl +
                             "?format=JSON&aggInterval=1h"
                             "&dateRange=10d&dmarc=FAIL&tlsVersion=TLSv1_3"
                             "&dateRange=10dcontrol&dmarc=FAIL&tlsVersion=TLSv1_3");
}

std::string SharedUrl(const std::vector<Query>& queries) {
  std::vector<const Query*> asked;
  for (const Query& query : queries) asked.push_back(&query);
  return BuildRequest(kEndpoint, asked, BearerToken{Secret("token")}).url;
}

TEST_CASE("several queries are series of one request, each with its name, range and every filter") {
  const Query pass = With(test::MakeQuery("meta", AggInterval::k1h, "7d"),
                          {{Dimension::kDmarc, "PASS"}, {Dimension::kTlsVersion, "TLSv1_2"}});
  Query fail = With(test::MakeQuery("b&c", AggInterval::k1h, "7d"),
                    {{Dimension::kDmarc, "FAIL"}, {Dimension::kTlsVersion, "TLSv1_3"}});
  fail.control = true;
  const Query none = With(test::MakeQuery("d", AggInterval::k1h, "7d"),
                          {{Dimension::kDmarc, "NONE"}, {Dimension::kTlsVersion, "TLSv1_2"}});
  CHECK(SharedUrl({pass, fail, none}) ==
        kUrl +
            "?format=JSON&aggInterval=1h"
            "&name=s0&dateRange=7d&dmarc=PASS&tlsVersion=TLSv1_2"
            "&name=s1&dateRange=7d&dmarc=FAIL&tlsVersion=TLSv1_3"
            "&name=c1&dateRange=7dcontrol&dmarc=FAIL&tlsVersion=TLSv1_3"
            "&name=s2&dateRange=7d&dmarc=NONE&tlsVersion=TLSv1_2");
}

TEST_CASE("one query is asked for without a name, whether it might share a request or not") {
  Query query = With(test::MakeQuery("alone"), {{Dimension::kSpf, "FAIL"}});
  CHECK(SharedUrl({query}) == UrlFor(query));
  query.control = true;
  CHECK(SharedUrl({query}) == UrlFor(query));
  CHECK(UrlFor(query).find("name=") == std::string::npos);
}

TEST_CASE("a token is sent as Bearer, and the legacy pair never beside it") {
  const Query query = test::MakeQuery("all");
  CHECK(Headers(BuildRequest(kEndpoint, query, BearerToken{Secret("to-ken")})) ==
        std::vector<std::string>{"Authorization: Bearer to-ken", "Accept: application/json"});
  CHECK(Headers(BuildRequest(kEndpoint, query, LegacyKey{"me@example.com", Secret("key")})) ==
        std::vector<std::string>{"X-Auth-Email: me@example.com", "X-Auth-Key: key",
                                 "Accept: application/json"});
}

TEST_CASE("no credential is part of the URL") {
  const HttpRequest request =
      BuildRequest(kEndpoint, test::MakeQuery("all"), LegacyKey{"canary-mail", Secret("canary")});
  CHECK(request.url.find("canary") == std::string::npos);
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

}  // namespace
}  // namespace radar_spoof
