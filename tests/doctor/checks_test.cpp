// The rows with the simulator as it is, and when something else than a fact ends it.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "doctor/doctor_fixture.h"
#include "src/doctor/doctor_text.h"

namespace radar_spoof {
namespace {

using namespace test;

// How many were made, as --json says it.
std::size_t RequestsTold(const DoctorFixture& fixture) {
  const auto said = ParseJson(DoctorJson(*fixture.examination, fixture.rows));
  return said.value().root.Find("requests")->NumberAs<std::size_t>().value();
}

TEST_CASE_FIXTURE(DoctorFixture, "everything is ok with the simulator as it is") {
  Run();
  CHECK(NotOk() == std::set<std::string>());
  CHECK(IsAllWell(*examination, rows));
  CHECK(examination->asked.size() == 13);  // the configured query is among the general ones
  CHECK(requests.size() == examination->plan.requests.size());
  // None is repeated on a connection that has gone stale, uncounted.
  CHECK(std::ranges::all_of(requests, &Request::own_connection));
}

TEST_CASE_FIXTURE(DoctorFixture, "everything is ok with the simulator whatever its seed") {
  for (options.data.seed = 2; options.data.seed < 40; ++options.data.seed) {
    CAPTURE(options.data.seed);
    Run();
    CHECK(NotOk() == std::set<std::string>());
    clock.Advance(Seconds(7 * 24 * 3600 + 3600));
  }
}

TEST_CASE_FIXTURE(DoctorFixture, "the connection is judged by what it was") {
  subject.api.base_url = "https://api.cloudflare.com/client/v4";
  examination.emplace(Ask());
  for (AskedRequest& asked : examination->asked) {
    asked.connection = {"2606:4700::6810:84e5", "TLSv1.3", "/O=Example CA", false};
  }
  const auto row = [&](std::string_view name) {
    rows = Judge(*examination, credentials.redactor);
    return Row(name);
  };
  CHECK(row("address").found == "api.cloudflare.com is 2606:4700::6810:84e5 (IPv6)");
  CHECK(row("proxy").found == "none");
  CHECK(row("TLS").found == "TLSv1.3, verified; issued by /O=Example CA");
  CHECK(NotOk().empty());
  examination->subject.api.proxy = "http://proxy.example:3128";
  CHECK(row("proxy").verdict == Verdict::kDifferent);
  examination->asked.front().connection.through_proxy = true;
  CHECK(row("proxy").found == "in use: proxy.example:3128");
  CHECK(row("address").found.find("through a proxy at 2606") != std::string::npos);
}

TEST_CASE_FIXTURE(DoctorFixture, "a proxy that the environment names is told, used or not") {
  subject.api.base_url = "https://api.cloudflare.com/client/v4";
  subject.api.proxy = "environment";
  examination.emplace(Ask());
  const auto row = [&](std::optional<ProxyVariable> variable) {
    examination->subject.proxy_variable = std::move(variable);
    rows = Judge(*examination, credentials.redactor);
    return Row("proxy");
  };
  const ProxyVariable socks{"ALL_PROXY", "socks5h://proxy.example:1080"};
  const ProxyVariable http{"https_proxy", "http://proxy.example:3128"};
  CHECK(row({}).found == "none: the environment names none for it");
  CHECK(row(socks).found == "in use: socks5h://proxy.example:1080, from ALL_PROXY");
  CHECK(row(socks).verdict == Verdict::kOk);
  CHECK(Row("address").found.find("answers, through a proxy") != std::string::npos);
  CHECK(row(http).found == "not used: http://proxy.example:3128, from https_proxy");
  CHECK(row(http).verdict == Verdict::kDifferent);
  CHECK(row(ProxyVariable{"ALL_PROXY", "socks5://p:1", true}).found ==
        "none: no_proxy excepts the host");
  examination->asked.front().connection.through_proxy = true;
  CHECK(row(http).found == "in use: http://proxy.example:3128, from https_proxy");

  change = [](const Request&, Answer& answer) {
    answer = {Failure(FailureReason::kConnect, "no route")};
  };
  examination.emplace(Ask());
  CHECK(row(socks).found == "no answer came through socks5h://proxy.example:1080, from ALL_PROXY");
  CHECK(row(socks).verdict == Verdict::kDifferent);
  CHECK(row({}).verdict == Verdict::kNotAsked);
  examination->subject.api.proxy = "none";
  CHECK(row(http).found == "none, though https_proxy names http://proxy.example:3128");
  CHECK(row(http).change.find("Set api.proxy: environment") == 0);
}

TEST_CASE_FIXTURE(DoctorFixture, "an API that is not reached is asked twice, and nothing is ok") {
  struct Fault {
    FailureReason reason;
    const char* row;
    const char* found;
  };
  for (const auto& [reason, name, found] :
       {Fault{FailureReason::kDns, "address", "host name is not found: no such name"},
        Fault{FailureReason::kConnect, "address", "refuses connections: no such name"},
        Fault{FailureReason::kTls, "TLS", "certificate is not trusted: no such name"},
        Fault{FailureReason::kTimeout, "address", "no complete answer in time"}}) {
    const std::string text(found);
    CAPTURE(text);
    change = [reason = reason](const Request&, Answer& answer) {
      answer = {Failure(reason, "no such name")};
    };
    Run();
    CHECK(requests.size() == (reason == FailureReason::kTls ? 1 : 2));
    CHECK(Row(name).verdict == Verdict::kDifferent);
    CHECK(Row(name).found.find(found) != std::string::npos);
    for (const CheckRow& row : rows) {
      CAPTURE(row.name);
      if (row.name == name) continue;
      // What TLS fails on has an address.
      CHECK(row.verdict == (row.name == "address" ? Verdict::kOk : Verdict::kNotAsked));
    }
    CHECK_FALSE(IsAllWell(*examination, rows));
  }
}

TEST_CASE_FIXTURE(DoctorFixture, "nothing is asked after 429, and the rest says so") {
  change = [](const Request& request, Answer& answer) {
    if (request.number != 3) return;
    answer = Refusal(429, 971, "Please wait");
    answer.result.value().headers.emplace_back("retry-after", "30");
  };
  Run();
  CHECK(requests.size() == 4);
  CHECK(Row("15m over 1d").verdict == Verdict::kOk);
  CHECK(Row("rate limit").found == "HTTP 429, to be asked again in 30 seconds");
  CHECK(Row("1w over 52w").verdict == Verdict::kNotAsked);
  CHECK(Row("1w over 52w").found == "not asked: the API limits the rate, for 30 seconds");
}

TEST_CASE_FIXTURE(DoctorFixture, "a query's control period may lack its first bucket") {
  subject.queries.front().control = true;
  change = [](const Request& request, Answer& answer) {
    if (!Has(request, "28dcontrol")) return;
    std::size_t at = BodyOf(answer).find("\"c0_");
    for (int array = 0; array < 3; ++array) {
      at = BodyOf(answer).find('[', at) + 1;
      BodyOf(answer).erase(at, BodyOf(answer).find(',', at) + 1 - at);
    }
  };
  Run();
  CHECK(NotOk() == std::set<std::string>());
  CHECK(Row("query mine").verdict == Verdict::kOk);
}

TEST_CASE_FIXTURE(DoctorFixture, "what counts as not asked is not all well") {
  change = [](const Request& request, Answer& answer) {
    if (!Has(request, "aggInterval=1w")) return;
    answer.result.value().status = 404;
    BodyOf(answer) = ErrorAnswer(7003, "Not Found");
  };
  Run();
  CHECK(NotOk() == std::set<std::string>{"1w over 52w"});
  CHECK(Row("1w over 52w").verdict == Verdict::kNotAsked);
  CHECK(examination->stopped.empty());
  CHECK_FALSE(IsAllWell(*examination, rows));
}

TEST_CASE_FIXTURE(DoctorFixture, "a policy without requests left is waited for, or ends it") {
  for (const auto& [reset, asked] : {std::pair("20", 13U), std::pair("200", 3U)}) {
    change = [reset = reset](const Request& request, Answer& answer) {
      if (request.number == 2)
        SetHeader(answer, "ratelimit", "\"burst\";r=0;t=" + std::string(reset));
    };
    const Instant before = clock.Now();
    Run();
    CHECK(requests.size() == asked);
    if (asked == 13) CHECK(clock.Now().steady - before.steady >= Seconds(20));
    CHECK(examination->stopped.empty() == (asked == 13));
  }
}

TEST_CASE_FIXTURE(DoctorFixture,
                  "what passes is asked once more, and no more often than announced") {
  const auto fail = [](Answer& answer) {
    answer.result.value().status = 503;
    BodyOf(answer) = "<html>";
  };
  change = [&](const Request& request, Answer& answer) {
    if (request.number == 2) fail(answer);
  };
  Run();
  CHECK(requests.size() == 14);
  CHECK(NotOk() == std::set<std::string>());
  change = [&](const Request& request, Answer& answer) {
    if (request.number >= 2) fail(answer);
  };
  Run();
  CHECK(requests.size() == 16);
  CHECK(requests.size() <= examination->plan.most_requests);
  CHECK(RequestsTold(*this) == requests.size());
  CHECK(Row("15m over 1d").verdict == Verdict::kRefused);
}

TEST_CASE_FIXTURE(DoctorFixture, "no more is asked than api.rate_limit allows in 5 minutes") {
  subject.api.rate_limit = 5;
  Run();
  CHECK(requests.size() == 5);
  CHECK(Row("1d over 28d").verdict == Verdict::kOk);
  CHECK(Row("1w over 52w").verdict == Verdict::kNotAsked);
  CHECK_FALSE(IsAllWell(*examination, rows));
}

TEST_CASE_FIXTURE(DoctorFixture, "an interrupt ends it with what was found") {
  stop = [](const ScriptedHttpClient& http) { return http.requests().size() >= 4; };
  Run();
  CHECK(Row("15m over 1d").verdict == Verdict::kOk);
  CHECK(Row("1h over 28d").found == "not asked: it was interrupted");
  // With the one that was in flight.
  CHECK(RequestsTold(*this) == 4);
  CHECK(DoctorText(*examination, rows, {.columns = 100}).find(" by 4 requests") !=
        std::string::npos);
  CHECK_FALSE(IsAllWell(*examination, rows));
}

TEST_CASE_FIXTURE(DoctorFixture, "answers that take for ever end it after four minutes") {
  subject.api.timeout = Seconds(600);
  change = [](const Request&, Answer& answer) { answer.takes = Seconds(100); };
  const Instant before = clock.Now();
  Run();
  CHECK(clock.Now().steady - before.steady <= Seconds(241));
  CHECK(requests.size() == 3);
  CHECK(RequestsTold(*this) == 3);
  CHECK(Row("1w over 52w").found == "not asked: it took longer than 4 minutes");
}

TEST_CASE_FIXTURE(DoctorFixture,
                  "of thousands of queries the first are asked, as the daemon would") {
  subject.queries.clear();
  for (int i = 0; i < 2000; ++i) {
    Query query =
        QueryNamed("q" + std::to_string(i), AggInterval::k1d, std::to_string(1 + i % 27) + "d");
    (void)query.filters.Add(Dimension::kSpf, "FAIL");
    query.poll_interval = Seconds(3600 + i);
    subject.queries.push_back(query);
  }
  Run();
  CHECK(requests.size() == 21);
  CHECK(examination->plan.queries.size() == 8);
  CHECK(examination->plan.left_out == 1992);
  CHECK(AnnouncementText(subject, examination->plan)
            .find("Of the 2000 configured queries 8 are asked; 1992 are left out.") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(DoctorFixture, "the configured queries never need more than eight requests") {
  subject.api.max_series_per_request = 2;
  for (int alone = 0; alone < 12; ++alone) {
    CAPTURE(alone);
    subject.queries.clear();
    const auto add = [&](int days) {
      Query query = QueryNamed("q" + std::to_string(subject.queries.size()), AggInterval::k1d,
                               std::to_string(days) + "d");
      (void)query.filters.Add(Dimension::kSpf, days % 2 == 0 ? "FAIL" : "PASS");
      subject.queries.push_back(std::move(query));
    };
    for (int i = 0; i < alone; ++i) add(1 + i);
    for (int i = 0; i < 3; ++i) {
      add(20 + i);
      add(20 + i);
    }
    for (int i = 0; i < 3; ++i) add(24 + i);
    const PlannedExamination plan = PlanExamination(subject);
    const auto count = [&](Step step) {
      return std::ranges::count(plan.requests, step, &PlannedRequest::step);
    };
    const auto shared = std::ranges::count_if(plan.requests, [](const PlannedRequest& planned) {
      return planned.step == Step::kConfigured && planned.queries.size() > 1;
    });
    CHECK(plan.requests.size() <= 13 + 8);
    CHECK(count(Step::kAlone) == (shared > 0 ? 1 : 0));
    CHECK(plan.queries.size() + plan.left_out == subject.queries.size());
  }
}

// A query for each result of DMARC with each value of the other dimension.
void AddForEachPair(Subject& subject, Dimension other, const std::string& range) {
  for (const std::string_view dmarc : LegalValues(Dimension::kDmarc)) {
    for (const std::string_view value : LegalValues(other)) {
      Query query =
          QueryNamed("q" + std::to_string(subject.queries.size()), AggInterval::k1d, range);
      (void)query.filters.Add(Dimension::kDmarc, dmarc);
      (void)query.filters.Add(other, value);
      subject.queries.push_back(query);
    }
  }
}

TEST_CASE_FIXTURE(DoctorFixture, "too many queries for a request are told how many may share one") {
  subject.queries.clear();
  options.max_series = 10;
  subject.api.max_series_per_request = 50;
  AddForEachPair(subject, Dimension::kTlsVersion, "28d");
  Run();
  CHECK(requests.size() == 15);
  CHECK(Row("query q11").verdict == Verdict::kRefused);
  CHECK(Row("query q11").change.starts_with("Set api.max_series_per_request: 10;"));
  CHECK(Row("fifty series").change == "Set api.max_series_per_request: 10.");
}

TEST_CASE_FIXTURE(DoctorFixture, "a control period counts as a series of the request") {
  subject.queries.clear();
  subject.api.max_series_per_request = 20;
  AddForEachPair(subject, Dimension::kSpf, "14d");
  for (Query& query : subject.queries) query.control = true;
  const int limit = options.max_series;
  options.max_series = 10;
  Run();
  for (const Query& query : subject.queries) {
    CAPTURE(query.name);
    CHECK(Row("query " + query.name).verdict == Verdict::kRefused);
    CHECK(Row("query " + query.name).change.starts_with("Set api.max_series_per_request: 10;"));
  }
  // Of one query, a smaller number is no remedy.
  subject.queries.erase(subject.queries.begin() + 1, subject.queries.end());
  options.max_series = 1;
  Run();
  CHECK(Row("query q0").verdict == Verdict::kRefused);
  CHECK(Row("query q0").change == "Remove control: true from it.");

  // Accepted, and mixed up from three series on.
  options.max_series = limit;
  subject.queries.push_back(subject.queries.front());
  subject.queries.back().name = "q1";
  subject.queries.back().filters = {};
  (void)subject.queries.back().filters.Add(Dimension::kDmarc, "PASS");
  (void)subject.queries.back().filters.Add(Dimension::kSpf, "PASS");
  Exchanged(3, 100)(*this);
  Run();
  CHECK(Row("two series").verdict == Verdict::kOk);
  CHECK(Row("query q0").verdict == Verdict::kDifferent);
  CHECK(Row("query q0").found.find("from a request of 4 series: see ") != std::string::npos);
  CHECK(Row("query q0").change == "Set api.max_series_per_request: 2.");
}

TEST_CASE_FIXTURE(DoctorFixture, "an answer of whatever form is judged, and is never all well") {
  for (
      const char* const body :
      {"", "null", "[]", "{}", R"({"success":true})", R"({"success":true,"result":[]})",
       R"({"success":true,"result":{}})", R"({"success":true,"result":{"meta":null}})",
       R"({"success":true,"result":{"meta":{},"serie_0":{}}})",
       R"({"success":true,"result":{"meta":{"dateRange":[],"confidenceInfo":[],"units":{}},"serie_0":[]}})",
       R"({"success":true,"result":{"meta":[],"serie_0":{"timestamps":{},"SPOOF":1,"NOT_SPOOF":[]}}})",
       R"({"success":true,"result":{"meta":{"lastUpdated":5},"a":{"timestamps":["x"],"SPOOF":[{}],"NOT_SPOOF":[[]]}}})",
       "\xff\xfe"}) {
    CAPTURE(std::string(body));
    change = [body](const Request&, Answer& answer) { answer = {Response(200, body)}; };
    Run();
    CHECK_FALSE(IsAllWell(*examination, rows));
    CHECK(DoctorJson(*examination, rows).size() > 100);
    for (const int columns : {1, 20, 80, 300}) {
      CHECK(DoctorText(*examination, rows, {.columns = columns}).size() > 100);
    }
  }
}

TEST_CASE_FIXTURE(DoctorFixture, "no secret comes out, however the API echoes it") {
  const std::string secret(kToken);
  const std::string account = "0123456789abcdef0123456789abcdef";
  change = [&](const Request& request, Answer& answer) {
    auto& headers = answer.result.value().headers;
    for (auto& [name, value] : headers) value += ", " + secret;
    headers.emplace_back("sunset", secret + " you@example.com " + account);
    Replace(answer, "\"annotations\":\\[\\]",
            R"("annotations":[{"eventType":")" + secret + R"(","description":")" + account +
                R"("}],")" + secret + R"(":"you@example.com")");
    if (request.number % 3 == 1) {
      answer = Refusal(400, 2001, "for " + secret + " of you@example.com in " + account);
    }
  };
  Run();
  const std::string report =
      DoctorReport(*examination, rows, credentials.redactor, clock.Now().wall);
  const std::string all =
      report + DoctorJson(*examination, rows) + DoctorText(*examination, rows, {.columns = 100});
  CHECK(report.starts_with(kReportTitle));
  CHECK(all.find("[redacted]") != std::string::npos);
  for (const std::string& canary :
       {secret, secret.substr(0, 8), secret.substr(8), account, std::string("you@example.com")}) {
    CAPTURE(canary);
    CHECK(all.find(canary) == std::string::npos);
  }
}

TEST_CASE_FIXTURE(DoctorFixture,
                  "a terminal of 80 columns or more gets a table that fits, others paragraphs") {
  subject.queries.front().name = "a_name_that_is_longer_than_its_column";
  change = [](const Request& request, Answer& answer) {
    if (Has(request, "dateRange=28d")) answer = kTooFine;
  };
  Run();
  for (const int columns : {80, 100, 140}) {
    const std::string text = DoctorText(*examination, rows, {.columns = columns});
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(static_cast<int>(line.size()) <= columns);
    }
    CHECK(text.find("Check           Verdict    The exporter relies on") == 0);
    CHECK(text.find("\n                           -> Give it date_range: 7d") != std::string::npos);
  }
  const std::string narrow = DoctorText(*examination, rows, {.columns = 40});
  CHECK(narrow.find("1h over 28d: refused\n  expected: ") != std::string::npos);
}

TEST_CASE_FIXTURE(DoctorFixture, "docs/api.md has the rows that there are, in their order") {
  std::ifstream file(RADAR_SPOOF_SOURCE_DIR "/docs/api.md");
  std::vector<std::string> documented;
  bool is_there_yet = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) is_there_yet = line == "## The facts";
    if (!is_there_yet) continue;
    std::smatch match;
    static const std::regex kRow("^\\| `([^`]+)` \\|.*");
    if (std::regex_match(line, match, kRow)) documented.push_back(match[1]);
  }
  std::vector<std::string> there;
  Run();
  for (const CheckRow& row : rows) {
    there.push_back(row.name == "query mine" ? "query NAME" : row.name);
  }
  CHECK(documented == there);
}

}  // namespace
}  // namespace radar_spoof
