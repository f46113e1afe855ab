// What `--log.readings` writes, and how often.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/poller_fixture.h"

namespace radar_spoof::test {
namespace {

using Request = ScriptedHttpClient::Request;
using Answer = ScriptedHttpClient::Answer;

const std::string kOneQuery = "queries:\n  - name: all\n";

// Several runs of the exporter, one after the other, that keep their state and tell of readings.
struct Runs {
  explicit Runs(ScriptedHttpClient::Script answers, LogFormat format = LogFormat::kLogfmt)
      : script(std::move(answers)), log(LogLevel::kInfo, format, [this](std::string_view line) {
          if (line.find("reading") != std::string_view::npos) lines.emplace_back(line);
        }) {
    directory.Write("token", kToken);
  }

  // `then`: a configuration that is read again after half of the time.
  void RunFor(Milliseconds length, const std::string& config = kOneQuery,
              const std::string& then = "") {
    ScriptedHttpClient http(clock, script);
    Settings settings = SettingsOf(ConfigText(directory, config));
    SnapshotStore store(FirstSnapshot(settings.config, clock.Now().wall));
    Poller poller(std::move(settings), clock, http, store, log, 1,
                  std::make_unique<StateSaver>(directory.Path("."), log), &log);
    if (!then.empty()) {
      http.At(length / 2, [&] { poller.Reconfigure(SettingsOf(ConfigText(directory, then))); });
    }
    http.At(length, [&] { poller.Stop(); });
    poller.Run();
    requests += http.requests().size();
  }

  // When they began, on the 5th of June, in the order of the lines: "12:00 12:15".
  std::string Buckets() const {
    std::string buckets;
    for (const std::string& line : lines) {
      const std::size_t at =
          line.find("bucket=2026-06-05T") + std::string_view("bucket=2026-06-05T").size();
      buckets += (buckets.empty() ? "" : " ") + line.substr(at, std::string_view("12:00").size());
    }
    return buckets;
  }

  TemporaryDirectory directory;
  FakeClock clock{*ParseRfc3339("2026-06-05T12:28:00Z")};
  ScriptedHttpClient::Script script;
  std::vector<std::string> lines;
  std::size_t requests = 0;
  Log log;
};

// Twelve hours of 50 %, but for the last, which has 80.25 %; Radar annotates it twice.
Answer SpikeAnswer(const Request& request) {
  const WallTime end = FloorTo(request.at.wall, Seconds(3600));
  std::string starts;
  std::string spoof;
  std::string not_spoof;
  for (int i = 12; i >= 1; --i) {
    starts += fmt::format("\"{}\"{}", FormatRfc3339(end - i * Seconds(3600)), i > 1 ? "," : "");
    spoof += i > 1 ? "\"50\"," : "\"80.25\"";
    not_spoof += i > 1 ? "\"50\"," : "\"19.75\"";
  }
  const auto annotation = [&](std::string_view type) {
    return fmt::format(R"({{"eventType":"{}","startDate":"{}","endDate":"{}"}})", type,
                       FormatRfc3339(end - Seconds(3000)), FormatRfc3339(end - Seconds(600)));
  };
  return {Response(
      200, fmt::format(R"({{"success":true,"result":{{"serie_0":{{"timestamps":[{}],"SPOOF":[{}],)"
                       R"("NOT_SPOOF":[{}]}},"meta":{{"aggInterval":"ONE_HOUR","lastUpdated":"{}",)"
                       R"("normalization":"PERCENTAGE","confidenceInfo":{{"level":3,)"
                       R"("annotations":[{},{}]}}}}}}}})",
                       starts, spoof, not_spoof, FormatRfc3339(end), annotation("PIPELINE"),
                       annotation("EVENT")))};
}

const std::string kLabelled =
    "queries:\n  - name: DMARC says no\n    agg_interval: 1h\n    date_range: 28d\n"
    "    filters: { dmarc: FAIL, spf: [NONE, FAIL] }\n"
    "    labels: { team: mail, level: 'very \"high\"' }\n";

TEST_CASE("a reading names the query, the bucket and what was expected of it") {
  Runs runs(SpikeAnswer);
  runs.RunFor(5min, kLabelled);
  REQUIRE(runs.lines.size() == 1);
  CHECK(runs.lines[0].substr(runs.lines[0].find(' ')) ==
        R"( level=info msg="reading" query="DMARC says no" arc=any dkim=any dmarc=FAIL)"
        R"( spf=FAIL,NONE tls_version=any agg_interval=1h bucket=2026-06-05T11:00:00Z)"
        R"( spoof_ratio=0.8025 not_spoof_ratio=0.1975 expected_ratio=0.5)"
        R"( expected_upper_ratio=0.75 buckets_above=1 confidence_level=3)"
        R"( annotations=EVENT,PIPELINE label_level="very \"high\"" label_team=mail)");
}

TEST_CASE("as JSON its numbers are numbers") {
  Runs runs(SpikeAnswer, LogFormat::kJson);
  runs.RunFor(5min, kLabelled);
  REQUIRE(runs.lines.size() == 1);
  CHECK(runs.lines[0].substr(runs.lines[0].find(',')) ==
        R"(,"level":"info","msg":"reading","query":"DMARC says no","arc":"any","dkim":"any",)"
        R"("dmarc":"FAIL","spf":"FAIL,NONE","tls_version":"any","agg_interval":"1h",)"
        R"("bucket":"2026-06-05T11:00:00Z","spoof_ratio":0.8025,"not_spoof_ratio":0.1975,)"
        R"("expected_ratio":0.5,"expected_upper_ratio":0.75,"buckets_above":1,)"
        R"("confidence_level":3,"annotations":"EVENT,PIPELINE",)"
        R"("label_level":"very \"high\"","label_team":"mail"})");
}

TEST_CASE("what is not known is left out of a reading") {
  Runs runs([](const Request& request) {
    Answer answer = Good(request);
    std::string& body = answer.result.value().body;
    body.replace(body.find("\"level\":5"), 9, "\"level\":null");
    return answer;
  });
  runs.RunFor(1min);
  REQUIRE(runs.lines.size() == 1);
  CHECK(runs.lines[0].ends_with("bucket=2026-06-05T12:00:00Z spoof_ratio=0.3 not_spoof_ratio=0.7"));
}

TEST_CASE(
    "each bucket is told of once, with what it was at first, also after a reload and restarts") {
  Runs runs([](const Request& request) {
    return Good(request, 10 + static_cast<double>(request.at.wall.time_since_epoch() / 1min % 60));
  });
  const std::string often = "queries:\n  - { name: all, poll_interval: 1m }\n";
  runs.RunFor(20min, often, "queries:\n  - { name: all, poll_interval: 1m, alert: none }\n");
  for (int run = 0; run < 10; ++run) runs.RunFor(run % 2 == 0 ? 2min : 3s, kOneQuery);
  CHECK(runs.Buckets() == "12:00 12:15 12:30");
  CHECK(runs.lines.front().find(" spoof_ratio=0.38 ") != std::string::npos);  // of 12:28
}

TEST_CASE(
    "an older answer between two is not told of, and the newer one not again, nor after a "
    "restart") {
  const bool restarts[] = {false, true};
  for (const bool restart : restarts) {
    CAPTURE(restart);
    const auto old_from = *ParseRfc3339("2026-06-05T12:40:00Z");
    Runs runs([&](Request request) {
      const bool old = request.at.wall >= old_from && request.at.wall < old_from + 6min;
      if (old) request.at.wall -= 15min;
      return Good(request);
    });
    const std::string often = "queries:\n  - { name: all, poll_interval: 1m }\n";
    runs.RunFor(restart ? 15min : 18min, often);
    if (restart) runs.RunFor(3min, often);
    CHECK(runs.requests >= 15);
    CHECK(runs.Buckets() == "12:00 12:15");
  }
}

TEST_CASE("what came and went during an outage is not told of later") {
  Runs runs([](const Request& request) {
    const bool outage = request.at.wall >= *ParseRfc3339("2026-06-05T12:35:00Z") &&
                        request.at.wall < *ParseRfc3339("2026-06-05T14:00:00Z");
    return outage ? Outage() : Good(request);
  });
  runs.RunFor(100min);
  CHECK(runs.Buckets() == "12:00 13:30 13:45");
}

TEST_CASE("buckets that are too old to be shown are not told of") {
  Runs runs([](Request request) {
    request.at.wall -= 7h;
    return Good(request);
  });
  runs.RunFor(1h);
  CHECK(runs.requests >= 3);
  CHECK(runs.lines.empty());
}

TEST_CASE("a bucket without a place in time is not told of") {
  Runs runs([](const Request& request) {
    Answer answer = Good(request);
    std::string& body = answer.result.value().body;
    const std::size_t at = body.find("\"timestamps\"");
    body.erase(at, body.find("\"SPOOF\"") - at);
    return answer;
  });
  runs.RunFor(1h);
  CHECK(runs.lines.empty());
}

TEST_CASE("without the flag no reading is told of") {
  PollerFixture f([](const Request& request) { return Good(request); });
  f.RunFor(1h);
  CHECK(f.LinesWith("reading").empty());
}

}  // namespace
}  // namespace radar_spoof::test
