#include "radar_spoof/web/pages.h"

#include <doctest/doctest.h>

#include "support/contains.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::Contains;

// 2026-06-08T12:00:00Z.
constexpr Instant kNow{WallTime(Seconds(1780920000)), SteadyTime(1'000'000s)};

class FixedClock final : public Clock {
 public:
  Instant Now() const override { return kNow; }
};

QueryState Untried(std::string name) {
  return {.query = test::MakeQuery(std::move(name)),
          .sample = {},
          .last_success = {},
          .last_failure = {},
          .next_poll = {}};
}

QueryState GoodSince(std::string name, Milliseconds age = 3min) {
  QueryState state = Untried(std::move(name));
  state.sample = SpoofSample{.spoof = *Ratio::FromPercent(18.99756),
                             .not_spoof = *Ratio::FromPercent(81.00244),
                             .bucket_start = kNow.wall - 45min,
                             .window = {},
                             .control = {},
                             .confidence_level = {},
                             .annotations = {},
                             .last_updated = kNow.wall - 30min};
  state.last_success = Instant{kNow.wall - age, kNow.steady - age};
  state.next_poll = kNow.wall + 12min;
  state.polls = 1;
  return state;
}

QueryState FailingWith(std::string name, Milliseconds age, std::string detail) {
  QueryState state = GoodSince(std::move(name), age);
  state.last_failure = Failure(FailureReason::kServer, std::move(detail));
  state.polls = 2;
  state.failures = 1;
  return state;
}

Snapshot SnapshotWith(std::vector<QueryState> queries) {
  Snapshot snapshot;
  snapshot.queries = std::move(queries);
  snapshot.api.path = "/radar/email/security/timeseries_groups/spoof";
  snapshot.api.up = true;
  snapshot.api.asked = true;
  return snapshot;
}

class PagesFixture {
 public:
  PagesFixture() {
    options_.process = [] { return ProcessMetrics{.threads = 5}; };
    options_.last_turn = [] { return std::chrono::steady_clock::now(); };
  }

 protected:
  ServerResponse Ask(const std::string& method, const std::string& path,
                     std::vector<std::pair<std::string, std::string>> headers = {}) const {
    return Pages(store_, metrics_, clock_, options_)
        .Respond({method, path, {}, std::move(headers)});
  }
  static std::string Header(const ServerResponse& response, std::string_view name) {
    std::string values;
    for (const auto& [key, value] : response.headers) {
      if (key == name) values += (values.empty() ? "" : " | ") + value;
    }
    return values;
  }

  static std::string Whole(const ServerResponse& response) {
    return (response.shared_body ? *response.shared_body : "") + response.body;
  }

  ApiMetrics metrics_;
  SnapshotStore store_{SnapshotWith({GoodSince("all")})};
  FixedClock clock_;
  PagesOptions options_;
};

std::shared_ptr<AskedReload> Ended() {
  auto reload = std::make_shared<AskedReload>();
  reload->outcome = AskedReload::Outcome::kReloaded;
  reload->ended.Done();
  return reload;
}

TEST_CASE_FIXTURE(PagesFixture, "paths are exact") {
  for (const char* path : {"/", "/metrics", "/-/healthy", "/-/ready"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 200);
    CHECK(Ask("HEAD", path).status == 200);
  }
  for (const char* path :
       {"/metricsX", "/metrics/", "/metrics/x", "//metrics", "/METRICS", "/-/", "/-/health",
        "/-/healthy/", "/-/reload/", "/favicon.ico", "*", "", "/../metrics", "/./metrics"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 404);
    CHECK(Ask("POST", path).status == 404);
  }
  CHECK(Ask("GET", std::string("/metrics\0", 9)).status == 404);
}

TEST_CASE_FIXTURE(PagesFixture, "other methods are answered with 405 and those that are allowed") {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "options", "BREW"}) {
    for (const char* path : {"/", "/metrics", "/-/healthy", "/-/ready"}) {
      CAPTURE(method);
      CAPTURE(path);
      CHECK(Ask(method, path).status == 405);
      CHECK(Header(Ask(method, path), "Allow") == "GET, HEAD, OPTIONS");
    }
  }
}

TEST_CASE_FIXTURE(PagesFixture, "OPTIONS is answered on every path, and causes nothing") {
  int reloads = 0;
  options_.reload = [&reloads] {
    ++reloads;
    return Ended();
  };
  options_.authenticate = [](const ServerRequest&) -> AuthDecision {
    return {AuthDecision::Outcome::kRefused};
  };
  for (const char* path : {"*", "/", "/metrics", "/-/healthy", "/-/ready", "/nowhere"}) {
    CAPTURE(path);
    CHECK(Ask("OPTIONS", path).status == 204);
    CHECK(Header(Ask("OPTIONS", path), "Allow") == "GET, HEAD, OPTIONS");
    CHECK(Whole(Ask("OPTIONS", path)) == "");
  }
  CHECK(Ask("OPTIONS", "/-/reload").status == 204);
  CHECK(Header(Ask("OPTIONS", "/-/reload"), "Allow") == "POST, PUT, OPTIONS");
  CHECK(reloads == 0);
}

TEST_CASE_FIXTURE(PagesFixture, "metrics are text by default and OpenMetrics when preferred") {
  const ServerResponse text = Ask("GET", "/metrics");
  CHECK(Header(text, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(Header(text, "Vary") == "Accept, Accept-Encoding");
  CHECK(Header(text, "Content-Encoding") == "");
  CHECK(Whole(text).starts_with("# HELP cloudflare_radar_email_spoof_ratio "));
  CHECK(Whole(text).ends_with("\nprocess_threads 5\n"));

  const ServerResponse open = Ask("GET", "/metrics", {{"accept", "application/openmetrics-text"}});
  CHECK(Header(open, "Content-Type") ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(Header(open, "Vary") == "Accept, Accept-Encoding");
  CHECK(Whole(open).ends_with("\nprocess_threads 5\n# EOF\n"));
}

TEST_CASE_FIXTURE(PagesFixture, "metrics are compressed only for those who allow it") {
  const ServerResponse zipped = Ask("GET", "/metrics", {{"accept-encoding", "gzip"}});
  CHECK(Header(zipped, "Content-Encoding") == "gzip");
  CHECK(Whole(zipped).starts_with("\x1f\x8b"));
  CHECK(Header(Ask("GET", "/metrics", {{"accept-encoding", "gzip;q=0"}}), "Content-Encoding") ==
        "");
}

TEST_CASE_FIXTURE(PagesFixture, "what a client accepts may stand in several header lines") {
  const ServerResponse response = Ask("GET", "/metrics",
                                      {{"accept", "text/html"},
                                       {"accept-encoding", "br"},
                                       {"accept", "application/openmetrics-text;version=1.0.0"},
                                       {"accept-encoding", "gzip"}});
  CHECK(Header(response, "Content-Type") ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(Header(response, "Content-Encoding") == "gzip");
}

TEST_CASE_FIXTURE(PagesFixture, "the metrics may have another path, even the root") {
  options_.telemetry_path = "/probe";
  CHECK(Contains(Whole(Ask("GET", "/probe")), "process_threads 5"));
  CHECK(Ask("GET", "/metrics").status == 404);
  CHECK(Contains(Ask("GET", "/").body, "<a href=\"./probe\">"));
  options_.telemetry_path = "/";
  CHECK(Contains(Whole(Ask("GET", "/")), "process_threads 5"));
}

TEST_CASE_FIXTURE(PagesFixture, "under a prefix are all paths, and the root leads there") {
  options_.route_prefix = "/radar";
  options_.reload = [] { return Ended(); };
  for (const char* path : {"/radar/", "/radar/metrics", "/radar/-/healthy", "/radar/-/ready"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 200);
    CHECK(Ask("HEAD", path).status == 200);
    CHECK(Ask("POST", path).status == 405);
  }
  CHECK(Ask("POST", "/radar/-/reload").awaited);
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/radarx", "/radarmetrics",
                           "radar/", "/radar//", "//radar/", "*", ""}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 404);
  }
  CHECK(Ask("POST", "/-/reload").status == 404);
  for (const char* path : {"/", "/radar"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 302);
    CHECK(Ask("HEAD", path).status == 302);
    CHECK(Header(Ask("GET", path), "Location") == "/radar/");
    CHECK(Ask("POST", path).status == 405);
  }
  CHECK(Contains(Ask("GET", "/radar/").body, "<a href=\"./metrics\">"));
  CHECK(Header(Ask("OPTIONS", "/radar/-/reload"), "Allow") == "POST, PUT, OPTIONS");
  CHECK(Ask("OPTIONS", "/").status == 204);
}

TEST_CASE_FIXTURE(PagesFixture, "with a password the redirection needs it, and probes do not") {
  options_.route_prefix = "/radar";
  options_.authenticate = [](const ServerRequest&) -> AuthDecision {
    return {AuthDecision::Outcome::kRefused};
  };
  CHECK(Ask("GET", "/").status == 401);
  CHECK(Ask("GET", "/-/ready").status == 401);
  CHECK(Ask("GET", "/radar/-/healthy").status == 200);
  // The server's own question, which a rate limit must not count.
  CHECK(Ask("GET", "/-/healthy").status == 404);
}

TEST_CASE_FIXTURE(PagesFixture, "links begin with the path at which a browser finds the page") {
  options_.external_path = "/shown";
  CHECK(Contains(Ask("GET", "/").body, "<a href=\"/shown/metrics\">"));
  CHECK(Ask("GET", "/shown/metrics").status == 404);  // the proxy takes the path away
  options_.route_prefix = "/radar";
  CHECK(Header(Ask("GET", "/radar"), "Location") == "/shown/");
  CHECK(Header(Ask("GET", "/"), "Location") == "/radar/");
  options_.external_path = "";
  CHECK(Contains(Ask("GET", "/radar/").body, "<a href=\"/metrics\">"));
  CHECK(Header(Ask("GET", "/radar"), "Location") == "/");
}

TEST_CASE_FIXTURE(PagesFixture,
                  "health does not depend on the queries, readiness on their first try") {
  store_.Publish(SnapshotWith({GoodSince("a"), Untried("b"), Untried("c")}));
  CHECK(Ask("GET", "/-/healthy").status == 200);
  CHECK(Ask("GET", "/-/healthy").body == "OK\n");
  CHECK(Ask("GET", "/-/ready").status == 503);
  CHECK(Ask("GET", "/-/ready").body == "2 of 3 queries not tried yet\n");
  store_.Publish(SnapshotWith({GoodSince("a"), FailingWith("b", 24h, "x")}));
  CHECK(Ask("GET", "/-/ready").status == 200);
}

TEST_CASE_FIXTURE(PagesFixture, "health is lost when the poll loop has stood still for a minute") {
  // An hour is left for the test itself.
  options_.last_turn = [] { return std::chrono::steady_clock::now() + 1h; };
  CHECK(Ask("GET", "/-/healthy").status == 200);
  options_.last_turn = [] { return std::chrono::steady_clock::now() - 59s; };
  CHECK(Ask("GET", "/-/healthy").status == 200);
  options_.last_turn = [] { return std::chrono::steady_clock::now() - 60s; };
  CHECK(Ask("GET", "/-/healthy").status == 503);
  options_.last_turn = [] { return std::chrono::steady_clock::now() - 2h; };
  CHECK(Contains(Ask("GET", "/-/healthy").body, "Polling has stood still for 720"));
  CHECK(Ask("HEAD", "/-/healthy").status == 503);
  CHECK(Ask("GET", "/metrics").status == 200);
}

TEST_CASE_FIXTURE(PagesFixture, "a reload is refused unless it is enabled") {
  CHECK(Ask("POST", "/-/reload").status == 403);
  CHECK(Ask("PUT", "/-/reload").status == 403);
  CHECK(Ask("GET", "/-/reload").status == 405);
  CHECK(Header(Ask("GET", "/-/reload"), "Allow") == "POST, PUT, OPTIONS");
}

TEST_CASE_FIXTURE(PagesFixture,
                  "a reload answers with its outcome, and only POST and PUT cause one") {
  int reloads = 0;
  auto reload = std::make_shared<AskedReload>();
  options_.reload = [&] {
    ++reloads;
    return reload;
  };
  CHECK(Ask("GET", "/-/reload").status == 405);
  CHECK(Ask("HEAD", "/-/reload").status == 405);
  CHECK(Header(Ask("DELETE", "/-/reload"), "Allow") == "POST, PUT, OPTIONS");
  CHECK(reloads == 0);
  const auto outcome = [&](const char* method) {
    const ServerResponse response = Ask(method, "/-/reload");
    REQUIRE(response.awaited);
    return response.then();
  };
  CHECK(outcome("POST").status == 503);
  CHECK(Contains(outcome("POST").body, "still being read. Check whether their disk responds."));
  CHECK(reloads == 2);
  reload->outcome = AskedReload::Outcome::kTooManyWait;
  CHECK(outcome("POST").status == 503);
  CHECK(Contains(outcome("POST").body, "Too many requests wait for a reload."));
  reload->outcome = AskedReload::Outcome::kReloaded;
  CHECK(outcome("POST").status == 200);
  CHECK(outcome("PUT").status == 200);
  CHECK(Header(outcome("PUT"), "X-Content-Type-Options") == "nosniff");
  reload->outcome = AskedReload::Outcome::kNotReloaded;
  reload->problem = "config.yaml:3:1: unknown key";
  CHECK(outcome("POST").status == 500);
  CHECK(outcome("POST").body == "config.yaml:3:1: unknown key\n");
}

TEST_CASE_FIXTURE(PagesFixture,
                  "with authentication every path but the probes' asks for it first") {
  options_.authenticate = [](const ServerRequest& request) -> AuthDecision {
    return {request.Header("authorization") == "Basic good" ? AuthDecision::Outcome::kAllowed
                                                            : AuthDecision::Outcome::kRefused};
  };
  int reloads = 0;
  options_.reload = [&reloads] {
    ++reloads;
    return Ended();
  };
  for (const char* path : {"/", "/metrics", "/-/reload", "/-/healthyX", "/-/", "/nowhere"}) {
    for (const char* method : {"GET", "HEAD", "POST", "DELETE"}) {
      CAPTURE(path);
      CAPTURE(method);
      CHECK(Ask(method, path).status == 401);
      CHECK(Ask(method, path, {{"authorization", "Basic bad"}}).status == 401);
      CHECK(Header(Ask(method, path), "WWW-Authenticate") ==
            "Basic realm=\"radar_spoof_exporter\", charset=\"UTF-8\"");
      CHECK(Ask(method, path).body == "Unauthorized\n");
    }
  }
  CHECK(reloads == 0);
  CHECK(Ask("GET", "/metrics", {{"authorization", "Basic good"}}).status == 200);
  CHECK(Ask("GET", "/nowhere", {{"authorization", "Basic good"}}).status == 404);
}

TEST_CASE_FIXTURE(PagesFixture, "probes are answered without a password, and never guess one") {
  options_.authenticate = [](const ServerRequest&) -> AuthDecision {
    CHECK(false);
    return {AuthDecision::Outcome::kTryLater, 17s};
  };
  for (const char* path : {"/-/healthy", "/-/ready"}) {
    CHECK(Ask("GET", path).status == 200);
    CHECK(Ask("HEAD", path, {{"authorization", "Basic bad"}}).status == 200);
    CHECK(Ask("POST", path).status == 405);
  }
  CHECK(Ask("OPTIONS", "/metrics", {{"authorization", "Basic bad"}}).status == 204);
}

TEST_CASE_FIXTURE(PagesFixture, "who guessed too often is told when to come back") {
  options_.authenticate = [](const ServerRequest&) -> AuthDecision {
    return {AuthDecision::Outcome::kTryLater, 17s};
  };
  for (const char* path : {"/metrics", "/", "/nowhere"}) {
    CHECK(Ask("GET", path).status == 429);
    CHECK(Header(Ask("GET", path), "Retry-After") == "17");
    CHECK(Header(Ask("GET", path), "WWW-Authenticate") == "");
    CHECK(Ask("GET", path).body == "Too Many Requests\n");
  }
}

TEST_CASE_FIXTURE(PagesFixture, "no answer is left for a browser to guess its type") {
  for (const char* path : {"/", "/metrics", "/-/healthy", "/-/reload", "/nowhere"}) {
    CAPTURE(path);
    CHECK(Header(Ask("GET", path), "X-Content-Type-Options") == "nosniff");
    CHECK(Header(Ask("GET", path), "Content-Type") != "");
  }
}

TEST_CASE_FIXTURE(PagesFixture, "the landing page is HTML that may load nothing") {
  const ServerResponse page = Ask("GET", "/");
  CHECK(Header(page, "Content-Type") == "text/html; charset=utf-8");
  CHECK(Header(page, "Content-Security-Policy").starts_with("default-src 'none'; style-src 'sha"));
  CHECK(!Contains(Header(page, "Content-Security-Policy"), "unsafe"));
  CHECK(!Contains(page.body, "<script"));
}

}  // namespace
}  // namespace radar_spoof
