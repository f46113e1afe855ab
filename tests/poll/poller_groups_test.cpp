// Several series in one request: the poller with api.max_series_per_request.
#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "support/poller_fixture.h"
#include "support/simulated_api.h"

namespace radar_spoof::test {
namespace {

using Request = PollerFixture::Request;
using Answer = PollerFixture::Answer;

// Three that can share a request.
const std::string kThreeQueries =
    "queries:\n  - { name: q, matrix: { spf: [PASS, NONE, FAIL] } }\n";

std::vector<std::string> NamesIn(const std::string& url) { return ParametersOf(url, "name"); }

std::size_t SeriesIn(const std::string& url) { return ParametersOf(url, "dateRange").size(); }

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// A good answer of an API whose data are five minutes old: the latest SPOOF of the n-th series is
// 30 + n.
std::string SharedAnswer(const Request& request) {
  const WallTime reach = FloorTo(request.at.wall - 5min, 15min);
  const std::vector<std::string> names = NamesIn(request.url);
  const AggInterval interval = IntervalOf(request.url);
  std::string body = GoodAnswer(reach, interval, 30);
  if (names.empty()) return body;
  const std::size_t begin = body.find("\"serie_0\"");
  const std::string meta = body.substr(body.find(",\"meta\""));
  body.resize(begin);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string one = GoodAnswer(reach, interval, 30 + static_cast<double>(i));
    const std::size_t series = one.find("\"serie_0\"");
    body += (i == 0 ? "" : ",") +
            Replaced(one.substr(series, one.find(",\"meta\"") - series), "serie_0", names[i]);
  }
  return body + meta;
}

Answer Shared(const Request& request) { return {Response(200, SharedAnswer(request))}; }

std::vector<std::size_t> SeriesOf(const PollerFixture& f) {
  std::vector<std::size_t> series;
  for (const Request& request : f.http.requests()) series.push_back(SeriesIn(request.url));
  return series;
}

std::vector<std::size_t> NamedSeriesOf(const PollerFixture& f) {
  std::vector<std::size_t> series;
  for (const Request& request : f.http.requests()) series.push_back(NamesIn(request.url).size());
  return series;
}

void CheckSame(const SpoofSample& a, const SpoofSample& b) {
  CHECK(a.spoof == b.spoof);
  CHECK(a.not_spoof == b.not_spoof);
  CHECK(a.bucket_start == b.bucket_start);
  REQUIRE(a.window.has_value());
  REQUIRE(b.window.has_value());
  CHECK(a.window->mean == b.window->mean);
  CHECK(a.window->standard_deviation == b.window->standard_deviation);
  CHECK(a.control == b.control);
  CHECK(a.confidence_level == b.confidence_level);
  CHECK(a.annotations == b.annotations);
  CHECK(a.last_updated == b.last_updated);
  CHECK(std::equal(a.trend.begin(), a.trend.end(), b.trend.begin(), b.trend.end()));
}

TEST_CASE("all 1,280 combinations, ten in a request: 142 requests, the same values as one by one") {
  const std::string unlimited = "  rate_limit: 1000000\n";
  SimulatedFixture alone(EveryCombination(), unlimited, 1'000'000);
  CHECK(alone.poller.RunOnce());
  CHECK(alone.http.requests().size() == 1280);
  SimulatedFixture shared(EveryCombination(), unlimited + "  max_series_per_request: 10\n",
                          1'000'000);
  CHECK(shared.poller.RunOnce());
  CHECK(shared.http.requests().size() == 142);
  CHECK(shared.Requests().at(200) == 142);
  for (std::size_t i = 0; i < 1280; ++i) {
    const QueryState& one = alone.Now()->queries[i];
    const QueryState& other = shared.Now()->queries[i];
    CAPTURE(one.query.name);
    CHECK(one.query == other.query);
    CHECK(other.polls == 1);
    CheckSame(*one.sample, *other.sample);
  }
}

TEST_CASE("control periods are series of the same request, and belong to the right query") {
  const std::string queries =
      "queries:\n  - { name: m, agg_interval: 1h, date_range: 7d, poll_interval: 1h, control: "
      "true, "
      "matrix: { dmarc: [any, PASS, FAIL], spf: [any, PASS, NONE, FAIL] } }\n";
  SimulatedFixture alone(queries);
  CHECK(alone.poller.RunOnce());
  SimulatedFixture shared(queries, "  max_series_per_request: 10\n");
  CHECK(shared.poller.RunOnce());
  // 1, 3, 2 and 6 combinations of two series each.
  CHECK(NamedSeriesOf(shared) == std::vector<std::size_t>{2, 6, 4, 10, 2});
  for (std::size_t i = 0; i < 12; ++i) {
    REQUIRE(shared.Now()->queries[i].sample->control);
    CheckSame(*alone.Now()->queries[i].sample, *shared.Now()->queries[i].sample);
  }
}

TEST_CASE("queries that share a request have their own numbers, and counters of their own polls") {
  PollerFixture f(Shared, kThreeQueries, "  max_series_per_request: 10\n");
  f.RunFor(3h);
  const auto snapshot = f.Now();
  CHECK(f.http.requests().size() >= 12);
  CHECK(f.Requests().at(200) == f.http.requests().size());
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(snapshot->queries[i].polls == f.http.requests().size());
    CHECK(snapshot->queries[i].failures == 0);
    CHECK(snapshot->queries[i].sample->spoof.value() ==
          doctest::Approx(0.3 + 0.01 * static_cast<double>(i)));
    CHECK(snapshot->queries[i].next_poll == snapshot->queries[0].next_poll);
  }
}

TEST_CASE("what the API refuses is halved until it is taken, within the poll, and remembered") {
  for (const int status : {422, 413, 414}) {
    CAPTURE(status);
    PollerFixture f(
        [status](const Request& request) {
          if (SeriesIn(request.url) <= 1) return Shared(request);
          return Answer{Response(status, ErrorAnswer(2002, "Query exceeds the maximum cost"))};
        },
        kThreeQueries, "  max_series_per_request: 10\n");
    f.http.At(10s, [&] {
      for (const QueryState& state : f.Now()->queries) {
        CHECK(state.success());
        CHECK(state.polls == 1);
        CHECK(state.failures == 0);
      }
      CHECK(SeriesOf(f) == std::vector<std::size_t>{3, 2, 1, 1, 1});
      CHECK(f.Requests().at(status) == 2);
      CHECK(f.Failures(FailureReason::kRejected) == 2);
      CHECK(f.LinesWith("several series").size() == 1);
    });
    f.http.At(1h, [&] { CHECK(f.Requests().at(status) == 2); });
    f.RunFor(2h);
    // After an hour it is tried once whether the API takes more.
    CHECK(f.Requests().at(status) == 4);
    CHECK(f.Requests().at(200) > 20);
  }
}

TEST_CASE("an API that takes four series is asked for at most four after the first refusal") {
  const std::string queries =
      "queries:\n  - { name: m, matrix: { dmarc: [PASS, NONE, FAIL], spf: [PASS, NONE, FAIL] } }\n";
  PollerFixture f(
      [](const Request& request) {
        return SeriesIn(request.url) > 4
                   ? Answer{Response(422, ErrorAnswer(2002, "Query exceeds the maximum cost"))}
                   : Shared(request);
      },
      queries, "  max_series_per_request: 9\n");
  f.RunFor(1min);
  CHECK(SeriesOf(f) == std::vector<std::size_t>{9, 5, 4, 3, 2});
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
}

TEST_CASE("a reload puts together again what was halved") {
  const Answer refusal{Response(422, ErrorAnswer(2002, "Query exceeds the maximum cost"))};
  PollerFixture f(
      [&](const Request& request) {
        return request.number == 0 && SeriesIn(request.url) > 1 ? refusal : Shared(request);
      },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.http.At(40min, [&] { f.Reconfigure(kThreeQueries, "  max_series_per_request: 10\n"); });
  f.RunFor(80min);
  CHECK(SeriesIn(f.http.requests()[1].url) == 2);
  CHECK(SeriesIn(f.http.requests().back().url) == 3);
  for (const QueryState& state : f.Now()->queries) CHECK(state.failures == 0);
}

TEST_CASE("a bad series fails only the query it is of, and the others stay together") {
  PollerFixture f(
      [](const Request& request) {
        std::string body = SharedAnswer(request);
        const std::size_t second = body.find("\"s1_");
        if (second != std::string::npos) body.replace(body.find("\"20\"", second), 4, "null");
        return Answer{Response(200, body)};
      },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.RunFor(3h);
  const auto snapshot = f.Now();
  const std::uint64_t requests = f.http.requests().size();
  PollerFixture well(Shared, kThreeQueries, "  max_series_per_request: 10\n");
  well.RunFor(3h);
  CHECK(requests >= 12);
  CHECK(requests <= well.http.requests().size() + 1);
  for (const Request& request : f.http.requests()) CHECK(SeriesIn(request.url) == 3);
  CHECK(snapshot->queries[0].success());
  CHECK(snapshot->queries[0].failures == 0);
  CHECK(snapshot->queries[2].success());
  CHECK(snapshot->queries[1].last_failure->reason == FailureReason::kValidation);
  CHECK(snapshot->queries[1].last_failure->detail.find("result.s1_") != std::string::npos);
  CHECK(snapshot->queries[1].failures == requests);
  CHECK(snapshot->queries[1].polls == requests);
  CHECK_FALSE(snapshot->queries[1].sample);
  CHECK(f.Failures(FailureReason::kValidation) == requests);
  CHECK_FALSE(snapshot->api.up);
}

TEST_CASE("an answer that lacks a series, or does not know names, is asked for in smaller parts") {
  const std::function<std::string(std::string)> faults[] = {
      [](std::string body) { return Replaced(std::move(body), "\"s2_", "\"other_"); },
      [](std::string body) { return Replaced(std::move(body), "\"s0_", "\"serie_0_"); }};
  for (const auto& fault : faults) {
    PollerFixture f(
        [&](const Request& request) {
          const std::string body = SharedAnswer(request);
          return Answer{Response(200, SeriesIn(request.url) == 3 ? fault(body) : body)};
        },
        kThreeQueries, "  max_series_per_request: 10\n");
    f.RunFor(1min);
    CHECK(SeriesOf(f) == std::vector<std::size_t>{3, 2, 1});
    for (const QueryState& state : f.Now()->queries) {
      CHECK(state.success());
      CHECK(state.failures == 0);
    }
  }
}

// 27 that go into 9 requests of three.
const std::string kNineRequests =
    "queries:\n  - { name: m, matrix: { dkim: [PASS, NONE, FAIL], dmarc: [PASS, NONE, FAIL], "
    "spf: [PASS, NONE, FAIL] } }\n";
const std::string kThreeInOne = "  max_series_per_request: 3\n";

std::size_t RequestsFor(const PollerFixture& f, std::size_t series) {
  const auto all = SeriesOf(f);
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), series));
}

Answer Refused() { return {Response(400, ErrorAnswer(1000, "Something is not right"))}; }

// Closed without a byte, as libmicrohttpd does to a request it finds too long.
Answer Nothing() {
  Failure closed(FailureReason::kTransport, "Empty reply from server");
  closed.fewer_series = FewerSeries::kMayHelp;
  return {closed};
}

TEST_CASE("a refusal that stays for whatever is asked is not asked about again and again") {
  PollerFixture planned([](const Request&) { return Answer{Response(404, "")}; }, kNineRequests,
                        kThreeInOne + "  path: /other\n");
  planned.RunFor(6h);
  PollerFixture f([](const Request&) { return Refused(); }, kNineRequests, kThreeInOne);
  // Nine, two of one query to find out whether fewer help, and three to find out whether names do.
  f.http.At(32s, [&] { CHECK(f.http.requests().size() == 9 + 2 + 3); });
  f.RunFor(6h);
  CHECK(RequestsFor(f, 2) == 0);
  CHECK(RequestsFor(f, 1) <= 2 * 6 + 1);
  CHECK(RequestsFor(f, 3) <= planned.http.requests().size() + 12);
  CHECK(RequestsFor(f, 3) + 12 >= planned.http.requests().size());
}

TEST_CASE("connections closed without an answer, whatever is asked, halve nothing for long") {
  PollerFixture outage([](const Request&) { return Outage(); }, kNineRequests, kThreeInOne);
  outage.RunFor(6h);
  PollerFixture f(
      [](const Request& request) {
        return request.at.wall < *ParseRfc3339("2026-06-05T18:28:00Z") ? Nothing()
                                                                       : Shared(request);
      },
      kNineRequests, kThreeInOne);
  f.http.At(6h, [&] {
    CHECK(f.http.requests().size() <= outage.http.requests().size() + 5 * 6);
    CHECK(RequestsFor(f, 1) <= 3 * 6);
  });
  f.RunFor(9h);
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
  for (int i = 1; i <= 9; ++i) CHECK(SeriesIn(f.http.requests().rbegin()[i].url) == 3);
}

TEST_CASE("a server that says 400, or nothing, to more than it takes is found out within seconds") {
  for (const Answer& refusal : {Refused(), Nothing()}) {
    for (const std::size_t takes : {1U, 2U, 4U}) {
      CAPTURE(takes);
      PollerFixture f(
          [&](const Request& request) {
            return SeriesIn(request.url) > takes ? refusal : Shared(request);
          },
          kNineRequests, "  max_series_per_request: 9\n");
      f.http.At(1min, [&] {
        for (const QueryState& state : f.Now()->queries) CHECK(state.success());
      });
      f.RunFor(3h);
      for (const QueryState& state : f.Now()->queries) {
        CHECK(state.success());
        CHECK(state.failures <= 3);
      }
    }
  }
}

TEST_CASE("a query that the API refuses for itself costs the others nothing for long") {
  for (const char* bad : {"dmarc=PASS&spf=PASS", "dmarc=NONE&spf=NONE", "dmarc=FAIL&spf=FAIL"}) {
    CAPTURE(bad);
    PollerFixture f(
        [&](const Request& request) {
          return request.url.find(bad) != std::string::npos ? Refused() : Shared(request);
        },
        "queries:\n  - { name: m, matrix: { dmarc: [PASS, NONE, FAIL], spf: [PASS, NONE, FAIL] } "
        "}\n",
        "  max_series_per_request: 9\n");
    f.http.At(1min, [&] {
      const auto& queries = f.Now()->queries;
      CHECK(std::count_if(queries.begin(), queries.end(), std::mem_fn(&QueryState::success)) == 8);
    });
    f.RunFor(24h);
    const auto& queries = f.Now()->queries;
    CHECK(std::count_if(queries.begin(), queries.end(), std::mem_fn(&QueryState::success)) == 8);
    for (const QueryState& state : queries) {
      if (state.success()) CHECK(state.failures <= 4);
    }
  }
}

TEST_CASE("what has nothing to do with the number of series halves nothing") {
  const std::function<std::string(std::string)> faults[] = {
      [](std::string body) { return Replaced(std::move(body), "PERCENTAGE", "RAW_VALUES"); },
      [](std::string body) { return Replaced(std::move(body), "FIFTEEN_MINUTES", "ONE_DAY"); },
      [](std::string body) { return Replaced(std::move(body), "\"meta\"", "\"atem\""); },
      [](std::string body) { return body.substr(0, body.size() / 2); }};
  for (const auto& fault : faults) {
    PollerFixture f(
        [&](const Request& request) {
          const bool wrong = request.at.wall < *ParseRfc3339("2026-06-05T15:28:00Z");
          const std::string body = SharedAnswer(request);
          return Answer{Response(200, wrong ? fault(body) : body)};
        },
        kNineRequests, kThreeInOne);
    f.RunFor(5h);
    for (const std::size_t series : SeriesOf(f)) CHECK(series == 3);
    for (const QueryState& state : f.Now()->queries) CHECK(state.success());
  }
}

TEST_CASE("what was halved is whole again some hours after the API takes it") {
  const WallTime over = *ParseRfc3339("2026-06-05T15:28:00Z");
  std::string queries = kNineRequests;
  SUBCASE("whatever is asked seldom") {
    // First in the file, and asked again on Monday, in three days.
    queries.insert(queries.find('\n') + 1,
                   "  - { name: week, agg_interval: 1w, date_range: 52w, "
                   "matrix: { dkim: [PASS, NONE, FAIL] } }\n");
  }
  PollerFixture f(
      [&](const Request& request) {
        return request.at.wall < over && SeriesIn(request.url) > 1
                   ? Answer{Response(422, ErrorAnswer(2002, "Query exceeds the maximum cost"))}
                   : Shared(request);
      },
      queries, kThreeInOne);
  std::size_t before = 0;
  f.http.At(8h, [&] { before = f.http.requests().size(); });
  f.RunFor(12h);
  for (std::size_t i = before; i < f.http.requests().size(); ++i) {
    CHECK(SeriesIn(f.http.requests()[i].url) == 3);
  }
}

TEST_CASE("an API that never takes so many is tried ever less often") {
  PollerFixture f(
      [](const Request& request) {
        return SeriesIn(request.url) > 4
                   ? Answer{Response(422, ErrorAnswer(2002, "Query exceeds the maximum cost"))}
                   : Shared(request);
      },
      kNineRequests, "  max_series_per_request: 9\n");
  f.RunFor(5 * 24h);
  // At the start each of the three requests twice; then after 1, 2, 4, 8, 16 and each 24 hours one.
  CHECK(RequestsFor(f, 9) <= 3 + 9);
  CHECK(RequestsFor(f, 9) >= 3 + 5);
  for (const QueryState& state : f.Now()->queries) CHECK(state.failures == 0);
}

TEST_CASE("when the upstream fails, the queries of a request fail, retry and recover together") {
  PollerFixture f(
      [](const Request& request) {
        const bool outage = request.at.wall < *ParseRfc3339("2026-06-05T12:40:00Z");
        return outage ? Outage() : Shared(request);
      },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.http.At(11min, [&] {
    for (const QueryState& state : f.Now()->queries) {
      CHECK(state.last_failure->reason == FailureReason::kServer);
      CHECK(state.failures == f.http.requests().size());
    }
    CHECK(f.Failures(FailureReason::kServer) == f.http.requests().size());
  });
  f.RunFor(1h);
  for (const std::size_t series : SeriesOf(f)) CHECK(series == 3);
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
}

TEST_CASE("the other path is tried for a request of several series, too") {
  PollerFixture f(
      [](const Request& request) {
        return request.url.find("/SPOOF?") != std::string::npos
                   ? Shared(request)
                   : Answer{Response(404, ErrorAnswer(7003, "No route"))};
      },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.RunFor(1min);
  CHECK(SeriesOf(f) == std::vector<std::size_t>{3, 3});
  for (const QueryState& state : f.Now()->queries) {
    CHECK(state.success());
    CHECK(state.polls == 1);
  }
}

TEST_CASE("refused credentials are no reason to halve a request") {
  PollerFixture f(
      [](const Request&) { return Answer{Response(400, ErrorAnswer(6003, "Invalid headers"))}; },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.RunFor(20min);
  for (const std::size_t series : SeriesOf(f)) CHECK(series == 3);
  CHECK(f.State().last_failure->reason == FailureReason::kUnauthorized);
}

TEST_CASE("the credential is in no failure of a shared answer, however it is echoed") {
  PollerFixture f(
      [](const Request& request) {
        std::string body = SharedAnswer(request);
        const std::size_t second = body.find("\"s1_");
        body.replace(body.find("\"20\"", second), 4, '"' + std::string(kToken) + '"');
        return Answer{Response(200, body)};
      },
      kThreeQueries, "  max_series_per_request: 10\n");
  f.RunFor(1min);
  REQUIRE(f.Now()->queries[1].last_failure);
  CHECK(f.Now()->queries[1].last_failure->detail.find("canary") == std::string::npos);
  CHECK(f.Now()->queries[1].last_failure->detail.find("[redacted]") != std::string::npos);
}

// --- the budget, with every combination there is -------------------------------------------------

TEST_CASE("a cold start of all 1,280 is even, never told 429, and done within 11 minutes") {
  SimulatedFixture f(EveryCombination());
  f.http.At(11min, [&] { CHECK(AllSucceed(*f.Now())); });
  f.RunFor(12min);
  const auto& requests = f.http.requests();
  CHECK(f.Requests() == std::map<int, std::uint64_t>{{200, requests.size()}});
  std::map<std::int64_t, int> in_5s;
  for (const Request& request : requests) ++in_5s[(request.at.steady - FakeClock::kStart) / 5s];
  // A burst of a sixtieth of the budget, then two a second.
  CHECK(in_5s[0] <= 10 + 10);
  for (std::int64_t slice = 1; slice < 128; ++slice) {
    CAPTURE(slice);
    CHECK(in_5s[slice] >= 9);
    CHECK(in_5s[slice] <= 11);
  }
}

TEST_CASE("ten in a request, a cold start of all 1,280 is done within 70 seconds") {
  SimulatedFixture f(EveryCombination(), "  max_series_per_request: 10\n");
  f.http.At(70s, [&] { CHECK(AllSucceed(*f.Now())); });
  f.RunFor(71s);
  CHECK(f.Requests() == std::map<int, std::uint64_t>{{200, 142}});
}

}  // namespace
}  // namespace radar_spoof::test
