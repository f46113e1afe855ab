#include <filesystem>
#include <functional>
#include <thread>

#include <doctest/doctest.h>

#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/poll/poller.h"
#include "support/misbehaving_server.h"
#include "support/poller_fixture.h"
#include "support/simulated_api.h"

namespace radar_spoof::test {
namespace {

using Request = PollerFixture::Request;
using Answer = PollerFixture::Answer;
using Connection = MisbehavingServer::Connection;

const std::string kBearer = "Bearer " + std::string(kToken);

Answer RefusedWith(int status = 403) {
  return {Response(status, ErrorAnswer(10000, "Authentication error"))};
}

Answer Throttled(const std::string& retry_after, const std::string& date = "") {
  return {Response(429, ErrorAnswer(1015, "rate limited"),
                   {{"retry-after", retry_after}, {"date", date}})};
}

// --- credentials ---------------------------------------------------------------------------------

TEST_CASE("a refused credential is tried once more at once, then every 15 minutes") {
  for (const int status : {401, 403}) {
    CAPTURE(status);
    PollerFixture f([status](const Request&) { return RefusedWith(status); });
    f.RunFor(50min);
    const auto& requests = f.http.requests();
    REQUIRE(requests.size() == 5);
    CHECK(requests[1].at.steady - requests[0].at.steady <= 2s);
    for (std::size_t i = 2; i < requests.size(); ++i) {
      const Milliseconds gap = requests[i].at.steady - requests[i - 1].at.steady;
      CHECK(gap >= 15min);
      CHECK(gap <= 15min + 3s);
    }
    CHECK(f.State().last_failure->reason == FailureReason::kUnauthorized);
    CHECK(f.Failures(FailureReason::kUnauthorized) == 5);
  }
}

TEST_CASE("a spurious refusal costs one quick retry and nothing else") {
  PollerFixture f(
      [](const Request& request) { return request.number == 0 ? RefusedWith() : Good(request); });
  f.RunFor(3s);
  CHECK(f.http.requests().size() == 2);
  CHECK(f.State().success());
}

TEST_CASE("a token that was replaced is used at once, without a refusal") {
  PollerFixture f([](const Request& request) { return Good(request); });
  f.http.At(1min, [&] { f.directory.Write("token", "second-token\n"); });
  f.RunFor(40min);
  const auto& requests = f.http.requests();
  REQUIRE(requests.size() >= 2);
  CHECK(requests.front().authorization == kBearer);
  for (std::size_t i = 1; i < requests.size(); ++i) {
    CHECK(requests[i].authorization == "Bearer second-token");
  }
  CHECK(f.LinesWith("credentials were read again").size() == 1);
}

TEST_CASE("when a refused token is replaced, every query is asked within seconds") {
  PollerFixture f(
      [](const Request& request) {
        return request.authorization == kBearer ? RefusedWith() : Good(request);
      },
      kTwoQueries);
  f.http.At(20min, [&] {
    CHECK_FALSE(f.Now()->queries[0].success());
    f.directory.Write("token", "second-token\n");
  });
  f.http.At(20min + 5s, [&] {
    CHECK(f.Now()->queries[0].success());
    CHECK(f.Now()->queries[1].success());
  });
  f.RunFor(21min);
}

TEST_CASE("when a refused token is replaced, queries that wait for room to retry are asked, too") {
  PollerFixture f(
      [](const Request& request) {
        return request.authorization == kBearer ? RefusedWith() : Good(request);
      },
      "queries:\n  - { name: q, agg_interval: 1h, date_range: 7d, matrix: { spf: [PASS, NONE, "
      "FAIL], "
      "dkim: [PASS, NONE, FAIL], dmarc: [PASS, NONE, FAIL] } }\n");
  f.http.At(5min, [&] { f.directory.Write("token", "second-token\n"); });
  f.http.At(6min, [&] {
    for (const QueryState& state : f.Now()->queries) CHECK(state.success());
  });
  f.RunFor(7min);
}

TEST_CASE("a token file that is written again with the same token disturbs nothing") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    answer.takes = 15s;
    return answer;
  });
  for (int i = 0; i < 12; ++i) {
    f.http.At(i * 5s, [&] { f.directory.Write("token", kToken); });
  }
  f.RunFor(1min);
  CHECK(f.State().success());
  CHECK_FALSE(f.Requests().contains(0));
  CHECK(f.LinesWith("credentials were read again").empty());
}

TEST_CASE("a token replaced while its refusal is under way is not left waiting") {
  for (const Milliseconds replaced_after : {Milliseconds(5s), Milliseconds(9999ms)}) {
    CAPTURE(replaced_after.count());
    std::function<void()> when_asked_in_vain;
    PollerFixture f(
        [&](const Request& request) {
          Answer answer = request.authorization == kBearer ? RefusedWith() : Good(request);
          answer.takes = 10s;
          // The third ask of the second query: the first on the slow cadence.
          if (request.number == 5) when_asked_in_vain();
          return answer;
        },
        kTwoQueries);
    when_asked_in_vain = [&] {
      f.http.At(f.Elapsed() + replaced_after, [&] { f.directory.Write("token", "second\n"); });
      f.http.At(f.Elapsed() + 30s, [&] {
        CHECK(f.Now()->queries[0].success());
        CHECK(f.Now()->queries[1].success());
      });
    };
    f.RunFor(20min);
    CHECK(f.Now()->queries[0].success());
  }
}

TEST_CASE("a token file that went away leaves the old token in use, and is told once") {
  PollerFixture f([](const Request& request) { return Good(request); });
  f.http.At(1min, [&] { std::filesystem::remove(f.token_file); });
  f.RunFor(2h);
  CHECK(f.State().success());
  CHECK(f.http.requests().back().authorization == kBearer);
  CHECK(f.LinesWith("cannot be read again").size() == 1);
}

TEST_CASE("the credential never reaches a failure's detail or a log line, however it is echoed") {
  const std::string token(kToken);
  const std::string escaped = "canary\\/credential+0123456789";
  struct Row {
    std::string echo;
    int status;
    std::string body;
  };
  const Row rows[] = {
      {"message", 400, ErrorAnswer(2001, "bad token " + token + " twice " + token)},
      {"message with an escaped slash", 400, ErrorAnswer(2001, "bad token " + escaped)},
      {"refusal", 403, ErrorAnswer(10000, "Invalid access token " + token)},
      {"success is false", 200, ErrorAnswer(9, token)},
      {"text", 200, "token " + token + " unknown"},
      {"value", 200,
       R"({"success":true,"result":{"serie_0":{},"meta":{"normalization":")" + token + R"("}}})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.echo);
    PollerFixture f([&](const Request&) { return Answer{Response(row.status, row.body)}; });
    f.RunFor(1h);
    REQUIRE(f.State().last_failure);
    const std::string detail = f.State().last_failure->detail;
    CAPTURE(detail);
    CHECK(detail.find("canary") == std::string::npos);
    CHECK(detail.find("0123456789") == std::string::npos);
    CHECK(detail.find("[redacted]") != std::string::npos);
    CHECK_FALSE(f.lines.empty());
    CHECK(f.LinesWith("canary").empty());
    CHECK(f.LinesWith("0123456789").empty());
  }
}

TEST_CASE("an excerpt that ends within the credential shows nothing of it") {
  for (std::size_t before = 0; before <= 200; ++before) {
    CAPTURE(before);
    const std::string text = std::string(before, 'x') + "canary\\/credential+0123456789";
    const std::string encoded = std::string(before, 'x') + "canary\\/credential\\u002b0123456789";
    for (const Answer& answer :
         {Answer{Response(400, ErrorAnswer(2001, text))},
          Answer{Response(400, ErrorAnswer(2001, encoded))}, Answer{Response(200, text)},
          Answer{Response(200, std::string(before, 'x') + std::string(kToken))}}) {
      PollerFixture f([&](const Request&) { return answer; });
      f.poller.RunOnce();
      CHECK(f.State().last_failure->detail.find("cana") == std::string::npos);
    }
  }
}

TEST_CASE("an excerpt in the middle of a sentence shows nothing of the credential either") {
  for (std::size_t before = 0; before <= 50; ++before) {
    CAPTURE(before);
    const std::string echo = std::string(before, 'x') + std::string(kToken);
    const std::string value =
        R"({"success":true,"result":{"serie_0":{},"meta":{"normalization":")" + echo + R"("}}})";
    const std::string code =
        R"({"success":false,"errors":[{"code":")" + echo + R"(","message":"no"}]})";
    for (const Answer& answer : {Answer{Response(200, value)}, Answer{Response(400, code)}}) {
      PollerFixture f([&](const Request&) { return answer; });
      f.poller.RunOnce();
      CAPTURE(f.State().last_failure->detail);
      CHECK(f.State().last_failure->detail.find("cana") == std::string::npos);
    }
  }
}

TEST_CASE("a token that looks like a Retry-After hides none") {
  PollerFixture f([](const Request& request) {
    if (request.number > 0) return Good(request);
    return Answer{Response(429, "", {{"retry-after", "60"}})};
  });
  f.directory.Write("token", "60");
  f.RunFor(90s);
  CHECK(f.http.requests().front().authorization == "Bearer 60");
  CHECK(f.State().success());
}

TEST_CASE("a token in a rate-limit header is on no page") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    const std::string item = '"' + std::string(kToken) + "\";r=50;t=30";
    answer.result.value().headers.emplace_back("ratelimit", item);
    answer.result.value().headers.emplace_back("ratelimit-policy",
                                               '"' + std::string(kToken) + "\";q=100;w=60");
    return answer;
  });
  f.RunFor(1min);
  REQUIRE(f.Now()->api.rate_limit.size() == 1);
  CHECK(f.Now()->api.rate_limit.begin()->first == "_redacted_");
  CHECK(f.Now()->api.rate_limit.begin()->second.remaining == 50);
}

TEST_CASE("a credential that is part of every good answer spoils none") {
  for (const char* token : {"success", "SPOOF", "red", "0"}) {
    CAPTURE(token);
    PollerFixture f([](const Request& request) {
      return request.number == 1 ? Answer{Response(422, ErrorAnswer(2002, "redacted 0 SPOOF"))}
                                 : Good(request);
    });
    f.directory.Write("token", token);
    f.http.At(5min, [&] { CHECK(f.State().success()); });
    f.RunFor(2h);
    CHECK(f.State().success());
    CHECK(f.State().failures == 1);
  }
}

// --- rate limits ---------------------------------------------------------------------------------

TEST_CASE("a 429 to a request sent before the pause does not make the pause a second one") {
  PollerFixture f(
      [](const Request& request) {
        if (request.number > 1) return Good(request);
        Answer answer = Throttled("1");
        if (request.number == 1) answer.takes = 3s;
        return answer;
      },
      kTwoQueries);
  f.RunFor(10s);
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
}

TEST_CASE("after a 429 no query is asked until the pause is over") {
  struct Row {
    std::string retry_after;
    Milliseconds pause;
    std::string date = "";
  };
  const Row rows[] = {{"120", 120s},
                      {"", 300s},
                      {"abc", 300s},
                      {"99999999999999999999", 900s},
                      {"Fri, 05 Jun 2026 12:32:00 GMT", 239s},
                      {"Fri, 05 Jun 2020 12:32:00 GMT", 1s},
                      {"Friday, 05-Jun-20 12:32:00 GMT", 120s, "Fri, 05 Jun 2020 12:30:00 GMT"}};
  for (const Row& row : rows) {
    CAPTURE(row.retry_after);
    PollerFixture f(
        [&](const Request& request) {
          return request.number == 0 ? Throttled(row.retry_after, row.date) : Good(request);
        },
        kTwoQueries, "  max_concurrency: 1\n");
    f.http.At(200ms, [&] {
      const auto snapshot = f.Now();
      REQUIRE(snapshot->api.blocked_until);
      const Milliseconds pause = snapshot->api.blocked_until->steady - FakeClock::kStart;
      CHECK(pause >= row.pause);
      CHECK(pause <= row.pause + row.pause / 20 + 1s);
      CHECK(snapshot->queries[0].last_failure->reason == FailureReason::kRateLimited);
      CHECK(*snapshot->queries[1].next_poll >= snapshot->api.blocked_until->wall);
    });
    f.RunFor(20min);
    REQUIRE(f.http.requests().size() >= 3);
    CHECK(f.http.requests()[1].at.steady >= f.Now()->api.blocked_until->steady);
    CHECK(f.http.requests()[1].at.steady <= f.Now()->api.blocked_until->steady + 1s);
    for (const QueryState& state : f.Now()->queries) CHECK(state.success());
    CHECK(f.LinesWith("rate limited by the API").size() == 1);
  }
}

TEST_CASE("pauses one after the other: the page and the log tell of the one that holds now") {
  PollerFixture f(
      [](const Request& request) {
        return request.at.wall < *ParseRfc3339("2026-06-05T14:28:00Z") ? Throttled("60")
                                                                       : Good(request);
      },
      "queries:\n  - { name: all, poll_interval: 1s }\n");
  for (Milliseconds at = 1s; at < 2h; at += 7s) {
    f.http.At(at, [&] {
      const Instant now = f.clock.Now();
      // Between the end of one and the answer that begins the next there is a moment without.
      if (f.http.in_flight() == 0) CHECK(f.Now()->api.blocked_until->steady >= now.steady);
    });
  }
  f.RunFor(3h);
  const auto told = f.LinesWith("rate limited by the API; polling paused");
  CHECK(told.size() >= 6);
  CHECK(told.size() <= 11);
  CHECK(told[0].find("holds=1") != std::string::npos);
  for (std::size_t i = 1; i < told.size(); ++i) {
    // The end that it names is ahead of the line's own time.
    const auto field = [&](const std::string& name) {
      const std::size_t at = told[i].find(name + "=") + name.size() + 1;
      return ParseRfc3339(told[i].substr(at, told[i].find(' ', at) - at));
    };
    REQUIRE(field("until"));
    CHECK(told[i].find("holds=1 ") == std::string::npos);
  }
  CHECK(f.LinesWith("rate limit lifted; polling resumed").size() == 1);
}

std::string FiftyQueries() {
  return "queries:\n  - { name: m, matrix: { dkim: [any, PASS, NONE, FAIL], "
         "dmarc: [any, PASS, NONE, FAIL], spf: [PASS, NONE, FAIL] } }\n  - name: all\n"
         "  - { name: arc, filters: { arc: PASS } }\n";
}

TEST_CASE("an API that says 429 to everything for hours is asked no more than a healthy one") {
  const WallTime over = *ParseRfc3339("2026-06-05T18:28:00Z");
  for (const char* retry_after : {"1", "5", "30", "60", "300", "900", ""}) {
    for (const bool many : {false, true}) {
      CAPTURE(retry_after);
      CAPTURE(many);
      PollerFixture f(
          [&](const Request& request) {
            return request.at.wall < over ? Throttled(retry_after) : Good(request);
          },
          many ? FiftyQueries() : "queries:\n  - name: all\n");
      f.RunFor(6h + 17min);
      std::size_t throttled = 0;
      std::optional<SteadyTime> before;
      for (const Request& request : f.http.requests()) {
        if (request.at.wall >= over) break;
        ++throttled;
        // Those of the start were under way together; later ones are probes, ever further apart.
        const Milliseconds since = request.at.steady - FakeClock::kStart;
        if (since > 2h) CHECK(request.at.steady - *before >= 900s);
        before = request.at.steady;
      }
      // 24 slots of a query in 6 hours; the ten of fifty that were under way at the start.
      CHECK(throttled <= 24 + 1 + (many ? 10 : 1));
      CHECK(throttled >= 20);
      for (const QueryState& state : f.Now()->queries) CHECK(state.success());
    }
  }
}

TEST_CASE("a pause that grows while it holds is told of with its new end") {
  PollerFixture f(
      [](const Request& request) {
        if (request.number > 1) return Good(request);
        Answer answer = Throttled(request.number == 0 ? "60" : "600");
        answer.takes = request.number == 0 ? 1s : 5s;
        return answer;
      },
      kTwoQueries);
  f.RunFor(20min);
  const auto told = f.LinesWith("rate limited by the API");
  REQUIRE(told.size() == 2);
  CHECK(told[0].find("until=2026-06-05T12:29:") != std::string::npos);
  CHECK(told[1].find("until=2026-06-05T12:38:") != std::string::npos);
}

TEST_CASE("a pause that several answers demand is told of once") {
  PollerFixture f(
      [](const Request& request) { return request.number < 2 ? Throttled("60") : Good(request); },
      kTwoQueries);
  f.RunFor(5min);
  CHECK(f.Requests().at(429) == 2);
  CHECK(f.LinesWith("rate limited by the API").size() == 1);
}

TEST_CASE("the rate limit headers are published and obeyed") {
  PollerFixture f(
      [](const Request& request) {
        Answer answer = Good(request);
        answer.result.value().headers = {
            {"ratelimit", R"("default";r=1;t=240)"},
            {"ratelimit-policy", R"("default";q=1200;w=300, "burst";q=100;w=60)"}};
        return answer;
      },
      kTwoQueries, "  max_concurrency: 1\n");
  f.http.At(1s, [&] {
    const auto& limits = f.Now()->api.rate_limit;
    REQUIRE(limits.size() == 2);
    CHECK(limits.at("default").limit == 1200);
    CHECK(limits.at("default").remaining == 1);
    CHECK(limits.at("default").reset == f.Now()->queries[0].last_success->wall + 240s);
    CHECK(limits.at("burst").limit == 100);
    CHECK_FALSE(limits.at("burst").remaining);
  });
  f.RunFor(5min);
  // One request was left for four minutes: the second query waits for half of them.
  REQUIRE(f.http.requests().size() >= 2);
  CHECK(f.http.requests()[1].at.steady - f.http.requests()[0].at.steady >= 119s);
}

TEST_CASE("rate limit policies without end do not grow the page") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    answer.result.value().headers = {
        {"ratelimit", "\"p" + std::to_string(request.number) + "\";r=900;t=60"}};
    return answer;
  });
  f.RunFor(12h);
  CHECK(f.http.requests().size() > 40);
  CHECK(f.Now()->api.rate_limit.size() == kMaxRateLimitPolicies);
}

// --- log lines -----------------------------------------------------------------------------------

TEST_CASE("one line tells that a query begins to fail and one that it is well again") {
  PollerFixture f(
      [](const Request& request) {
        const bool outage = request.at.wall < *ParseRfc3339("2026-06-05T12:38:00Z") &&
                            request.url.find("spf=FAIL") != std::string::npos;
        return outage ? Outage() : Good(request);
      },
      kTwoQueries);
  f.RunFor(1h);
  CHECK(f.Now()->queries[1].failures >= 3);
  REQUIRE(f.lines.size() == 2);
  CHECK(f.lines[0].find(R"(level=warn msg="query failed" query=b reason=server)") !=
        std::string::npos);
  CHECK(f.lines[0].find("detail=\"HTTP 503\"") != std::string::npos);
  CHECK(f.lines[1].find(R"(level=info msg="query recovered" query=b)") != std::string::npos);
}

TEST_CASE("a query that goes on failing is told of at most once in 15 minutes") {
  PollerFixture f([](const Request&) { return Outage(); });
  std::vector<Milliseconds> told;
  for (Milliseconds at = 0min; at < 6h; at += 1s) {
    f.http.At(at, [&f, &told, at] {
      if (f.lines.size() > told.size()) told.push_back(at);
    });
  }
  f.RunFor(6h);
  REQUIRE(told.size() == f.lines.size());
  CHECK(f.State().failures > 40);
  // A poll that fails is at most `retry_max` after the quarter of an hour.
  CHECK(told.size() >= 6 * 60 / 21);
  for (std::size_t i = 1; i < told.size(); ++i) CHECK(told[i] - told[i - 1] >= 15min - 1s);
}

TEST_CASE("text from upstream is one printable line in the log") {
  PollerFixture f([](const Request&) {
    return Answer{
        Response(400, R"({"errors":[{"code":1,"message":"a\nlevel=error b\u001b[31m"}]})")};
  });
  f.poller.RunOnce();
  REQUIRE(f.lines.size() == 1);
  CHECK(f.lines.front().find('\n') == std::string::npos);
  CHECK(f.lines.front().find('\x1b') == std::string::npos);
}

// --- with real connections -----------------------------------------------------------------------

// The poller on its own thread, with libcurl and the system's clock.
class LivePoller {
 public:
  explicit LivePoller(const std::string& base_url, const std::string& timeout = "20s",
                      const std::string& more = "", const std::string& queries = "{ name: all }")
      : log_(LogLevel::kDebug, LogFormat::kLogfmt, [](std::string_view) {}),
        settings_(SettingsFor(base_url, timeout, more, queries)),
        http_(MakeCurlHttpClient("radar_spoof_exporter/test",
                                 ClientOptions(settings_->config.api()))),
        store_(FirstSnapshot(settings_->config, clock_.Now().wall)),
        poller_(*std::exchange(settings_, std::nullopt), clock_, *http_, store_, log_, 1),
        thread_([this] { poller_.Run(); }) {}
  ~LivePoller() { Stop(); }
  LivePoller(const LivePoller&) = delete;
  LivePoller& operator=(const LivePoller&) = delete;

  // How long it took.
  Milliseconds Stop() {
    const SteadyTime began = clock_.Now().steady;
    poller_.Stop();
    if (thread_.joinable()) thread_.join();
    return clock_.Now().steady - began;
  }
  void Reconfigure(const std::string& base_url) {
    poller_.Reconfigure(SettingsFor(base_url, "20s", "", "{ name: all }"));
  }
  // Blocks until `is` holds for the snapshot, at most 15 s; false then.
  bool Await(const std::function<bool(const Snapshot&)>& is) const {
    const SteadyTime deadline = clock_.Now().steady + 15s;
    while (!is(*store_.Load())) {
      if (clock_.Now().steady > deadline) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  QueryState State() const { return store_.Load()->queries.front(); }

 private:
  Settings SettingsFor(const std::string& base_url, const std::string& timeout,
                       const std::string& more, const std::string& queries) {
    return SettingsOf("api: { base_url: '" + base_url + "', timeout: " + timeout +
                      ", token_file: '" + directory_.Write("token", kToken) + "'" + more +
                      " }\nqueries: [ " + queries + " ]\n");
  }

  TemporaryDirectory directory_;
  SystemClock clock_;
  Log log_;
  std::optional<Settings> settings_;
  std::unique_ptr<HttpClient> http_;
  SnapshotStore store_;
  Poller poller_;
  std::thread thread_;
};

// Under the names that the request asks for.
std::string Live(const std::string& request) {
  const WallTime reach = FloorTo(SystemClock().Now().wall - 1min, 15min);
  return HttpReply(WithNames(GoodAnswer(reach, AggInterval::k15m, 30), request));
}

bool AnswerOneWell(Connection& connection) {
  const std::string request = connection.ReadRequest();
  return !request.empty() && connection.Send(Live(request));
}

void AnswerWell(Connection& connection) {
  while (AnswerOneWell(connection)) {
  }
}

TEST_CASE("stopping does not wait for an upstream that stalls, in any phase") {
  const MisbehavingServer::Script scripts[] = {
      [](Connection& connection) { connection.Stall(); },
      ReplyThenStall(""),
      ReplyThenStall("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
  };
  for (const auto& script : scripts) {
    MisbehavingServer server(script);
    LivePoller poller(server.Url(""));
    while (server.Connections() == 0) std::this_thread::sleep_for(1ms);
    CHECK(poller.Stop() < 500ms);
  }
}

TEST_CASE("stopping ends an idle poller, too") {
  MisbehavingServer server(AnswerWell);
  LivePoller poller(server.Url(""));
  CHECK(poller.Await([](const Snapshot& now) { return now.queries.front().success(); }));
  CHECK(poller.Stop() < 500ms);
}

TEST_CASE("a reload does not wait for an upstream that stalls") {
  MisbehavingServer stalled(ReplyThenStall(""));
  MisbehavingServer well(AnswerWell);
  LivePoller poller(stalled.Url(""));
  CHECK(stalled.AwaitRequests(1));
  poller.Reconfigure(well.Url(""));
  CHECK(poller.Await([](const Snapshot& now) { return now.queries.front().success(); }));
  CHECK(poller.State().polls == 1);
}

TEST_CASE("a fault on the wire is survived: the quick retry recovers and nothing leaks") {
  const auto reset = [](Connection& connection) {
    connection.ReadRequest();
    connection.Reset();
  };
  const MisbehavingServer::Script faults[] = {
      reset,
      ReplyThenStall("HTTP/1.1 200 OK\r\n"),
      Reply(HttpReply("", "", "503 Unavailable")),
      Reply(HttpReply("not gzip", "Content-Encoding: gzip\r\n")),
      Reply("HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n{}"),
      Reply("HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 2\r\n\r\n{}"),
      Reply(HttpReply("{\"success\":tru")),
  };
  const auto well_again = [](std::uint64_t polls) {
    return [polls](const Snapshot& now) {
      const QueryState& state = now.queries.front();
      return state.success() && state.polls >= polls;
    };
  };
  for (const auto& fault : faults) {
    MisbehavingServer server(std::vector{fault, MisbehavingServer::Script(AnswerWell)});
    LivePoller poller(server.Url(""), "1s");
    CHECK(poller.Await(well_again(2)));
    CHECK(poller.State().failures == 1);
    CHECK(poller.State().polls == 2);
  }
  // After a good answer, on its connection; libcurl repeats what was reset there.
  std::vector<std::unique_ptr<MisbehavingServer>> servers;
  std::vector<std::unique_ptr<LivePoller>> pollers;
  for (const auto& fault : faults) {
    const MisbehavingServer::Script good_then_fault = [&fault](Connection& connection) {
      AnswerOneWell(connection);
      fault(connection);
    };
    servers.push_back(std::make_unique<MisbehavingServer>(
        std::vector{good_then_fault, fault, MisbehavingServer::Script(AnswerWell)}));
    pollers.push_back(std::make_unique<LivePoller>(servers.back()->Url(""), "1s", "",
                                                   "{ name: all, poll_interval: 1s }"));
  }
  for (const auto& poller : pollers) {
    CHECK(poller->Await([](const Snapshot& now) { return now.queries.front().failures >= 1; }));
    CHECK(poller->Await(well_again(3)));
    CHECK(poller->State().failures <= 2);
  }
}

TEST_CASE("a server that closes without an answer to several series is asked for fewer") {
  MisbehavingServer server([](Connection& connection) {
    const std::string request = connection.ReadRequest();
    if (request.find("name=s1_") == std::string::npos) connection.Send(Live(request));
  });
  LivePoller poller(server.Url(""), "5s", ", max_series_per_request: 10",
                    "{ name: m, matrix: { spf: [PASS, NONE, FAIL] } }");
  CHECK(poller.Await([](const Snapshot& now) {
    return std::all_of(now.queries.begin(), now.queries.end(), std::mem_fn(&QueryState::success));
  }));
}

TEST_CASE("a redirect takes no token anywhere") {
  MisbehavingServer elsewhere(AnswerWell);
  MisbehavingServer server(
      Reply(HttpReply("", "Location: " + elsewhere.Url("/x") + "\r\n", "302 Found")));
  LivePoller poller(server.Url(""));
  CHECK(poller.Await([](const Snapshot& now) { return now.queries.front().tried(); }));
  CHECK(poller.State().last_failure->reason == FailureReason::kRejected);
  poller.Stop();
  CHECK(elsewhere.Connections() == 0);
}

TEST_CASE("connections are kept from pass to pass, and are at most as many as requests in flight") {
  MisbehavingServer server(AnswerWell);
  LivePoller poller(server.Url(""), "20s", ", max_concurrency: 3, rate_limit: 1000000",
                    "{ name: m, poll_interval: 1s, matrix: { dmarc: [any, PASS, NONE, FAIL], "
                    "spf: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL] } }");
  CHECK(poller.Await([](const Snapshot& now) {
    return std::all_of(now.queries.begin(), now.queries.end(),
                       [](const QueryState& state) { return state.polls >= 3; });
  }));
  CHECK(server.Requests().size() >= 3 * 64);
  CHECK(server.Connections() == 3);
}

// --- with the simulator --------------------------------------------------------------------------

const std::string kManyQueries =
    "queries:\n  - name: all\n"
    "  - { name: dmarc, filters: { dmarc: FAIL }, agg_interval: 1h, date_range: 7d, "
    "poll_interval: 15m, control: true }\n"
    "  - { name: auth, agg_interval: 1d, date_range: 28d, "
    "matrix: { dmarc: [PASS, FAIL], spf: [PASS, FAIL, any] } }\n";

TEST_CASE("two calm days of the simulated API are polled without one failure") {
  SimulatedFixture f(kManyQueries);
  f.RunFor(48h);
  CHECK(AllSucceed(*f.Now()));
  for (const QueryState& state : f.Now()->queries) CHECK(state.failures == 0);
  CHECK(f.lines.empty());
  CHECK(f.Now()->queries[1].sample->control);
  CHECK(f.Now()->queries[0].sample->window);
  const WallTime newest = *f.Now()->queries[0].sample->bucket_start;
  CHECK(f.clock.Now().wall - newest < 1h);
  CHECK(f.Now()->api.rate_limit.size() >= 1);
}

TEST_CASE("each scenario fails in its own way, and calm brings every query back") {
  using simulator::Scenario;
  struct Row {
    Scenario scenario;
    FailureReason reason;
    Milliseconds recovery;
  };
  const Row rows[] = {{Scenario::kOutage, FailureReason::kServer, 10min},
                      {Scenario::kRateLimited, FailureReason::kRateLimited, 10min},
                      {Scenario::kUnauthorized, FailureReason::kUnauthorized, 16min}};
  for (const Row& row : rows) {
    CAPTURE(Name(row.reason));
    SimulatedFixture f(kManyQueries);
    std::vector<WallTime> before;
    f.http.At(5min, [&] {
      CHECK(AllSucceed(*f.Now()));
      for (const auto& state : f.Now()->queries) before.push_back(state.last_success->wall);
      f.api->simulator.Switch(row.scenario);
    });
    f.http.At(2h, [&] {
      const QueryState& state = f.Now()->queries[0];
      CHECK_FALSE(state.success());
      CHECK(state.sample);
      CHECK(state.last_success->wall - before[0] < 15min);
      CHECK(state.last_failure->reason == row.reason);
      CHECK_FALSE(f.Now()->api.up);
      f.api->simulator.Switch(Scenario::kCalm);
    });
    f.RunFor(2h + row.recovery);
    CHECK(AllSucceed(*f.Now()));
    CHECK(f.Now()->api.up);
    CHECK(f.LinesWith("query recovered").size() >= 2);
  }
}

// 90 requests in 5 minutes, were it not for the API.
const std::string kHungryQueries =
    "queries:\n  - { name: q, poll_interval: 20s, "
    "matrix: { dmarc: [PASS, FAIL], spf: [PASS, FAIL, any] } }\n";

TEST_CASE("an API that allows less than we would ask is never asked past it") {
  SimulatedFixture f(kHungryQueries, "", 60);
  f.RunFor(3h);
  const auto requests = f.Requests();
  CHECK(requests.size() == 1);
  CHECK(requests.at(200) == f.http.requests().size());
  // Nor is what it allows left unused.
  CHECK(requests.at(200) > 36 * 40);
  CHECK(AllSucceed(*f.Now()));
}

TEST_CASE("when others of the same user overrun the API's limit, its block is waited out") {
  SimulatedFixture f(kHungryQueries);
  SteadyTime blocked{};
  f.http.At(11min, [&] {
    for (int call = 0; call <= 1200; ++call) {
      (void)f.api->simulator.Handle({"GET", "/client/v4/user", {}, {}});
    }
    blocked = f.clock.Now().steady;
  });
  f.RunFor(30min);
  std::vector<Milliseconds> after;
  for (const Request& request : f.http.requests()) {
    if (request.at.steady >= blocked) after.push_back(request.at.steady - blocked);
  }
  // The one that is told, and perhaps some that were on their way with it.
  const std::uint64_t told = f.Requests().at(429);
  CHECK(told >= 1);
  CHECK(told <= 6);
  REQUIRE(after.size() > told);
  CHECK(after[told - 1] < 25s);
  CHECK(after[told] >= 5min);
  CHECK(after[told] < 6min);
  CHECK(AllSucceed(*f.Now()));
  CHECK(f.LinesWith("rate limited by the API").size() == 1);
}

}  // namespace
}  // namespace radar_spoof::test
