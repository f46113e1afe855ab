#include "radar_spoof/poll/poller.h"

#include <set>

#include <doctest/doctest.h>

#include "support/poller_fixture.h"

namespace radar_spoof::test {
namespace {

using Request = PollerFixture::Request;
using Answer = PollerFixture::Answer;

bool AsksFor(const Request& request, std::string_view part) {
  return request.url.find(part) != std::string::npos;
}

Answer NotFound(int status = 404) { return {Response(status, ErrorAnswer(7003, "No route"))}; }

// --- what is published ---------------------------------------------------------------------------

TEST_CASE("before the first answer nothing is claimed") {
  PollerFixture f([](const Request& request) { return Good(request); });
  CHECK_FALSE(f.State().tried());
  CHECK_FALSE(f.State().sample);
  CHECK(f.State().next_poll == f.clock.Now().wall);
  CHECK_FALSE(f.Now()->api.up);
  CHECK(f.Requests().empty());
}

TEST_CASE("a good poll publishes what its answer says") {
  PollerFixture f([](const Request& request) { return Good(request, 37.25); });
  f.RunFor(1min);
  const QueryState state = f.State();
  REQUIRE(state.sample);
  CHECK(state.sample->spoof.value() == doctest::Approx(0.3725));
  CHECK(state.sample->not_spoof.value() == doctest::Approx(0.6275));
  CHECK(state.sample->bucket_start == ParseRfc3339("2026-06-05T12:00:00Z"));
  CHECK(state.sample->last_updated == ParseRfc3339("2026-06-05T12:15:00Z"));
  CHECK(state.success());
  CHECK(state.polls == 1);
  CHECK(state.failures == 0);
  REQUIRE(state.last_success);
  CHECK(state.last_success->wall == *ParseRfc3339("2026-06-05T12:28:00Z") + 100ms);
  CHECK(*state.next_poll > f.clock.Now().wall);
  CHECK(f.Now()->api.up);
  CHECK(f.lines.empty());
}

TEST_CASE("a query whose newest buckets hold no mail is asked no more often than any other") {
  std::size_t requests[2] = {};
  for (const bool quiet : {false, true}) {
    PollerFixture f([quiet](const Request& request) {
      Answer answer = Good(request, 30);
      std::string& body = answer.result.value().body;
      // From one o'clock on there is no mail.
      if (!quiet || request.at.wall < *ParseRfc3339("2026-06-05T13:20:00Z")) return answer;
      for (const std::string value : {R"("20","30.0000")", R"("80","70.0000")"}) {
        body.replace(body.find(value), value.size(), R"("0.0","0.0")");
      }
      return answer;
    });
    f.RunFor(4h);
    CHECK(f.State().success());
    CHECK(f.State().failures == 0);
    CHECK(f.State().sample->spoof.value() == doctest::Approx(quiet ? 0.1 : 0.3));
    requests[quiet ? 1 : 0] = f.http.requests().size();
  }
  CHECK(requests[0] == requests[1]);
}

TEST_CASE("while a query fails, the last good answer is kept and told apart; then it recovers") {
  PollerFixture f([](const Request& request) {
    const bool outage = request.at.wall >= *ParseRfc3339("2026-06-05T12:35:00Z") &&
                        request.at.wall < *ParseRfc3339("2026-06-05T13:20:00Z");
    return outage ? Outage() : Good(request, request.number == 0 ? 30 : 40);
  });
  std::optional<QueryState> good;
  f.http.At(5min, [&] { good = f.State(); });
  f.http.At(50min, [&] {
    const QueryState state = f.State();
    CHECK_FALSE(state.success());
    REQUIRE(state.sample);
    CHECK(state.sample->spoof == good->sample->spoof);
    CHECK(state.sample->bucket_start == good->sample->bucket_start);
    CHECK(state.last_success->wall == good->last_success->wall);
    REQUIRE(state.last_failure);
    CHECK(state.last_failure->reason == FailureReason::kServer);
    CHECK(state.failures == state.polls - 1);
    CHECK(state.failures >= 3);
    CHECK_FALSE(f.Now()->api.up);
    CHECK(f.Failures(FailureReason::kServer) == state.failures);
    CHECK(f.Requests().at(503) == state.failures);
  });
  f.RunFor(90min);
  const QueryState state = f.State();
  CHECK(state.success());
  CHECK_FALSE(state.last_failure);
  CHECK(state.sample->spoof.value() == doctest::Approx(0.4));
  CHECK(state.last_success->wall > *ParseRfc3339("2026-06-05T13:20:00Z"));
  CHECK(state.failures < state.polls);
  CHECK(f.Now()->api.up);
}

TEST_CASE("every snapshot is of one answer, at every moment of a day") {
  // Every value of the n-th answer is made from n, so that a mixture would show.
  PollerFixture f([](const Request& request) {
    if (request.number % 7 == 6) return Outage();
    return Good(request, static_cast<double>(request.number % 50));
  });
  int checked = 0;
  for (Milliseconds at = 1min; at < 24h; at += 1min) {
    f.http.At(at, [&] {
      const auto snapshot = f.Now();
      const QueryState& state = snapshot->queries.front();
      const SpoofSample& sample = *state.sample;
      CHECK(sample.spoof.value() + sample.not_spoof.value() == doctest::Approx(1));
      CHECK(*sample.bucket_start + 15min == sample.last_updated);
      CHECK(sample.last_updated == FloorTo(state.last_success->wall - 5min, 15min));
      CHECK(state.success() == snapshot->api.up);
      std::uint64_t failures = 0;
      for (const FailureReason reason : kAllFailureReasons) failures += f.Failures(reason);
      CHECK(failures == state.failures);
      ++checked;
    });
  }
  f.RunFor(24h);
  CHECK(checked == 24 * 60 - 1);
  CHECK(f.State().polls >= 96);
}

TEST_CASE("at level debug each request is told of, and how it ended") {
  PollerFixture f(
      [](const Request& request) { return request.number == 0 ? Outage() : Good(request); });
  f.RunFor(3s);
  REQUIRE(f.debug_lines.size() == 2);
  CHECK(f.debug_lines[0].find(R"(msg="answered" query=all queries=1 status=503 milliseconds=100)"
                              " outcome=server") != std::string::npos);
  CHECK(f.debug_lines[1].find("status=200 milliseconds=100 outcome=good") != std::string::npos);
}

TEST_CASE("requests are counted by code, failures by reason, and all are timed") {
  struct Row {
    std::string fault;
    std::function<Result<HttpResponse, Failure>()> answer;
    int code;
    FailureReason reason;
  };
  const Row rows[] = {
      {"no answer", [] { return Failure(FailureReason::kDns, "no such host"); }, 0,
       FailureReason::kDns},
      {"timeout", [] { return Failure(FailureReason::kTimeout, "too slow"); }, 0,
       FailureReason::kTimeout},
      {"outage", [] { return Response(503, ""); }, 503, FailureReason::kServer},
      {"rejected", [] { return Response(422, ErrorAnswer(2002, "no")); }, 422,
       FailureReason::kRejected},
      {"redirect", [] { return Response(302, ""); }, 302, FailureReason::kRejected},
      {"no JSON", [] { return Response(200, "<html>"); }, 200, FailureReason::kParse},
      {"no success", [] { return Response(200, ErrorAnswer(1, "no")); }, 200,
       FailureReason::kApiError},
      {"not valid", [] { return Response(200, R"({"success":true,"result":{}})"); }, 200,
       FailureReason::kValidation},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fault);
    PollerFixture f([&](const Request&) { return Answer{row.answer(), 300ms}; });
    f.poller.RunOnce();
    const auto snapshot = f.Now();
    CHECK(f.Requests() == std::map<int, std::uint64_t>{{row.code, 1}});
    for (const FailureReason reason : kAllFailureReasons) {
      CAPTURE(Name(reason));
      CHECK(f.Failures(reason) == (reason == row.reason ? 1 : 0));
    }
    const auto durations = DurationsOf(f.poller.metrics());
    CHECK(durations.sample_count == 1);
    CHECK(durations.bucket.at(3).cumulative_count == 0);
    CHECK(durations.bucket.at(4).cumulative_count == 1);
    CHECK(durations.sample_sum == doctest::Approx(0.3));
    CHECK_FALSE(snapshot->api.up);
  }
}

TEST_CASE("one slow query delays no other, and no query is asked twice at once") {
  PollerFixture f(
      [](const Request& request) {
        Answer answer = Good(request);
        if (AsksFor(request, "spf=FAIL")) answer.takes = 2h;
        return answer;
      },
      kTwoQueries);
  f.RunFor(100min);
  CHECK(f.Now()->queries[0].polls >= 6);
  CHECK_FALSE(f.Now()->queries[1].tried());
  CHECK(f.http.most_in_flight() == 2);
}

TEST_CASE("no more transfers are in flight than allowed") {
  std::string queries = "queries:\n";
  for (const char* value : {"PASS", "NONE", "FAIL"}) {
    for (const char* dimension : {"arc", "dkim", "dmarc", "spf"}) {
      queries += std::string("  - { name: ") + dimension + value + ", filters: { " + dimension +
                 ": " + value + " } }\n";
    }
  }
  PollerFixture f([](const Request& request) { return Good(request); }, queries,
                  "  max_concurrency: 3\n");
  f.RunFor(1h);
  CHECK(f.http.most_in_flight() == 3);
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
}

// --- the other path ------------------------------------------------------------------------------

TEST_CASE("a path that is gone is replaced by the other one, within the poll and for good") {
  struct Row {
    int status;
    std::string configured;
    std::string other;
  };
  const std::string path = "/radar/email/security/timeseries_groups/";
  const Row rows[] = {{404, path + "spoof", path + "SPOOF"},
                      {410, path + "spoof", path + "SPOOF"},
                      {404, path + "SPOOF", path + "spoof"}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.configured);
    PollerFixture f(
        [&](const Request& request) {
          return AsksFor(request, row.other + "?") ? Good(request) : NotFound(row.status);
        },
        "queries:\n  - name: all\n", "  path: " + row.configured + "\n");
    CHECK(f.Now()->api.path == row.configured);
    f.http.At(10s, [&] {
      CHECK(f.State().success());
      CHECK(f.State().polls == 1);
      CHECK(f.State().failures == 0);
      CHECK(f.http.requests().size() == 2);
      CHECK(f.Now()->api.path == row.other);
    });
    f.RunFor(3h);
    CHECK(f.Requests().at(row.status) == 1);
    CHECK(f.Requests().at(200) >= 12);
    REQUIRE(f.lines.size() == 1);
    CHECK(f.lines.front().find(row.other) != std::string::npos);
    CHECK(f.lines.front().find("level=warn") != std::string::npos);
  }
}

TEST_CASE("queries that find the path gone together change over once") {
  PollerFixture f(
      [](const Request& request) {
        return AsksFor(request, "/SPOOF?") ? Good(request) : NotFound();
      },
      kTwoQueries);
  f.RunFor(1h);
  for (const QueryState& state : f.Now()->queries) {
    CHECK(state.success());
    CHECK(state.failures == 0);
  }
  CHECK(f.Requests().at(404) == 2);
  CHECK(f.lines.size() == 1);
}

TEST_CASE("a late answer over the path that is gone does not bring it back") {
  PollerFixture f(
      [](const Request& request) {
        if (AsksFor(request, "/SPOOF?")) return Good(request);
        if (!AsksFor(request, "spf=FAIL")) return NotFound();
        Answer late = Good(request);
        late.takes = 5s;
        return late;
      },
      kTwoQueries);
  f.RunFor(1h);
  CHECK(f.Now()->api.path.ends_with("/SPOOF"));
  CHECK(f.Requests().at(404) == 1);
  CHECK(f.LinesWith("configured path").size() == 1);
}

TEST_CASE("when both paths are gone, the poll fails and the configured one stays in use") {
  PollerFixture f([](const Request&) { return NotFound(); });
  f.http.At(10s, [&] {
    CHECK(f.http.requests().size() == 2);
    CHECK(f.State().polls == 1);
    CHECK(f.State().last_failure->reason == FailureReason::kNotFound);
    CHECK(f.Now()->api.path.ends_with("/spoof"));
  });
  f.RunFor(1h);
  CHECK(f.Now()->api.path.ends_with("/spoof"));
  CHECK(f.http.requests().size() == 2 * f.State().polls);
  CHECK(f.LinesWith("configured path").empty());
}

TEST_CASE("a path of another form has no other to fall back to") {
  PollerFixture f([](const Request&) { return NotFound(); }, "queries:\n  - name: all\n",
                  "  path: /radar/email/summary\n");
  CHECK_FALSE(f.poller.RunOnce());
  CHECK(f.http.requests().size() == 1);
  CHECK(f.State().last_failure->reason == FailureReason::kNotFound);
}

TEST_CASE("without room in the budget the other path is tried as soon as there is") {
  PollerFixture f(
      [](const Request& request) {
        return AsksFor(request, "/SPOOF?") ? Good(request) : NotFound();
      },
      "queries:\n  - name: all\n", "  rate_limit: 3\n");
  // A request fits every 100 s; the next slot of the query is after 4 minutes.
  f.RunFor(3min);
  CHECK(f.State().success());
  CHECK(f.State().failures == 1);
  CHECK(f.Now()->api.path.ends_with("/SPOOF"));
}

// --- reload --------------------------------------------------------------------------------------

TEST_CASE("a reload keeps what is unchanged, drops what is gone and asks what is new") {
  PollerFixture f([](const Request& request) { return Good(request); }, kTwoQueries);
  std::optional<QueryState> before;
  f.http.At(50min, [&] {
    before = f.Now()->queries[0];
    f.Reconfigure(
        "queries:\n  - { name: c, filters: { arc: PASS } }\n  - name: a\n"
        "  - { name: d, agg_interval: 1h, date_range: 7d }\n");
  });
  f.http.At(50min + 1ms, [&] {
    const auto snapshot = f.Now();
    REQUIRE(snapshot->queries.size() == 3);
    CHECK(snapshot->queries[0].query.name == "c");
    CHECK_FALSE(snapshot->queries[0].tried());
    const QueryState& kept = snapshot->queries[1];
    CHECK(kept.query.name == "a");
    CHECK(kept.polls == before->polls);
    CHECK(kept.sample->spoof == before->sample->spoof);
    CHECK(kept.last_success->wall == before->last_success->wall);
    CHECK(kept.next_poll == before->next_poll);
    CHECK(f.Requests().at(200) == f.http.requests().size() - 2);
  });
  f.http.At(51min, [&] {
    CHECK(f.Now()->queries[0].success());
    CHECK(f.Now()->queries[1].polls == before->polls);
    CHECK(f.Now()->queries[2].success());
    CHECK(f.Now()->queries[2].sample->bucket_start == ParseRfc3339("2026-06-05T12:00:00Z"));
  });
  f.RunFor(2h);
  CHECK(f.Now()->queries[1].polls > before->polls);
}

TEST_CASE("a reload that changes whom a spike concerns says so at once, and asks nothing") {
  PollerFixture f([](const Request& request) { return Good(request); });
  const auto stays = [&f](std::uint64_t polls) {
    REQUIRE(f.State().sample);
    CHECK(f.State().polls == polls);
    CHECK(f.State().success());
  };
  std::uint64_t polls = 0;
  f.http.At(20min, [&] {
    polls = f.State().polls;
    f.Reconfigure("queries: [{name: all, alert: ticket, labels: {team: mail}}]\n");
  });
  f.http.At(20min + 1ms, [&] {
    stays(polls);
    CHECK(f.State().query.alert.severity == AlertSeverity::kWarning);
    CHECK(f.State().query.alert.labels == std::vector<StaticLabel>{{"team", "mail"}});
  });
  f.http.At(20min + 2s, [&] { stays(polls); });
  f.RunFor(21min);
}

TEST_CASE("a reload that changes when a bucket is far above asks at once, and keeps the values") {
  PollerFixture f([](const Request& request) { return Good(request); });
  std::uint64_t polls = 0;
  f.http.At(20min, [&] {
    polls = f.State().polls;
    f.Reconfigure("queries: [{name: all, expected: {floor: 0.9}}]\n");
  });
  f.http.At(20min + 1ms, [&] {
    REQUIRE(f.State().sample);
    CHECK(f.State().polls == polls);
  });
  f.RunFor(20min + 2s);
  CHECK(f.State().polls == polls + 1);
}

TEST_CASE("a query that means something else now begins anew under its old name") {
  PollerFixture f([](const Request& request) { return Good(request); });
  f.http.At(20min, [&] { f.Reconfigure("queries:\n  - { name: all, filters: { spf: FAIL } }\n"); });
  f.http.At(20min + 1ms, [&] {
    CHECK_FALSE(f.State().tried());
    CHECK_FALSE(f.State().sample);
  });
  f.RunFor(20min + 1s);
  CHECK(f.State().polls == 1);
  CHECK(AsksFor(f.http.requests().back(), "spf=FAIL"));
}

TEST_CASE("what is in flight during a reload is asked again") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    if (request.number == 0) answer.takes = 20s;
    return answer;
  });
  f.http.At(5s, [&] { f.Reconfigure("queries:\n  - name: all\n", "  timeout: 7s\n"); });
  f.http.At(6s, [&] {
    CHECK(f.http.requests().size() == 2);
    CHECK(f.State().polls == 1);
    CHECK(f.State().success());
  });
  f.RunFor(1min);
  CHECK(f.http.requests().size() == 2);
  REQUIRE(f.http.configured().size() == 1);
  CHECK(f.http.configured().front().timeout == 7s);
}

TEST_CASE("a request given up for a reload was one without an answer") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    if (request.number == 0) answer.takes = 20s;
    return answer;
  });
  f.http.At(5s, [&] { f.Reconfigure("queries:\n  - name: all\n", "  timeout: 7s\n"); });
  f.RunFor(1min);
  CHECK(f.Requests().at(0) == 1);
  CHECK(f.Requests().at(200) == 1);
}

TEST_CASE("a reload that changes nothing lets what is in flight go on") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    answer.takes = 10s;
    return answer;
  });
  for (const Milliseconds at : {1s, 3s, 5s, 7s, 9s}) {
    f.http.At(at, [&] { f.Reconfigure("queries:\n  - name: all\n"); });
  }
  f.http.At(9500ms, [&] {
    CHECK(f.Now()->reload.successful);
    CHECK(f.Now()->reload.last_success == f.clock.Now().wall - 500ms);
  });
  f.RunFor(11s);
  CHECK(f.http.requests().size() == 1);
  CHECK(f.State().success());
}

TEST_CASE("numbers of one API are never shown as another's") {
  PollerFixture f([](const Request& request) {
    if (request.url.starts_with("http://127.0.0.1:2/")) return Outage();
    return Good(request);
  });
  f.http.At(1min, [&] {
    CHECK(f.State().success());
    f.poller.Reconfigure(SettingsOf("api: { base_url: 'http://127.0.0.1:2/v4', token_file: '" +
                                    f.token_file + "' }\nqueries: [ { name: all } ]\n"));
  });
  f.http.At(1min + 50ms, [&] {
    CHECK_FALSE(f.State().sample);
    CHECK_FALSE(f.State().last_success);
    CHECK_FALSE(f.Now()->api.up);
    CHECK(f.http.requests().size() == 2);
  });
  f.RunFor(2min);
  CHECK(f.State().failures > 0);
  CHECK_FALSE(f.State().sample);
}

TEST_CASE("another path is another API: neither values nor limits of the old one stay") {
  const std::string queries = "queries:\n  - name: all\n";
  const auto answers = [](const Request& request) {
    if (request.number == 1) {
      return Answer{Response(429, ErrorAnswer(1015, "slow"), {{"retry-after", "900"}})};
    }
    Answer answer = Good(request);
    answer.result.value().headers = {{"ratelimit", R"("default";r=1;t=900)"}};
    return answer;
  };
  // The second poll, after some 6 minutes, is told to wait for 900 s.
  struct Row {
    std::string path;
    bool same;
  };
  for (const Row& row : {Row{"/radar/email/other/spoof", false},
                         Row{"/radar/email/security/timeseries_groups/SPOOF", true},
                         Row{"/radar/email/security/timeseries_groups/spoof", true}}) {
    CAPTURE(row.path);
    PollerFixture f(answers, queries);
    f.http.At(20min, [&] {
      REQUIRE(f.http.requests().size() == 2);
      REQUIRE(f.Now()->api.blocked_until->steady > f.clock.Now().steady);
      f.Reconfigure(queries, "  path: " + row.path + "\n  timeout: 9s\n");
    });
    f.http.At(20min + 50ms, [&] {
      CHECK(f.State().sample.has_value() == row.same);
      CHECK(f.Now()->api.asked == row.same);
      CHECK(f.Now()->api.rate_limit.empty() == !row.same);
      CHECK(f.Now()->api.blocked_until.has_value() == row.same);
      CHECK(f.http.requests().size() == (row.same ? 2 : 3));
    });
    f.RunFor(21min);
  }
}

TEST_CASE("what failed is asked at once when a reload changes what it may have failed by") {
  const std::string queries = "queries:\n  - name: all\n";
  const Failure failures[] = {{FailureReason::kTls, "not trusted"},
                              {FailureReason::kConnect, "refused"},
                              {FailureReason::kTimeout, "too slow"}};
  for (const Failure& failure : failures) {
    for (const char* changed : {"  timeout: 9s\n", "  proxy: http://127.0.0.1:3128\n",
                                "  path: /radar/email/security/timeseries_groups/SPOOF\n"}) {
      CAPTURE(Name(failure.reason));
      CAPTURE(changed);
      bool mended = false;
      PollerFixture f(
          [&](const Request& request) { return mended ? Good(request) : Answer{failure}; },
          queries);
      f.http.At(20min, [&] {
        CHECK_FALSE(f.State().success());
        mended = true;
        f.Reconfigure(queries, changed);
      });
      f.http.At(20min + 1s, [&] { CHECK(f.State().success()); });
      f.RunFor(21min);
    }
  }
}

TEST_CASE("a reload after ca_file was written again asks what failed at once") {
  const std::string queries = "queries:\n  - name: all\n";
  PollerFixture* running = nullptr;
  const auto settings = [&] {
    const std::string file = running->directory.Path("config.yaml");
    running->directory.Write("config.yaml",
                             ConfigText(running->directory, queries,
                                        "  ca_file: " + running->directory.Path("ca.pem") + "\n"));
    auto config = LoadConfig(file);
    REQUIRE(config);
    CredentialReader reader(config.value().api().credentials,
                            [](const std::string&) { return std::nullopt; });
    auto reading = reader.Read();
    return Settings{std::move(config).value(), std::move(reader), reading.value().credentials};
  };
  bool mended = false;
  PollerFixture f(
      [&](const Request& request) {
        return mended ? Good(request) : Answer{Failure(FailureReason::kTls, "not trusted")};
      },
      queries);
  running = &f;
  f.directory.Write("ca.pem", "-----BEGIN CERTIFICATE-----\nold\n");
  f.http.At(1min, [&] { f.poller.Reconfigure(settings()); });
  std::size_t asked = 0;
  f.http.At(20min, [&] {
    asked = f.http.requests().size();
    f.poller.Reconfigure(settings());
  });
  f.http.At(21min, [&] {
    CHECK(f.http.requests().size() == asked);
    mended = true;
    f.directory.Write("ca.pem", "-----BEGIN CERTIFICATE-----\nnew\n");
    f.poller.Reconfigure(settings());
  });
  f.http.At(21min + 1s, [&] { CHECK(f.State().success()); });
  f.RunFor(22min);
}

TEST_CASE("reloads again and again are no way to hammer") {
  const std::string queries = "queries:\n  - name: all\n";
  const auto requests = [&](const Answer& answer, bool reload) {
    PollerFixture f([&](const Request&) { return answer; }, queries);
    for (Milliseconds at = 1min; reload && at < 14min; at += 5s) {
      f.http.At(at, [&] { f.Reconfigure(queries); });
    }
    f.RunFor(14min);
    return f.http.requests().size();
  };
  const Answer throttled{Response(429, ErrorAnswer(1015, "slow"), {{"retry-after", "900"}})};
  const Answer busy{Response(503, "busy", {{"retry-after", "900"}})};
  for (const Answer& answer : {throttled, busy, Outage(), NotFound(400)}) {
    CHECK(requests(answer, true) == requests(answer, false));
  }
  // A hold is kept though the options change.
  for (const Answer& answer : {throttled, busy}) {
    PollerFixture f([&](const Request&) { return answer; }, queries);
    for (int i = 0; i < 100; ++i) {
      f.http.At(1min + i * 5s, [&f, i, &queries] {
        f.Reconfigure(queries, "  timeout: " + std::to_string(5 + i % 2) + "s\n");
      });
    }
    f.RunFor(14min);
    CHECK(f.http.requests().size() == 1);
  }
}

TEST_CASE("a reload of the API's address is followed by the next request") {
  PollerFixture f([](const Request& request) { return Good(request); });
  f.http.At(1min, [&] {
    f.poller.Reconfigure(SettingsOf("api: { base_url: 'http://127.0.0.1:2/v5', token_file: '" +
                                    f.token_file +
                                    "', path: /radar/other }\nqueries: [ { name: all } ]\n"));
  });
  f.RunFor(20min);
  CHECK(f.http.requests().back().url.starts_with("http://127.0.0.1:2/v5/radar/other?"));
  CHECK(f.Now()->api.host == "127.0.0.1:2");
  CHECK(f.Now()->api.path == "/radar/other");
  CHECK(f.http.requests()[1].at.steady - FakeClock::kStart < 1min + 1s);
}

TEST_CASE("the fate of the last reload is published") {
  PollerFixture f([](const Request& request) { return Good(request); });
  const WallTime started = f.clock.Now().wall;
  CHECK(f.Now()->reload.successful);
  CHECK(f.Now()->reload.last_success == started);
  f.http.At(1min, [&] { f.poller.NoteFailedReload(); });
  f.http.At(1min + 1ms, [&] {
    CHECK_FALSE(f.Now()->reload.successful);
    CHECK(f.Now()->reload.last_success == started);
  });
  f.http.At(2min, [&] { f.Reconfigure("queries:\n  - name: all\n"); });
  f.RunFor(3min);
  CHECK(f.Now()->reload.successful);
  CHECK(f.Now()->reload.last_success == started + 2min);
}

// --- an answer belongs to its request ------------------------------------------------------------

TEST_CASE("every request names its series anew") {
  PollerFixture f([](const Request& request) { return Good(request); }, kTwoQueries);
  f.RunFor(24h);
  std::set<std::string> names;
  for (const Request& request : f.http.requests()) {
    const auto own = ParametersOf(request.url, "name");
    REQUIRE(own.size() == 1);
    CHECK(names.insert(own.front()).second);
    CHECK_FALSE(request.own_connection);
  }
  CHECK(names.size() >= 192);
}

TEST_CASE("an answer to another request is never used: the query is asked again, on its own") {
  // Each request is answered with what was the answer to the one before it, but on a connection of
  // its own.
  std::string previous;
  PollerFixture f(
      [&](const Request& request) {
        const bool second = AsksFor(request, "spf=FAIL");
        Answer own = Good(request, second ? 40 : 20);
        own.result.value().body = WithNames(own.result.value().body, request.url);
        if (request.own_connection || previous.empty()) {
          previous = own.result.value().body;
          return own;
        }
        return Answer{Response(200, std::exchange(previous, own.result.value().body))};
      },
      kTwoQueries);
  f.RunFor(3h);
  CHECK(f.Now()->queries[0].sample->spoof.value() == doctest::Approx(0.2));
  CHECK(f.Now()->queries[1].sample->spoof.value() == doctest::Approx(0.4));
  for (const QueryState& state : f.Now()->queries) CHECK(state.failures == 0);
  CHECK(f.Failures(FailureReason::kValidation) >= 10);
}

bool HasNames(const Request& request) { return !ParametersOf(request.url, "name").empty(); }

std::ptrdiff_t UnnamedRequests(const PollerFixture& f) {
  return std::ranges::count_if(f.http.requests(), std::not_fn(HasNames));
}

TEST_CASE("an API that refuses or ignores names is asked without, each time on a new connection") {
  for (const bool refuses : {true, false}) {
    CAPTURE(refuses);
    PollerFixture f(
        [&](const Request& request) {
          return refuses && HasNames(request) ? NotFound(400) : Good(request);
        },
        kTwoQueries);
    f.http.labels_series = false;
    f.RunFor(24h);
    const auto& requests = f.http.requests();
    // Both queries were on their way with names when the first answer came.
    std::size_t named = 0;
    for (const Request& request : requests) {
      const bool has_name = HasNames(request);
      named += has_name ? 1 : 0;
      CHECK(request.own_connection != has_name);
    }
    CHECK(named == 2);
    CHECK(requests.size() >= 192);
    CHECK(requests[3].at.steady - requests[0].at.steady < 1s);
    for (const QueryState& state : f.Now()->queries) {
      CHECK(state.success());
      CHECK(state.failures == 0);
    }
    CHECK(f.LinesWith("does not label series by name").size() == 1);
  }
}

TEST_CASE("a path that is not there and names that are refused are found out in one poll") {
  PollerFixture f([](const Request& request) {
    if (!AsksFor(request, "/SPOOF?")) return NotFound(404);
    return HasNames(request) ? NotFound(400) : Good(request);
  });
  f.http.labels_series = false;
  f.RunFor(1min);
  CHECK(f.http.requests().size() == 3);
  CHECK(f.State().success());
  CHECK(f.State().polls == 1);
  CHECK(f.State().failures == 0);
}

TEST_CASE("a query that is refused for itself costs one request more, once") {
  PollerFixture f(
      [](const Request& request) {
        return AsksFor(request, "spf=FAIL") ? NotFound(400) : Good(request);
      },
      kTwoQueries);
  f.RunFor(24h);
  CHECK(f.Now()->queries[0].failures == 0);
  CHECK(f.Now()->queries[1].last_failure->reason == FailureReason::kRejected);
  CHECK(UnnamedRequests(f) == 1);
}

TEST_CASE("without room in the budget only who was refused is asked without names") {
  bool refuses_names = false;
  PollerFixture f(
      [&](const Request& request) {
        const bool refused = refuses_names ? HasNames(request) : !AsksFor(request, "spf=FAIL");
        return refused ? NotFound(400) : Good(request);
      },
      kTwoQueries, "  rate_limit: 3\n");
  SUBCASE("which is refused for itself: the names stay") {
    f.RunFor(24h);
    CHECK(f.Now()->queries[0].last_failure->reason == FailureReason::kRejected);
    CHECK(f.Now()->queries[1].success());
    CHECK(UnnamedRequests(f) == 1);
    CHECK(f.LinesWith("does not label series by name").empty());
  }
  SUBCASE("for the names, and then nobody has them any more") {
    refuses_names = true;
    f.http.labels_series = false;
    f.RunFor(1h);
    for (const QueryState& state : f.Now()->queries) CHECK(state.success());
    CHECK(f.LinesWith("does not label series by name").size() == 1);
  }
}

TEST_CASE("a query that was refused either way is tried without names again when it changes") {
  PollerFixture f([](const Request& request) {
    const bool refused = HasNames(request) || AsksFor(request, "aggInterval=15m");
    return refused ? NotFound(400) : Good(request);
  });
  f.http.labels_series = false;
  f.http.At(1h, [&] {
    CHECK_FALSE(f.State().success());
    f.Reconfigure("queries:\n  - { name: all, agg_interval: 1h, date_range: 7d }\n");
  });
  f.RunFor(61min);
  CHECK(f.State().success());
}

TEST_CASE("an answer is judged and redacted with the credential it was sent with") {
  PollerFixture f([](const Request& request) {
    const bool old = request.authorization.find(kToken) != std::string::npos;
    if (!old) return Good(request);
    return Answer{Response(403, ErrorAnswer(9109, std::string("revoked ") + std::string(kToken))),
                  20s};
  });
  f.http.At(10s, [&] {
    f.directory.Write("token", "another/credential+9876543210");
    f.poller.Reconfigure(SettingsOf(ConfigText(f.directory, "queries:\n  - name: all\n")));
  });
  f.RunFor(1min);
  CHECK(f.State().success());
  CHECK(f.State().failures == 0);
  CHECK(f.LinesWith("canary").empty());
}

// --- the clock ----------------------------------------------------------------------------------

TEST_CASE("when the clock is set, what failed by it is asked at once, and the page has its times") {
  const WallTime right = *ParseRfc3339("2026-06-05T12:28:00Z");
  struct Row {
    Milliseconds off;
    std::function<Answer(const Request&)> failure;
  };
  const Row rows[] = {
      {right.time_since_epoch() - 60s,
       [](const Request&) { return Answer{Failure(FailureReason::kTls, "not yet valid")}; }},
      {48h, [](const Request&) { return Answer{Failure(FailureReason::kTls, "not yet valid")}; }},
      {-48h, [](const Request&) { return Answer{Failure(FailureReason::kTls, "expired")}; }},
      {48h, [](const Request&) { return NotFound(400); }},
      {48h, [](const Request&) { return Outage(); }}};
  for (const Row& row : rows) {
    CAPTURE(row.off.count());
    PollerFixture f(
        [&](const Request& request) {
          const bool wrong = std::chrono::abs(request.at.wall - right) > 1h;
          return wrong ? row.failure(request) : Good(request);
        },
        "queries:\n  - name: all\n  - { name: day, agg_interval: 1h, date_range: 7d, "
        "poll_interval: 24h }\n");
    f.clock.StepWall(-row.off);
    f.http.At(25s, [&] { f.clock.StepWall(row.off); });
    // The loop comes round each 10 s.
    f.http.At(36s, [&] {
      for (const QueryState& state : f.Now()->queries) {
        CHECK(state.success());
        CHECK(*state.next_poll > right);
      }
    });
    f.RunFor(40s);
  }
}

TEST_CASE("a clock that was ahead leaves no time in the future on the page") {
  constexpr Milliseconds kAhead = 5h;
  PollerFixture f([&](const Request& request) {
    Request by_true_time = request;
    by_true_time.at.wall -= kAhead;
    return Good(by_true_time);
  });
  f.clock.StepWall(kAhead);
  f.http.At(15s, [&] { f.Reconfigure("queries:\n  - name: all\n"); });
  f.http.At(25s, [&] { f.clock.StepWall(-kAhead); });
  // The loop comes round each 10 s.
  f.http.At(36s, [&] {
    const WallTime now = f.clock.Now().wall;
    REQUIRE(f.State().last_success);
    CHECK(f.State().last_success->wall <= now);
    CHECK(f.State().last_success->wall >= now - 40s);
    CHECK(f.Now()->reload.last_success <= now);
  });
  f.RunFor(40s);
}

TEST_CASE("a clock that is set again and again makes nobody hammer") {
  PollerFixture f([](const Request&) {
    return Answer{Response(429, ErrorAnswer(1015, "slow"), {{"retry-after", "900"}})};
  });
  for (int i = 0; i < 100; ++i) {
    f.http.At(1min + i * 5s, [&f, i] { f.clock.StepWall(i % 2 == 0 ? 2h : -2h); });
  }
  f.http.At(10min, [&] {
    const auto& held = f.Now()->api.blocked_until;
    CHECK(std::chrono::abs(f.clock.Now().WallAt(held->steady) - held->wall) < 1s);
  });
  f.RunFor(14min);
  CHECK(f.http.requests().size() == 1);
}

// --- once, and stop ------------------------------------------------------------------------------

TEST_CASE("polling once asks every query once and says whether all were answered well") {
  struct Row {
    std::string first;
    bool first_good;
    bool second_good;
  };
  const Row rows[] = {{"both", true, true}, {"one", false, true}, {"none", false, false}};
  for (const Row& row : rows) {
    CAPTURE(row.first);
    PollerFixture f(
        [&](const Request& request) {
          const bool second = AsksFor(request, "spf=FAIL");
          return (second ? row.second_good : row.first_good) ? Good(request) : NotFound(422);
        },
        kTwoQueries);
    CHECK(f.poller.RunOnce() == (row.first_good && row.second_good));
    CHECK(f.http.requests().size() == 2);
    CHECK(f.Now()->queries[0].polls == 1);
    CHECK(f.Now()->queries[1].polls == 1);
    CHECK(f.Now()->queries[1].success() == row.second_good);
  }
}

TEST_CASE("polling once does not wait out a demand to pause") {
  PollerFixture f(
      [](const Request& request) {
        Answer answer{Response(429, ErrorAnswer(1015, "slow down"), {{"retry-after", "300"}})};
        if (AsksFor(request, "spf=FAIL")) answer.takes = 1min;
        return answer;
      },
      kTwoQueries);
  const Instant began = f.clock.Now();
  CHECK_FALSE(f.poller.RunOnce());
  CHECK(f.clock.Now().steady - began.steady < 1s);
  CHECK(f.http.in_flight() == 0);
}

TEST_CASE("a turn that throws is given up, and every query is asked again soon") {
  int asked = 0;
  PollerFixture f(
      [&asked](const Request& request) {
        if (++asked == 2) throw std::bad_alloc();
        Answer answer = Good(request);
        answer.takes = 200ms;
        return answer;
      },
      kTwoQueries);
  f.RunFor(5s);
  for (const QueryState& state : f.Now()->queries) CHECK(state.success());
  CHECK(asked == 4);
  CHECK(f.LinesWith("poll loop: iteration failed, retrying").size() == 1);
  CHECK(f.http.in_flight() == 0);
}

TEST_CASE("a stopped poller leaves nothing in flight") {
  PollerFixture f([](const Request& request) {
    Answer answer = Good(request);
    answer.takes = 20s;
    return answer;
  });
  const Instant began = f.clock.Now();
  f.RunFor(5s);
  CHECK(f.clock.Now().steady - began.steady == 5s);
  CHECK(f.http.in_flight() == 0);
}

}  // namespace
}  // namespace radar_spoof::test
