#include "src/web/landing_page.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "support/contains.h"
#include "support/golden_snapshot.h"
#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::Contains;

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

Snapshot SnapshotOf(std::vector<QueryState> queries) {
  Snapshot snapshot;
  snapshot.queries = std::move(queries);
  snapshot.api.host = "api.cloudflare.com";
  snapshot.api.path = "/radar/email/security/timeseries_groups/spoof";
  snapshot.api.up = true;
  snapshot.api.asked = true;
  snapshot.api.budget = {.used = 12, .limit = 600, .at = kGoldenNow.wall - 1min};
  return snapshot;
}

std::string Page(const Snapshot& snapshot) { return RenderLandingPage(snapshot, kGoldenNow, {}); }

void CheckParts(const std::string& page, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    CAPTURE(part);
    CHECK(Contains(page, part));
  }
}

TEST_CASE("how often a query is polled is told exactly") {
  for (const auto& [interval, text] : {std::pair<Seconds, const char*>{30min, "every 30 minutes"},
                                       {90min, "every 1h30m"},
                                       {90s, "every 1m30s"},
                                       {36h, "every 1d12h"},
                                       {24h, "daily"}}) {
    Snapshot snapshot = SnapshotOf({Good("all", 3min)});
    snapshot.queries[0].query.poll_interval = interval;
    CheckParts(Page(snapshot), {(std::string(", polled ") + text).c_str()});
  }
}

TEST_CASE("the page shows what is polled and how that is going") {
  Snapshot snapshot = SnapshotOf({Good("dmarc_fail", 3min)});
  QueryState& state = snapshot.queries[0];
  CHECK(state.query.filters.Add(Dimension::kDmarc, "FAIL"));
  CHECK(state.query.filters.Add(Dimension::kSpf, "NONE"));
  CHECK(state.query.filters.Add(Dimension::kSpf, "FAIL"));
  state.query.control = true;
  state.sample->window = WindowStatistics{0.175, 0.0125};
  state.sample->control = Ratio::FromPercent(16.5);
  state.sample->confidence_level = 3;
  state.sample->annotations[static_cast<std::size_t>(EventType::kOutage)] = 2;
  state.sample->trend = {0.17F, 0.18F, 0.1899756F};
  CheckParts(Page(snapshot),
             {"dmarc_fail",
              "dmarc=FAIL spf=FAIL,NONE",
              "15m over 1d, polled every 15 minutes, with control",
              "<b>19.0 %</b>",
              "15 minutes from <span class=\"time\">2026-06-05 12:00 UTC<",
              "data of <span class=\"time\">2026-06-05 12:15 UTC<",
              "<svg ",
              "usual 17.5 % &plusmn; 1.2",
              "control period 16.5 %",
              "3 of 5<small>erratic data<",
              "2 &times; OUTAGE",
              "a spike pages<",
              "last good answer 3 minutes ago",
              "next poll in 4 minutes",
              ">ok<",
              "No query is failing",
              "1 of 1 have a value to show",
              "12 of 600 requests used in the 5 minutes before 2026-06-05 12:27 UTC",
              "<a href=\"./metrics\">",
              "<a href=\"./-/healthy\">",
              "<a href=\"./-/ready\">",
              "<code>api.cloudflare.com</code>",
              "<code>/radar/email/security/timeseries_groups/spoof</code>",
              "<dd><span class=\"good\">OK</span></dd>",
              "Version ",
              "CC BY-NC 4.0"});
}

TEST_CASE("before the first poll the page promises nothing") {
  Snapshot snapshot = SnapshotOf({NeverPolled("all")});
  snapshot.api.asked = false;
  snapshot.api.up = false;
  const std::string page = Page(snapshot);
  CheckParts(page,
             {"all mail", "none yet", "no good answer yet", "next poll at once", "not tried yet",
              "<dd>not asked yet</dd>", "1 not tried yet; 0 of 1 have a value"});
  CHECK(!Contains(page, " %</b>"));
  CHECK(!Contains(page, "<svg"));
}

TEST_CASE(
    "a failing query's last good numbers are shown until they are stale, the error in words") {
  const std::string young = Page(SnapshotOf({Failing("all", 40min)}));
  CheckParts(young, {"<b>19.0 %</b>", "40 minutes ago", "1 of 1 is failing",
                     "failing: the API reports a server error</span><small>server: HTTP 503<"});
  Snapshot old = SnapshotOf({Failing("all", 46min)});
  old.queries[0].sample->trend = {0.1F, 0.2F};
  const std::string stale = Page(old);
  CHECK(!Contains(stale, "19.0 %"));
  CHECK(!Contains(stale, "<svg"));
  CheckParts(stale, {"the last one is too old", "0 of 1 have a value to show"});
}

// The places at which the parts stand, in this order.
bool StandInOrder(std::string_view page, std::initializer_list<std::string_view> parts) {
  std::size_t at = 0;
  for (const std::string_view part : parts) {
    at = page.find(part, at);
    if (at == std::string_view::npos) return false;
  }
  return true;
}

QueryState Above(const std::string& name, int buckets) {
  QueryState state = Good(name, 3min);
  state.query.agg_interval = AggInterval::k1h;
  state.query.alert.severity = AlertSeverity::kWarning;
  state.sample->window = WindowStatistics{0.1, 0.01};
  state.sample->trend = {0.12F, 0.13F, 0.1899756F};
  state.sample->expectation = Expectation{0.12, 0.18, buckets};
  return state;
}

TEST_CASE("what is far above what was expected stands first, in words and in the headline") {
  const std::string page =
      Page(SnapshotOf({Good("a", 3min), Above("b", 1), Above("c", 0), Above("d", 3)}));
  CHECK(StandInOrder(
      page,
      {"<strong class=\"warn\">2 of 4 are far above what was expected.</strong>",
       "<tr class=\"above\"><td class=\"name\">d<", "<tr class=\"above\"><td class=\"name\">b<",
       "<tr><td class=\"name\">a<", "<tr><td class=\"name\">c<"}));
  CheckParts(page,
             {"<b class=\"warn\">19.0 %</b><small class=\"warn\">far above for 3 buckets of 1 "
              "hour</small><small>expected 12.0 %, upper bound 18.0 %</small>",
              "far above for 1 bucket of 1 hour<", "a spike opens a ticket",
              "<b>19.0 %</b><small>expected 12.0 %, upper bound 18.0 %</small>"});
  // Its window's mean says less than that.
  CHECK(!Contains(page, "usual 10.0"));
}

TEST_CASE("a spike whose value is too old to be shown is none") {
  QueryState state = Above("a", 3);
  state.last_success = kGoldenNow + -24h;
  const std::string page = Page(SnapshotOf({state}));
  CHECK(!Contains(page, "far above"));
  CHECK(!Contains(page, "class=\"above\""));
}

TEST_CASE("a cause that fails several queries is told once, above the table") {
  std::vector<QueryState> queries = {Failing("a", 1min), Failing("b", 1min), Failing("c", 1min),
                                     Good("d", 3min)};
  queries[2].last_failure = Failure(FailureReason::kServer, "HTTP 500");
  const std::string page = Page(SnapshotOf(std::move(queries)));
  CHECK(StandInOrder(page, {"3 of 4 are failing",
                            "2 queries fail for one cause: the API reports a server error</span> "
                            "<small>server: HTTP 503</small>",
                            "<table>", "server: HTTP 500"}));
  const std::size_t once = page.find("HTTP 503");
  CHECK(page.find("HTTP 503", once + 1) == std::string::npos);
}

TEST_CASE("budgets whose time is over are not shown as if it were not") {
  Snapshot snapshot = SnapshotOf({Good("all", 3min)});
  snapshot.api.rate_limit["default"] = {.limit = 1200, .remaining = 1100, .reset = kGoldenNow.wall};
  snapshot.api.budget.at = kGoldenNow.wall - 5min - 1ms;
  const std::string page = Page(snapshot);
  CHECK(!Contains(page, "requests left"));
  CHECK(!Contains(page, "requests used"));
  CHECK(Contains(page, "no request has ended in the last 5 minutes; 600 may be sent"));
}

TEST_CASE("every reason of a failure has words of its own") {
  std::vector<std::string> seen;
  for (const FailureReason reason : kAllFailureReasons) {
    Snapshot snapshot = SnapshotOf({Failing("all", 1min)});
    snapshot.queries[0].last_failure = Failure(reason, "detail");
    const std::string page = Page(snapshot);
    const std::size_t begin =
        page.find("failing: ", page.find("<td class=\"state\" data-label=\"State\">"));
    seen.push_back(page.substr(begin, page.find('<', begin) - begin));
    CHECK(seen.back().size() > std::string("failing: ").size());
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("the page tells of a rate limit for as long as it lasts, and of the API's count") {
  Snapshot snapshot = SnapshotOf({Good("all", 3min)});
  snapshot.api.up = false;
  snapshot.api.blocked_until = kGoldenNow + Milliseconds(4min);
  snapshot.api.rate_limit["default"] = {
      .limit = 1200, .remaining = 1100, .reset = kGoldenNow.wall + 2min};
  CheckParts(Page(snapshot), {"no requests for 4 minutes, until 2026-06-05 12:32:00 UTC",
                              "<span class=\"bad\">failed</span>",
                              "1100 of 1200 requests left until 2026-06-05 12:30 UTC"});
  snapshot.api.blocked_until = kGoldenNow + Milliseconds(-1);
  CHECK(!Contains(Page(snapshot), "no requests for"));
}

TEST_CASE("the page shows the end of the hold that is now, also when holds follow each other") {
  Snapshot snapshot = SnapshotOf({Good("all", 3min)});
  for (const Milliseconds left : {Milliseconds(30s), Milliseconds(61s)}) {
    snapshot.api.blocked_until = kGoldenNow + left;
    const std::string page = Page(snapshot);
    CHECK(
        Contains(page, "no requests for " + InWords(left) + ", until " +
                           (left == 30s ? "2026-06-05 12:28:30 UTC" : "2026-06-05 12:29:01 UTC")));
  }
}

TEST_CASE("only Cloudflare's numbers are credited to Cloudflare, and made-up ones are called so") {
  Snapshot snapshot = SnapshotOf({Good("all", 3min)});
  const std::string real = Page(snapshot);
  CheckParts(real, {"Cloudflare Radar's view", "radar.cloudflare.com", "CC BY-NC 4.0"});
  CHECK(!Contains(real, "Simulated"));
  for (const char* host : {"127.0.0.1:8787", "[::1]:8787", "localhost:1", "radar.example.org"}) {
    CAPTURE(host);
    snapshot.api.host = host;
    const std::string other = Page(snapshot);
    CheckParts(other, {("<dt>Host</dt><dd><code>" + std::string(host)).c_str(),
                       ("<footer>Data: from <code>" + std::string(host)).c_str()});
    CHECK(Contains(other, "Simulated data.") == (host != std::string_view("radar.example.org")));
    CHECK(!Contains(other, "Cloudflare Radar"));
    CHECK(!Contains(other, "cloudflare.com"));
    CHECK(!Contains(other, "CC BY"));
  }
}

TEST_CASE("every link to this server is relative, whatever the path of the metrics") {
  const Snapshot snapshot = SnapshotOf({});
  for (const char* path : {"/metrics", "//evil.test/x", "/a:b", "/deep/er"}) {
    CAPTURE(path);
    const std::string page = RenderLandingPage(snapshot, kGoldenNow, {.telemetry_path = path});
    CHECK(Contains(page, "<a href=\"." + std::string(path) + "\">Metrics</a>"));
    CHECK(!Contains(page, "href=\"/"));
  }
}

TEST_CASE("where the page's address is known, links to this server begin with its path") {
  for (const char* base : {"", "/radar"}) {
    const std::string page = RenderLandingPage(SnapshotOf({}), kGoldenNow, {.base = base});
    for (const char* path : {"/metrics", "/-/healthy", "/-/ready"}) {
      CHECK(Contains(page, "<a href=\"" + std::string(base) + path + "\">"));
    }
    CHECK(!Contains(page, "href=\"./"));
  }
}

TEST_CASE(
    "the documents are linked where the project's address is known, and no address is made up") {
  const PageLinks unknown{.documents = "/usr/share/doc/radar_spoof_exporter"};
  CHECK(Contains(RenderLandingPage(SnapshotOf({}), kGoldenNow, unknown),
                 "Documents: <code>man radar_spoof_exporter</code>, and "
                 "<code>/usr/share/doc/radar_spoof_exporter</code> where it is installed<"));
  const PageLinks known{.homepage = "https://example.org/?a=1&b=2"};
  CHECK(Contains(RenderLandingPage(SnapshotOf({}), kGoldenNow, known),
                 "Documents: <a href=\"https://example.org/?a=1&amp;b=2\">https://"
                 "example.org/?a=1&amp;b=2</a><"));
}

TEST_CASE("a browser is given an empty icon, and may load it, so that it asks for none") {
  CHECK(Contains(RenderLandingPage(SnapshotOf({}), kGoldenNow, {}),
                 "<link rel=\"icon\" href=\"data:,\">"));
  CHECK(Contains(kLandingPagePolicy, "; img-src data:"));
}

TEST_CASE("whatever comes from outside is escaped") {
  const std::string evil = "<b onload='x'>&\"";
  const std::string escaped = "&lt;b onload=&#39;x&#39;&gt;&amp;&quot;";
  Snapshot snapshot = SnapshotOf({Failing(evil, 1min)});
  snapshot.queries[0].last_failure = Failure(FailureReason::kServer, "detail " + evil);
  snapshot.api.host = "host " + evil;
  snapshot.api.path = "/path " + evil;
  snapshot.api.rate_limit[evil].remaining = 1;
  const std::string page = RenderLandingPage(snapshot, kGoldenNow, {.telemetry_path = "/m" + evil});
  CHECK(!Contains(page, "<b onload"));
  for (const char* place :
       {"<td class=\"name\">", "detail ", "host ", "/path ", "href=\"./m", "<small>("}) {
    CAPTURE(place);
    CHECK(Contains(page, place + escaped));
  }
}

TEST_CASE("the policy allows the page's own style, by its hash") {
  const std::string page = Page(SnapshotOf({}));
  const std::size_t begin = page.find("<style>") + 7;
  const test::TemporaryDirectory directory;
  const std::string style =
      directory.Write("style.css", page.substr(begin, page.find("</style>") - begin));
  FILE* const pipe =
      ::popen(("openssl dgst -sha256 -binary '" + style + "' | openssl base64").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 64> hash{};
  REQUIRE(std::fgets(hash.data(), static_cast<int>(hash.size()), pipe) != nullptr);
  ::pclose(pipe);
  const std::string text(hash.data(), std::string_view(hash.data()).find('\n'));
  CAPTURE(text);
  CHECK(Contains(kLandingPagePolicy, "style-src 'sha256-" + text + "';"));
  CHECK(!Contains(page, "style=\""));
}

TEST_CASE("a sparkline goes from left to right on a scale that begins at 0") {
  const std::array<float, 3> trend = {0.0F, 0.1F, 0.2F};
  CHECK(SparklineSvg(trend) ==
        "<svg viewBox=\"0 0 160 36\" role=\"img\" aria-label=\"3 buckets between 0.0 % and 20.0 %, "
        "the latest 20.0 %\"><path d=\"M3.0 33.0L80.0 18.0L157.0 3.0\"/>"
        "<circle cx=\"157.0\" cy=\"3.0\" r=\"2.5\"/></svg>");
}

TEST_CASE("a sparkline has what was expected as a band behind its run, within the drawing") {
  const std::array<float, 3> trend = {0.1F, 0.1F, 0.2F};
  CHECK(Contains(SparklineSvg(trend, Expectation{0.1, 0.15, 1}),
                 "the latest 20.0 %, expected 10.0 %, upper bound 15.0 %\">"
                 "<rect x=\"80.0\" y=\"10.5\" width=\"80.0\" height=\"7.5\"/><path"));
  // The upper bound is the highest of all: the scale makes room for it.
  CHECK(Contains(SparklineSvg(trend, Expectation{0.2, 0.4, 99}),
                 "<rect x=\"3.0\" y=\"3.0\" width=\"157.0\" height=\"15.0\"/>"));
}

TEST_CASE("a sparkline breaks at a gap, and shows a bucket between two gaps as a dot") {
  const std::array<float, 6> trend = {0.2F, 0.2F, kGap, 0.1F, kGap, 0.2F};
  CHECK(Contains(SparklineSvg(trend), "d=\"M3.0 3.0L33.8 3.0M95.4 18.0h0M157.0 3.0h0\""));
}

TEST_CASE("a sparkline of zeros lies on the ground; fewer than two values are none") {
  const std::array<float, 2> zeros = {0.0F, 0.0F};
  CHECK(Contains(SparklineSvg(zeros), "d=\"M3.0 33.0L157.0 33.0\""));
  const std::array<float, 3> one = {kGap, kGap, 0.5F};
  CHECK(SparklineSvg(one).empty());
  CHECK(SparklineSvg({}).empty());
}

}  // namespace
}  // namespace radar_spoof
