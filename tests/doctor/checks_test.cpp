// Each row both ways: the simulator in the test's own process, and what is done to its answers.
#include "src/doctor/checks.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <doctest/doctest.h>

#include "src/doctor/doctor_text.h"
#include "support/simulated_api.h"

namespace radar_spoof {
namespace {

using namespace test;
using Request = ScriptedHttpClient::Request;
using Answer = ScriptedHttpClient::Answer;

std::string HttpDate(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  std::array<char, 40> text{};
  gmtime_r(&seconds, &parts);
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

Query QueryNamed(std::string name, AggInterval interval, const std::string& range) {
  return {.name = std::move(name),
          .filters = {},
          .agg_interval = interval,
          .date_range = DateRange::Parse(range).value(),
          .poll_interval = Length(interval)};
}

struct DoctorFixture {
  DoctorFixture() {
    subject.api.base_url = "http://127.0.0.1:1/client/v4";
    subject.queries = {QueryNamed("mine", AggInterval::k1h, "28d")};
    options.data.volume = 80;
    options.credentials.token = std::string(kToken);
  }

  Examination Ask() {
    SimulatedApi api(clock, options);
    ScriptedHttpClient http(clock, [&](const Request& request) {
      Answer answer = api(request);
      if (answer.result) {
        answer.result.value().headers.emplace_back("date", HttpDate(clock.Now().wall));
      }
      if (change) change(request, answer);
      return answer;
    });
    http.labels_series = false;
    Examination made = Examine(
        subject, credentials, http, clock,
        {[](const PlannedRequest&) {}, [](const AskedRequest&) {}, [&] { return stop(http); }});
    requests = http.requests();
    return made;
  }

  void Run() {
    examination.emplace(Ask());
    rows = Judge(*examination, credentials.redactor);
  }

  const CheckRow& Row(std::string_view name) const {
    const auto found = std::ranges::find(rows, name, &CheckRow::name);
    REQUIRE(found != rows.end());
    return *found;
  }

  std::set<std::string> NotOk() const {
    std::set<std::string> names;
    for (const CheckRow& row : rows) {
      if (row.verdict != Verdict::kOk) names.insert(row.name);
    }
    return names;
  }

  FakeClock clock{*ParseRfc3339("2026-06-09T12:34:00Z")};
  simulator::SimulatorOptions options;
  Subject subject;
  CredentialsInUse credentials{BearerToken{Secret(std::string(kToken))}};
  std::function<void(const Request&, Answer&)> change;
  std::function<bool(const ScriptedHttpClient&)> stop = [](const auto&) { return false; };
  std::vector<Request> requests;
  std::optional<Examination> examination;
  std::vector<CheckRow> rows;
};

std::string& BodyOf(Answer& answer) { return answer.result.value().body; }

void Replace(Answer& answer, const std::string& pattern, const std::string& by) {
  BodyOf(answer) = std::regex_replace(BodyOf(answer), std::regex(pattern), by);
}

void SetHeader(Answer& answer, const std::string& name, const std::string& value) {
  auto& headers = answer.result.value().headers;
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  if (!value.empty()) headers.emplace_back(name, value);
}

Answer Refusal(int status, int code, const std::string& message) {
  return {Response(status, ErrorAnswer(code, message))};
}

bool Has(const Request& request, std::string_view text) {
  return request.url.find(text) != std::string::npos;
}

TEST_CASE_FIXTURE(DoctorFixture, "everything is ok with the simulator as it is") {
  Run();
  CHECK(NotOk() == std::set<std::string>());
  CHECK(IsAllWell(*examination, rows));
  CHECK(examination->asked.size() == 12);  // the configured query is among the general ones
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

struct Lie {
  const char* what;
  std::function<void(DoctorFixture&)> tell;
  const char* row;
  Verdict verdict;
  const char* found;   // a part of it
  const char* change;  // likewise
};

// What is done to every answer that is one.
std::function<void(DoctorFixture&)> EachBody(const std::string& pattern, const std::string& by) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=](const Request&, Answer& answer) { Replace(answer, pattern, by); };
  };
}

std::function<void(DoctorFixture&)> EachHeader(const std::string& name, const std::string& value) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=](const Request&, Answer& answer) { SetHeader(answer, name, value); };
  };
}

// Those whose URL has one of these parts are answered so.
std::function<void(DoctorFixture&)> Refusing(std::vector<std::string> parts, Answer with) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=](const Request& request, Answer& answer) {
      for (const std::string& part : parts) {
        if (Has(request, part)) answer = with;
      }
    };
  };
}

// With `value` for each percentage.
std::function<void(DoctorFixture&)> EachValue(const std::function<std::string(double)>& value) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=](const Request&, Answer& answer) {
      static const std::regex kPercentage(R"re("(\d+\.\d+)")re");
      const std::string body = BodyOf(answer);
      std::string changed;
      auto from = body.begin();
      for (std::sregex_iterator it(body.begin(), body.end(), kPercentage), end; it != end; ++it) {
        changed.append(from, body.begin() + it->position());
        changed += value(std::stod((*it)[1]));
        from = body.begin() + it->position() + it->length();
      }
      changed.append(from, body.end());
      BodyOf(answer) = changed;
    };
  };
}

// Each timestamp so much later.
std::function<void(DoctorFixture&)> TimesLater(const std::function<Seconds(const Request&)>& by) {
  return [=](DoctorFixture& fixture) {
    fixture.change = [=](const Request& request, Answer& answer) {
      static const std::regex kTimes(R"re("timestamps":\[[^\]]*\])re");
      static const std::regex kTime(R"re(\d{4}-[^"]*Z)re");
      const std::string body = BodyOf(answer);
      std::string changed;
      auto from = body.begin();
      for (std::sregex_iterator it(body.begin(), body.end(), kTimes), end; it != end; ++it) {
        changed.append(from, body.begin() + it->position());
        std::string times = it->str();
        std::string later;
        auto at = times.begin();
        for (std::sregex_iterator each(times.begin(), times.end(), kTime); each != end; ++each) {
          later.append(at, times.begin() + each->position());
          later += FormatRfc3339(*ParseRfc3339(each->str()) + by(request));
          at = times.begin() + each->position() + each->length();
        }
        later.append(at, times.end());
        changed += later;
        from = body.begin() + it->position() + it->length();
      }
      changed.append(from, body.end());
      BodyOf(answer) = changed;
    };
  };
}

// What the simulator answers to another URL.
std::function<void(DoctorFixture&)> AsIfAsked(
    const std::function<std::string(const std::string&)>& url) {
  return [=](DoctorFixture& fixture) {
    const auto api = std::make_shared<SimulatedApi>(fixture.clock, fixture.options);
    fixture.change = [=](const Request& request, Answer& answer) {
      Request other = request;
      other.url = url(request.url);
      if (other.url != request.url) answer = (*api)(other);
    };
  };
}

// Without the filters behind that place.
std::string WithoutFilters(const std::string& url, std::size_t from) {
  static const std::regex kFilter("&(arc|dkim|dmarc|spf|tlsVersion)=[^&]*");
  if (from == std::string::npos) return url;
  return url.substr(0, from) + std::regex_replace(url.substr(from), kFilter, "");
}

std::string WithoutLaterFilters(const std::string& url) {
  return WithoutFilters(url, url.find("&name=s1_"));
}

Seconds IntervalOf(const Request& request) {
  for (const AggInterval interval : kAllAggIntervals) {
    if (Has(request, "aggInterval=" + std::string(RequestName(interval)))) return Length(interval);
  }
  return Seconds(0);
}

std::function<void(DoctorFixture&)> With(
    const std::function<void(simulator::SimulatorOptions&)>& set) {
  return [=](DoctorFixture& fixture) { set(fixture.options); };
}

const Answer kTooFine = Refusal(400, 2001, "aggregation interval is too low for date range");
const Answer kNoDimension = Refusal(400, 2001, "Invalid option for dimension.");
const Answer kPage{
    HttpResponse{200, {{"content-type", "text/html"}}, "<!DOCTYPE html><html></html>"}};

const std::vector<Lie>& Lies() {
  using enum Verdict;
  static const std::vector<Lie> lies = {
      {"a clock that is 5 minutes behind", EachHeader("date", "Tue, 09 Jun 2026 12:29:00 GMT"),
       "clock", kDifferent, "the API's clock is 5 minutes behind", "timedatectl"},
      {"a clock that is a minute and 59 seconds ahead",
       EachHeader("date", "Tue, 09 Jun 2026 12:35:59 GMT"), "clock", kDifferent,
       "the API's clock is 2 minutes ahead of this host's", "timedatectl"},
      {"a clock that is behind", EachHeader("date", "Tue, 09 Jun 2026 12:04:00 GMT"), "clock",
       kDifferent, "the API's clock is 30 minutes behind this host's", "timedatectl"},
      {"no Date", EachHeader("date", ""), "clock", kNotSeen, "no answer has", ""},
      {"a Date that is none", EachHeader("date", "yesterday"), "clock", kDifferent, "is no date",
       ""},
      {"slow answers",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request&, Answer& answer) {
           answer.takes = Milliseconds(11'000);
         };
       },
       "latency", kDifferent, "11000 ms at most", "Raise api.timeout"},
      {"requests that time out",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request& request, Answer& answer) {
           if (request.number > 2) answer = {Failure(FailureReason::kTimeout, "no answer")};
         };
       },
       "latency", kDifferent, "without a complete answer in time", "Raise api.timeout"},
      {"a token that is unknown", With([](auto& options) { options.credentials.token = "other"; }),
       "token", kRefused, "HTTP 403, API error 10000", "docs/token.md"},
      {"a token that is refused once",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request& request, Answer& answer) {
           if (request.number == 4) answer = Refusal(403, 10000, "Authentication error");
         };
       },
       "token", kDifferent, "accepted, but once HTTP 403", "under load"},
      {"the path is gone", Refusing({"/spoof?"}, Refusal(404, 7003, "Not Found")), "path", kRefused,
       "HTTP 404", "Set api.path: /radar/email/security/timeseries_groups/SPOOF"},
      {"the path redirects",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request&, Answer& answer) {
           answer = {Response(301, "", {{"location", "https://elsewhere.example/x"}})};
         };
       },
       "path", kRefused, "redirects are not followed, to elsewhere.example", "api.base_url"},
      {"a pair redirects",
       Refusing({"aggInterval=1w"}, {Response(301, "", {{"location", "https://elsewhere.example/"}})}),
       "1w over 52w", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"a query redirects",
       Refusing({"dateRange=28d"}, {Response(301, "", {{"location", "https://elsewhere.example/"}})}),
       "query mine", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"a list redirects",
       Refusing({"spf=FAIL,PASS"}, {Response(301, "", {{"location", "https://elsewhere.example/"}})}),
       "comma list", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"both paths redirect",
       Refusing({"/client/"}, {Response(301, "", {{"location", "https://elsewhere.example/"}})}),
       "other path", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"pages for people", Refusing({"/client/"}, kPage), "path", kDifferent, "without JSON",
       "api.base_url"},
      {"the path's end is announced", EachHeader("sunset", "Thu, 31 Dec 2026 00:00:00 GMT"), "path",
       kDifferent, "announces its end: sunset Thu, 31 Dec 2026", "Set api.path"},
      {"the successor is no dimension", Refusing({"/SPOOF?"}, kNoDimension), "other path", kRefused,
       ".../SPOOF: HTTP 400, API error 2001: Invalid option for dimension.", "Nothing"},
      {"the successor does not answer in time",
       Refusing({"/SPOOF?"}, {Failure(FailureReason::kTimeout, "no answer")}), "other path",
       kDifferent, "no answer", ""},
      {"the path does not answer in time, and is reached",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request& request, Answer& answer) {
           if (request.number == 0) answer = {Response(503, "")};
           if (request.number == 1) answer = {Failure(FailureReason::kTimeout, "no answer")};
         };
       },
       "path", kDifferent, "no complete answer in time", ""},
      {"the path does not succeed", EachBody("\"success\":true", "\"success\":false"), "path",
       kDifferent, "`success` is false", "Ask again"},
      {"the successor has no series",
       Refusing({"/SPOOF?"}, {Response(200, R"({"success":true,"result":{}})")}), "other path",
       kNotSeen, "nothing to compare", ""},
      {"the path has no other spelling",
       [](DoctorFixture& fixture) {
         fixture.subject.api.path = "/radar/email/security/timeseries_groups/Spoof";
       },
       "other path", kNotSeen, "no other spelling", ""},
      {"the successor has other numbers",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request& request, Answer& answer) {
           if (Has(request, "/SPOOF?")) Replace(answer, R"re("(\d)(\d)\.)re", "\"$2$1.");
         };
       },
       "other path", kDifferent, "numbers are the same", "Keep api.path"},
      {"15m is refused", Refusing({"aggInterval=15m"}, kTooFine), "15m over 1d", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"1h over 7d is refused", Refusing({"aggInterval=1h"}, kTooFine), "1h over 7d", kRefused,
       "too low for date range", "Give agg_interval: 1d and date_range: 28d to: mine"},
      {"1h over 28d is refused",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request& request, Answer& answer) {
           if (Has(request, "aggInterval=1h") && Has(request, "dateRange=28d")) answer = kTooFine;
         };
       },
       "1h over 28d", kRefused, "too low for date range", "Give date_range: 7d to: mine"},
      {"1d over 28d is refused", Refusing({"aggInterval=1d"}, kTooFine), "1d over 28d", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"1w over 52w is refused", Refusing({"aggInterval=1w"}, kTooFine), "1w over 52w", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"a configured query is refused", Refusing({"dateRange=28d"}, kTooFine), "query mine",
       kRefused, "too low for date range", "Give it date_range: 7d"},
      {"a configured query with a control period is refused for that",
       [](DoctorFixture& fixture) {
         Refusing({"control"}, Refusal(400, 2001, "dateRange: not valid"))(fixture);
         fixture.subject.queries.front().control = true;
       },
       "query mine", kRefused, "dateRange: not valid", "Remove control: true from it."},
      {"a configured query with a list is refused for that",
       [](DoctorFixture& fixture) {
         Refusing({"FAIL,"}, Refusal(400, 2001, "not valid"))(fixture);
         (void)fixture.subject.queries.front().filters.Add(Dimension::kDmarc, "FAIL");
         (void)fixture.subject.queries.front().filters.Add(Dimension::kDmarc, "NONE");
       },
       "query mine", kRefused, "not valid", "Write one query for each value"},
      {"names are ignored",
       With([](auto& options) { options.series_names = simulator::SeriesNames::kIgnored; }),
       "names", kDifferent, "came back as serie_0", "asks without names"},
      {"names are refused",
       With([](auto& options) { options.series_names = simulator::SeriesNames::kRefused; }),
       "names", kRefused, "answered without names", "asks without names"},
      {"names are written in capitals", EachBody(R"re("s(\d+_))re", "\"S$1"), "names", kDifferent,
       "came back as S0_", "issue"},
      {"one series a request", With([](auto& options) { options.max_series = 1; }), "two series",
       kRefused, "HTTP 422, API error 2002", "Nothing: api.max_series_per_request is 1"},
      {"four series a request", With([](auto& options) { options.max_series = 4; }), "ten series",
       kRefused, "HTTP 422", "Nothing"},
      {"ten series a request",
       [](DoctorFixture& fixture) {
         fixture.options.max_series = 10;
         fixture.subject.api.max_series_per_request = 50;
       },
       "fifty series", kRefused, "HTTP 422", "Set api.max_series_per_request: 10."},
      {"the second series is left out", EachBody(R"re("s1_\w+":\{[^}]*\},)re", ""), "two series",
       kDifferent, "1 of 2 came back", ""},
      {"a filter holds for the first series only",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request&, Answer& answer) {
           std::string& body = BodyOf(answer);
           const std::size_t one = body.find("\"s0_");
           const std::size_t other = body.find("\"s1_");
           if (one == std::string::npos || other == std::string::npos) return;
           const std::size_t begin = body.find('{', one);
           const std::string series = body.substr(begin, body.find('}', one) + 1 - begin);
           const std::size_t at = body.find('{', other);
           body.replace(at, body.find('}', other) + 1 - at, series);
         };
       },
       "two series", kDifferent, "all with the same numbers", ""},
      {"of two series the second is not filtered", AsIfAsked(WithoutLaterFilters), "two series",
       kDifferent, "1 with the numbers of all mail", "Nothing: api.max_series_per_request is 1"},
      {"of ten series the first alone is filtered", AsIfAsked(WithoutLaterFilters), "ten series",
       kDifferent, "9 with the numbers of all mail", "Nothing: api.max_series_per_request is 1"},
      {"filters are ignored",
       [](DoctorFixture& fixture) {
         AsIfAsked([](const std::string& url) { return WithoutFilters(url, 0); })(fixture);
         (void)fixture.subject.queries.front().filters.Add(Dimension::kDmarc, "FAIL");
       },
       "query mine", kDifferent, "its filters are ignored", "Do not use the numbers"},
      {"lists are refused",
       [](DoctorFixture& fixture) {
         Refusing({"spf=PASS,FAIL", "spf=FAIL,PASS"},
                  Refusal(400, 2001, "spf: not valid"))(fixture);
         Query& mine = fixture.subject.queries.front();
         (void)mine.filters.Add(Dimension::kDmarc, "FAIL");
         (void)mine.filters.Add(Dimension::kDmarc, "NONE");
       },
       "comma list", kRefused, "spf: not valid", "Write one query for each value instead of: mine"},
      {"of lists the first counts",
       AsIfAsked([](const std::string& url) { return std::regex_replace(url, std::regex("spf=(\\w+),\\w+"), "spf=$1"); }),
       "comma list", kDifferent, "of the two values counts", "Nothing: no configured query"},
      {"lists are ignored",
       AsIfAsked([](const std::string& url) { return std::regex_replace(url, std::regex("&spf=\\w+,\\w+"), ""); }),
       "comma list", kDifferent, "those of all mail", ""},
      {"of lists the first counts, in a query",
       [](DoctorFixture& fixture) {
         AsIfAsked([](const std::string& url) {
           return std::regex_replace(url, std::regex("(spf=\\w+),\\w+"), "$1");
         })(fixture);
         Query& mine = fixture.subject.queries.front();
         (void)mine.filters.Add(Dimension::kSpf, "PASS");
         (void)mine.filters.Add(Dimension::kSpf, "FAIL");
       },
       "query mine", kDifferent, "see comma list", "Write one query for each value"},
      {"control periods are refused",
       [](DoctorFixture& fixture) {
         Refusing({"control"}, Refusal(400, 2001, "dateRange: not valid"))(fixture);
         fixture.subject.queries.front().control = true;
       },
       "control period", kRefused, "dateRange: not valid", "Remove control: true from: mine"},
      {"a control period is the period itself",
       AsIfAsked([](const std::string& url) { return std::regex_replace(url, std::regex("control"), ""); }),
       "control period", kDifferent, "169 buckets, not earlier", "Nothing: no configured query"},
      {"an answer that does not succeed", EachBody("\"success\":true", "\"success\":false"),
       "envelope", kDifferent, "`success` is false", "Ask again"},
      {"a token that an answer of 200 refuses",
       Refusing({"/client/"},
                {Response(200, R"({"success":false,"errors":[{"code":10000}],"result":{}})")}),
       "token", kNotSeen, "no answer shows whether", ""},
      {"no timestamps",
       With([](auto& options) { options.answer_form = simulator::AnswerForm::kWithoutTimestamps; }),
       "timestamps", kDifferent, "missing", "placed by meta.dateRange"},
      {"times with an offset", EachBody(R"re((:00)Z")re", "$1+00:00\""), "timestamps", kDifferent,
       "is not written in UTC", "copes"},
      {"times without a zone", EachBody(R"re((:00:00)Z",)re", "$1\","), "timestamps", kDifferent,
       "is no RFC 3339 time", "issue"},
      {"times that are ends",
       TimesLater([](const Request& request) { return IntervalOf(request) - Seconds(1); }),
       "timestamps", kDifferent, "is no start of a bucket", "issue"},
      {"weeks that begin on Sunday", TimesLater([](const Request& request) {
         return Seconds(IntervalOf(request) == Length(AggInterval::k1w) ? -86400 : 0);
       }),
       "timestamps", kDifferent, "is a Sunday", "issue"},
      {"times of whole intervals that are ends",
       TimesLater([](const Request& request) { return IntervalOf(request); }), "newest bucket",
       kDifferent, "are these ends?", "issue"},
      {"times that are ends, without the bucket that is filling",
       [](DoctorFixture& fixture) {
         TimesLater([](const Request& request) { return IntervalOf(request); })(fixture);
         fixture.change = [later = fixture.change](const Request& request, Answer& answer) {
           later(request, answer);
           Replace(answer, R"re(,("[^"]*"|null)\])re", "]");
         };
       },
       "timestamps", kDifferent, "they may be the ends of buckets", "issue"},
      {"data that end early",
       TimesLater([](const Request& request) { return -4 * IntervalOf(request); }), "newest bucket",
       kDifferent, "though lastUpdated is", "Nothing"},
      {"another range", EachBody(R"re("startTime":"\d{4})re", "\"startTime\":\"2020"), "date range",
       kDifferent, "startTime", "without timestamps"},
      {"another interval", EachBody("ONE_DAY", "ONE_HOUR"), "interval", kDifferent, "ONE_HOUR", ""},
      {"another normalization", EachBody("PERCENTAGE", "MIN0_MAX"), "normalization", kDifferent,
       "MIN0_MAX", "issue"},
      {"another unit", EachBody("\"requests\"", "\"messages\""), "units", kDifferent, "text", ""},
      {"numbers without quotes", EachValue([](double value) { return std::to_string(value); }),
       "values", kDifferent, "numbers without quotes", "copes"},
      {"ratios", EachValue([](double value) { return '"' + std::to_string(value / 100) + '"'; }),
       "values", kDifferent, "ratios", "a hundredth"},
      {"ratios, in their sums",
       EachValue([](double value) { return '"' + std::to_string(value / 100) + '"'; }), "sums",
       kDifferent, "other than 100", "See values."},
      {"ratios, seen by a query",
       EachValue([](double value) { return '"' + std::to_string(value / 100) + '"'; }),
       "query mine", kDifferent, "a hundredth of what it should be", "issue"},
      {"words for values", EachValue([](double) { return "\"many\""; }), "values", kDifferent,
       "are no percentages", "issue"},
      {"sums over 100",
       EachValue([](double value) { return '"' + std::to_string(value * 1.1) + '"'; }), "sums",
       kDifferent, "other than 100", "refuses sums over 100"},
      {"a class that is not listed",
       With([](auto& options) { options.data.classes = simulator::Classes::kUnlisted; }), "sums",
       kDifferent, "other than 100", "the share of all mail"},
      {"a third class",
       With([](auto& options) { options.data.classes = simulator::Classes::kThree; }), "classes",
       kDifferent, "there is also UNKNOWN", "Nothing"},
      {"a class of another name", EachBody("\"SPOOF\"", "\"spoofed\""), "classes", kDifferent,
       "lack one of them; there is also spoofed", "issue"},
      {"half a bucket",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request&, Answer& answer) {
           Replace(answer, R"re("SPOOF":\["[\d.]+")re", "\"SPOOF\":[null");
         };
       },
       "empty buckets", kDifferent, "nothing in one class", "refuses"},
      {"no empty bucket", With([](auto& options) { options.data.volume = 1e12; }), "empty buckets",
       kNotSeen, "no bucket was empty", ""},
      {"no confidence",
       With([](auto& options) { options.data.confidence = simulator::Confidence::kNull; }),
       "confidence", kDifferent, "none in 12 answers", "do not fire"},
      {"level 0", EachBody("\"level\":5", "\"level\":0"), "confidence", kDifferent,
       "0 in 12 answers", "do not fire"},
      {"annotations that are no list", EachBody("\"annotations\":\\[\\]", "\"annotations\":{}"),
       "annotations", kDifferent, "an object; expected an array", "issue"},
      {"an event type that is new",
       EachBody("\"annotations\":\\[\\]",
                R"("annotations":[{"eventType":"SOLAR_FLARE","startDate":"2026-06-01T00:00:00Z",)"
                R"("endDate":"2026-06-02T00:00:00Z"}])"),
       "annotations", kDifferent, "SOLAR_FLARE", "OTHER"},
      {"data that are hours behind", With([](auto& options) { options.lag = Seconds(3 * 3600); }),
       "lag", kDifferent, "3 hours ago", "Nothing"},
      {"data that are too old", With([](auto& options) { options.lag = Seconds(8 * 3600); }), "lag",
       kDifferent, "8 hours ago", "polling.max_data_age; too old for: mine"},
      {"a value that is too old", With([](auto& options) { options.lag = Seconds(8 * 3600); }),
       "query mine", kDifferent, "too old to be shown", "polling.max_data_age"},
      {"no lastUpdated", EachBody("\"lastUpdated\":\"[^\"]*\",", ""), "lag", kDifferent,
       "it is missing", "refuses"},
      {"no Ratelimit", EachHeader("ratelimit", ""), "rate limit", kDifferent, "on 0", "Nothing"},
      {"a policy that cannot be read", EachHeader("ratelimit-policy", "plenty"), "budget", kNotSeen,
       "", ""},
      {"headers that cannot be read",
       [](DoctorFixture& fixture) {
         fixture.change = [](const Request&, Answer& answer) {
           SetHeader(answer, "ratelimit", "plenty");
           SetHeader(answer, "ratelimit-policy", "plenty");
         };
       },
       "rate limit", kDifferent, "cannot be read: plenty", "copes"},
      {"a policy that cannot be read beside what remains", EachHeader("ratelimit-policy", "plenty"),
       "rate limit", kDifferent, "cannot be read: plenty", "copes"},
      {"a small policy", EachHeader("ratelimit-policy", "\"burst\";q=60;w=60"), "budget",
       kDifferent, "300 requests in 5 minutes (policy burst)", "Set api.rate_limit: 300"},
      {"a policy that the queries pass",
       [](DoctorFixture& fixture) {
         EachHeader("ratelimit-policy", "\"tiny\";q=20;w=300")(fixture);
         fixture.subject.queries.front().poll_interval = Seconds(10);
       },
       "budget", kDifferent, "the queries need 30", "Poll less"},
      {"too many requests", Refusing({"aggInterval=1w"}, Refusal(429, 971, "Please wait")),
       "rate limit", kRefused, "HTTP 429", "Ask again later"},
  };
  return lies;
}

TEST_CASE("each way in which an API differs is told in its row, with what to do") {
  for (const Lie& lie : Lies()) {
    CAPTURE(std::string(lie.what));
    DoctorFixture fixture;
    lie.tell(fixture);
    fixture.Run();
    const CheckRow& row = fixture.Row(lie.row);
    CAPTURE(row.found);
    CAPTURE(row.change);
    CHECK(Name(row.verdict) == Name(lie.verdict));
    CHECK(row.found.find(lie.found) != std::string::npos);
    CHECK(row.change.find(lie.change) != std::string::npos);
    CHECK(row.change.empty() == (lie.verdict == Verdict::kNotSeen));
    const bool differs = lie.verdict == Verdict::kDifferent || lie.verdict == Verdict::kRefused;
    if (differs) CHECK_FALSE(IsAllWell(*fixture.examination, fixture.rows));
  }
}

TEST_CASE_FIXTURE(DoctorFixture, "every row has been seen ok and otherwise") {
  std::set<std::string> otherwise = {"address", "proxy", "TLS"};  // below
  for (const Lie& lie : Lies()) otherwise.insert(lie.row);
  Run();
  std::set<std::string> rows_there;
  for (const CheckRow& row : rows) rows_there.insert(row.name);
  CHECK(otherwise == rows_there);
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
    CAPTURE(std::string(found));
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
  for (const auto& [reset, asked] : {std::pair("20", 12U), std::pair("200", 3U)}) {
    change = [reset = reset](const Request& request, Answer& answer) {
      if (request.number == 2)
        SetHeader(answer, "ratelimit", "\"burst\";r=0;t=" + std::string(reset));
    };
    const Instant before = clock.Now();
    Run();
    CHECK(requests.size() == asked);
    if (asked == 12) CHECK(clock.Now().steady - before.steady >= Seconds(20));
    CHECK(examination->stopped.empty() == (asked == 12));
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
  CHECK(requests.size() == 13);
  CHECK(NotOk() == std::set<std::string>());
  change = [&](const Request& request, Answer& answer) {
    if (request.number >= 2) fail(answer);
  };
  Run();
  CHECK(requests.size() == 15);
  CHECK(requests.size() <= examination->plan.most_requests);
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
  CHECK_FALSE(IsAllWell(*examination, rows));
}

TEST_CASE_FIXTURE(DoctorFixture, "answers that take for ever end it after four minutes") {
  subject.api.timeout = Seconds(600);
  change = [](const Request&, Answer& answer) { answer.takes = Seconds(100); };
  const Instant before = clock.Now();
  Run();
  CHECK(clock.Now().steady - before.steady <= Seconds(241));
  CHECK(requests.size() == 3);
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
  CHECK(requests.size() == 20);
  CHECK(examination->plan.queries.size() == 8);
  CHECK(examination->plan.left_out == 1992);
  CHECK(AnnouncementText(subject, examination->plan)
            .find("the first 8 are asked; 1992 are left out") != std::string::npos);
}

TEST_CASE_FIXTURE(DoctorFixture, "too many queries for a request are told how many may share one") {
  subject.queries.clear();
  options.max_series = 10;
  subject.api.max_series_per_request = 50;
  for (const std::string_view dmarc : LegalValues(Dimension::kDmarc)) {
    for (const std::string_view version : LegalValues(Dimension::kTlsVersion)) {
      Query query =
          QueryNamed("q" + std::to_string(subject.queries.size()), AggInterval::k1d, "28d");
      (void)query.filters.Add(Dimension::kDmarc, dmarc);
      (void)query.filters.Add(Dimension::kTlsVersion, version);
      subject.queries.push_back(query);
    }
  }
  Run();
  CHECK(requests.size() == 13);
  CHECK(Row("query q11").verdict == Verdict::kRefused);
  CHECK(Row("query q11").change.starts_with("Set api.max_series_per_request: 10;"));
  CHECK(Row("fifty series").change == "Set api.max_series_per_request: 10.");
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

TEST_CASE("docs/api.md has the rows that there are, in their order") {
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
  for (const CheckDescription& each : CheckCatalog()) there.emplace_back(each.name);
  CHECK(documented == there);
}

}  // namespace
}  // namespace radar_spoof
