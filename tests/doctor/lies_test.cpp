// Each row otherwise than ok, by one thing in which the API differs.
#include "doctor/doctor_fixture.h"

namespace radar_spoof {
namespace {

using namespace test;

struct Lie {
  const char* what;
  Tell tell;
  const char* row;
  Verdict verdict;
  const char* found;   // a part of it
  const char* change;  // likewise
};

const Answer kElsewhere = {Response(301, "", {{"location", "https://elsewhere.example/"}})};

const Tell kWithControl = Mine([](Query& mine) { mine.control = true; });

Tell Filtered(Dimension dimension, const std::vector<std::string_view>& values) {
  return Mine([=](Query& mine) {
    for (const std::string_view value : values) (void)mine.filters.Add(dimension, value);
  });
}

const Tell kRefuseSpfListsWithOneOfDmarc =
    Both(Refusing({"spf=PASS,FAIL", "spf=FAIL,PASS"}, Refusal(400, 2001, "spf: not valid")),
         Filtered(Dimension::kDmarc, {"FAIL", "NONE"}));

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
       Each([](const Request&, Answer& answer) {
         answer.takes = Milliseconds(11'000);
       }),
       "latency", kDifferent, "11000 ms at most", "Raise api.timeout"},
      {"requests that time out",
       Each([](const Request& request, Answer& answer) {
         if (request.number > 2) answer = {Failure(FailureReason::kTimeout, "no answer")};
       }),
       "latency", kDifferent, "without a complete answer in time", "Raise api.timeout"},
      {"a token that is unknown", With([](auto& options) { options.credentials.token = "other"; }),
       "token", kRefused, "HTTP 403, API error 10000", "docs/token.md"},
      {"a token that is refused once",
       Each([](const Request& request, Answer& answer) {
         if (request.number == 4) answer = Refusal(403, 10000, "Authentication error");
       }),
       "token", kDifferent, "accepted, but once HTTP 403", "under load"},
      {"the path is gone", Refusing({"/spoof?"}, Refusal(404, 7003, "Not Found")), "path", kRefused,
       "HTTP 404", "Set api.path: /radar/email/security/timeseries_groups/SPOOF"},
      {"the path redirects",
       Each([](const Request&, Answer& answer) {
         answer = {Response(301, "", {{"location", "https://elsewhere.example/x"}})};
       }),
       "path", kRefused, "redirects are not followed, to elsewhere.example", "api.base_url"},
      {"a pair redirects",
       Refusing({"aggInterval=1w"}, kElsewhere),
       "1w over 52w", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"a query redirects",
       Refusing({"dateRange=28d"}, kElsewhere),
       "query mine", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"a list redirects",
       Refusing({"spf=FAIL,PASS"}, kElsewhere),
       "comma list", kRefused, "to elsewhere.example", "Set api.base_url and api.path"},
      {"both paths redirect",
       Refusing({"/client/"}, kElsewhere),
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
       Each([](const Request& request, Answer& answer) {
         if (request.number == 0) answer = {Response(503, "")};
         if (request.number == 1) answer = {Failure(FailureReason::kTimeout, "no answer")};
       }),
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
       Each([](const Request& request, Answer& answer) {
         if (Has(request, "/SPOOF?")) Replace(answer, R"re("(\d)(\d)\.)re", "\"$2$1.");
       }),
       "other path", kDifferent, "numbers are the same", "Keep api.path"},
      {"15m is refused", Refusing({"aggInterval=15m"}, kTooFine), "15m over 1d", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"1h over 7d is refused", Refusing({"aggInterval=1h"}, kTooFine), "1h over 7d", kRefused,
       "too low for date range", "Give agg_interval: 1d and date_range: 28d to: mine"},
      {"connections break off again and again",
       Each([](const Request& request, Answer& answer) {
         if (request.number % 5 == 2) answer = {Failure(FailureReason::kTransport, "reset")};
       }),
       "address", kDifferent, "3 of 16 requests without an answer: reset", "firewall"},
      {"server errors again and again",
       Each([](const Request& request, Answer& answer) {
         if (request.number % 5 == 2) answer = {Response(503, "")};
       }),
       "path", kDifferent, "3 of 16 requests with HTTP 503", "status page"},
      {"the first interval is refused, as the path sees it",
       Refusing({"aggInterval=1h"}, kTooFine), "other path", kNotSeen, "nothing to compare", ""},
      {"1h over 28d is refused",
       Each([](const Request& request, Answer& answer) {
         if (Has(request, "aggInterval=1h") && Has(request, "dateRange=28d")) answer = kTooFine;
       }),
       "1h over 28d", kRefused, "too low for date range", "Give date_range: 7d to: mine"},
      {"1d over 28d is refused", Refusing({"aggInterval=1d"}, kTooFine), "1d over 28d", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"1w over 52w is refused", Refusing({"aggInterval=1w"}, kTooFine), "1w over 52w", kRefused,
       "too low for date range", "Nothing: no configured query"},
      {"a configured query is refused", Refusing({"dateRange=28d"}, kTooFine), "query mine",
       kRefused, "too low for date range", "Give it date_range: 7d"},
      {"a configured query with a control period is refused for that",
       Both(Refusing({"control"}, Refusal(400, 2001, "dateRange: not valid")), kWithControl),
       "query mine", kRefused, "dateRange: not valid", "Remove control: true from it."},
      {"a configured query with a list is refused for that",
       Both(Refusing({"FAIL,"}, Refusal(400, 2001, "not valid")),
            Filtered(Dimension::kDmarc, {"FAIL", "NONE"})),
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
       Each([](const Request&, Answer& answer) {
         std::string& body = BodyOf(answer);
         const std::size_t one = body.find("\"s0_");
         const std::size_t other = body.find("\"s1_");
         if (one == std::string::npos || other == std::string::npos) return;
         const std::size_t begin = body.find('{', one);
         const std::string series = body.substr(begin, body.find('}', one) + 1 - begin);
         const std::size_t at = body.find('{', other);
         body.replace(at, body.find('}', other) + 1 - at, series);
       }),
       "two series", kDifferent, "all with the same numbers", ""},
      {"of two series the second is not filtered", AsIfAsked(WithoutLaterFilters), "two series",
       kDifferent, "1 with the numbers of all mail", "Nothing: api.max_series_per_request is 1"},
      {"of ten series the first alone is filtered", AsIfAsked(WithoutLaterFilters), "ten series",
       kDifferent, "9 with the numbers of all mail", "Nothing: api.max_series_per_request is 1"},
      {"filters are ignored",
       Both(AsIfAsked([](const std::string& url) { return WithoutFilters(url, 0); }),
            Filtered(Dimension::kDmarc, {"FAIL"})),
       "query mine", kDifferent, "its filters are ignored", "Do not use the numbers"},
      {"lists are refused",
       kRefuseSpfListsWithOneOfDmarc, "comma list", kRefused, "spf: not valid", "Write one query for each value instead of: mine"},
      {"of lists the first counts",
       AsIfAsked("spf=(\\w+),\\w+", "spf=$1"),
       "comma list", kDifferent, "of the two values counts", "Nothing: no configured query"},
      {"lists are ignored",
       AsIfAsked("&spf=\\w+,\\w+", ""),
       "comma list", kDifferent, "those of all mail", ""},
      {"of lists the first counts, in a query",
       Both(AsIfAsked("(spf=\\w+),\\w+", "$1"), Filtered(Dimension::kSpf, {"PASS", "FAIL"})),
       "query mine", kDifferent, "see comma list", "Write one query for each value"},
      {"control periods are refused",
       Both(Refusing({"control"}, Refusal(400, 2001, "dateRange: not valid")), kWithControl),
       "control period", kRefused, "dateRange: not valid", "Remove control: true from: mine"},
      {"a control period is the period itself",
       AsIfAsked("control", ""),
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
       "is not written as", "copes"},
      {"times without a zone", EachBody(R"re((:00:00)Z",)re", "$1\","), "timestamps", kDifferent,
       "is no RFC 3339 time", "issue"},
      {"times that are ends",
       TimesLater([](AggInterval interval) { return Length(interval) - Seconds(1); }),
       "timestamps", kDifferent, "is no start of a bucket", "issue"},
      {"weeks that begin on Sunday", TimesLater([](AggInterval interval) {
         return Seconds(interval == AggInterval::k1w ? -86400 : 0);
       }),
       "timestamps", kDifferent, "is a Sunday", "issue"},
      {"times of whole intervals that are ends",
       TimesLater(Length), "newest bucket",
       kDifferent, "are these ends?", "issue"},
      {"times that are ends, without the bucket that is filling",
       Both(TimesLater(Length), EachBody(R"re(,("[^"]*"|null)\])re", "]")),
       "timestamps", kDifferent, "they may be the ends of buckets", "issue"},
      {"data that end early",
       TimesLater([](AggInterval interval) { return -4 * Length(interval); }), "newest bucket",
       kDifferent, "though lastUpdated is", "Nothing"},
      {"another range", EachBody(R"re("startTime":"\d{4})re", "\"startTime\":\"2020"), "date range",
       kDifferent, "2020-06-02 12:00 UTC to 2026-06-09 12:00 UTC for 7d", "without timestamps"},
      {"another interval", EachBody("ONE_DAY", "ONE_HOUR"), "interval", kDifferent, "ONE_HOUR", ""},
      {"another normalization", EachBody("PERCENTAGE", "MIN0_MAX"), "normalization", kDifferent,
       "MIN0_MAX", "issue"},
      {"another unit", EachBody("\"requests\"", "\"messages\""), "units", kDifferent, "\"messages\"", ""},
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
       Each([](const Request&, Answer& answer) {
         Replace(answer, R"re("SPOOF":\["[\d.]+")re", "\"SPOOF\":[null");
       }),
       "empty buckets", kDifferent, "nothing in one class", "refuses"},
      {"no empty bucket", With([](auto& options) { options.data.volume = 1e12; }), "empty buckets",
       kNotSeen, "no bucket was empty", ""},
      {"no confidence",
       With([](auto& options) { options.data.confidence = simulator::Confidence::kNull; }),
       "confidence", kDifferent, "none in 13 answers", "do not fire"},
      {"level 0", EachBody("\"level\":5", "\"level\":0"), "confidence", kDifferent,
       "0 in 13 answers", "do not fire"},
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
       Each([](const Request&, Answer& answer) {
         SetHeader(answer, "ratelimit", "plenty");
         SetHeader(answer, "ratelimit-policy", "plenty");
       }),
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
      // Beside the row itself: a row that a lie elsewhere puts into another light.
      {"the classes are exchanged",
       Each([](const Request&, Answer& answer) {
         Replace(answer, "\"SPOOF\"", "\"OTHER\"");
         Replace(answer, "\"NOT_SPOOF\"", "\"SPOOF\"");
         Replace(answer, "\"OTHER\"", "\"NOT_SPOOF\"");
       }),
       "classes", kDifferent, "SPOOF is 8", "issue"},
      {"a query whose classes are exchanged",
       Each([](const Request&, Answer& answer) {
         Replace(answer, "\"SPOOF\"", "\"OTHER\"");
         Replace(answer, "\"NOT_SPOOF\"", "\"SPOOF\"");
         Replace(answer, "\"OTHER\"", "\"NOT_SPOOF\"");
       }),
       "query mine", kDifferent, "see classes", "issue"},
      {"times with fractions", EachBody(R"re((:00)Z)re", "$1.000Z"), "timestamps", kDifferent,
       "is not written as", "copes"},
      {"a level in quotes", EachBody("\"level\":5", "\"level\":\"5\""), "confidence", kDifferent,
       "\"5\" in 13 answers", "copes"},
      {"a level beside annotations that are none",
       EachBody("\"annotations\":\\[\\]", "\"annotations\":{}"), "annotations", kDifferent,
       "an object", "issue"},
      {"no annotations beside the level", EachBody(",\"annotations\":\\[\\]", ""), "annotations",
       kDifferent, "without `annotations`", "copes"},
      {"annotations of another shape",
       EachBody("\"annotations\":\\[\\]",
                R"("annotations":[{"type":"EVENT","start":"2026-06-01T00:00:00Z"}])"),
       "annotations", kDifferent, "{type: \"EVENT\", start:", "Nothing"},
      {"lastUpdated with an offset",
       EachBody(R"re("lastUpdated":"([^"]*)Z")re", "\"lastUpdated\":\"$1+00:00\""), "lag",
       kDifferent, "+00:00", "copes"},
      {"lastUpdated between quarter hours",
       EachBody(R"re((lastUpdated":"[^"]*):00Z")re", "$1:07Z\""), "lag", kDifferent,
       "quarter hour", "copes"},
      {"a clock that is hours off, in lag", EachHeader("date", "Tue, 09 Jun 2026 16:34:00 GMT"),
       "lag", kDifferent, "hours ago", "See clock."},
      {"the range is that of a week ago",
       Each([](const Request& request, Answer& answer) {
         if (!Has(request, "aggInterval=1h")) return;
         Replace(answer, R"re("endTime":"2026-06-09)re", "\"endTime\":\"2026-06-02");
         Replace(answer, R"re("startTime":"2026-06-02)re", "\"startTime\":\"2026-05-26");
       }),
       "date range", kDifferent, "2026-06-02", "Nothing"},
      {"the range is no list", EachBody(R"re("dateRange":\[(\{[^}]*\})[^\]]*\])re", "\"dateRange\":$1"),
       "date range", kDifferent, "one object", "copes"},
      {"one range for all series",
       EachBody(R"re("dateRange":\[(\{[^}]*\})[^\]]*\])re", "\"dateRange\":[$1]"), "date range",
       kDifferent, "1 for 2 series", "Nothing"},
      {"a range of twice the length",
       AsIfAsked("dateRange=7d", "dateRange=14d"),
       "date range", kDifferent, "for 7d", "issue"},
      {"another word for an interval", EachBody("\"ONE_HOUR\"", "\"1h\""), "interval", kDifferent,
       "\"1h\" for 1h", "issue"},
      {"an interval that is not honoured",
       AsIfAsked("aggInterval=1h", "aggInterval=1d"),
       "interval", kDifferent, "\"ONE_DAY\" for 1h", "Give agg_interval: 1d to: mine"},
      {"what an interval that is not honoured does to a query",
       AsIfAsked("aggInterval=1h", "aggInterval=1d"),
       "query mine", kDifferent, "expected ONE_HOUR", "See "},
      {"what values that are none do to a pair", EachValue([](double) { return "\"many\""; }),
       "1d over 28d", kDifferent, "many", "See values."},
      {"every bucket is empty", EachValue([](double) { return "\"0.0\""; }), "empty buckets",
       kDifferent, "all of", "issue"},
      {"times in the other order",
       EachBody(R"re("timestamps":\[("[^"]*"),("[^"]*"))re", "\"timestamps\":[$2,$1"),
       "timestamps", kDifferent, "not in order", "copes"},
      {"errors beside success", EachBody("\"errors\":\\[\\]", "\"errors\":[{\"message\":\"x\"}]"),
       "envelope", kDifferent, "`errors` is not empty", "copes"},
      {"another member of meta", EachBody("\"units\":", "\"level\":5,\"units\":"), "envelope",
       kDifferent, "`meta` also has level", "copes"},
      {"errors of another shape, and another member of meta",
       Both(EachBody("\"units\":", "\"level\":5,\"units\":"), Refusing({"/SPOOF?"}, {Response(400, "no")})),
       "envelope", kDifferent, "HTTP 400 with what is not JSON; `meta` also has level", "copes"},
      {"names are changed, as a query with a control period that is refused sees it",
       Both(kWithControl, Both(EachBody(R"re("(s\d+)_\w+":)re", "\"$1\":"), Refusing({"control"}, Refusal(400, 2001, "dateRange: not valid")))),
       "query mine", kRefused, "dateRange: not valid", "Remove control: true"},
      {"series that are lists", EachSeries("[]"), "envelope",
       kDifferent, "no series", "issue"},
      {"what series that are lists do to control periods",
       Both(EachSeries("[]"), kWithControl),
       "control period", kDifferent, "", "See envelope."},
      {"an answer that cannot be decoded",
       Refusing({"/client/"}, {Failure(FailureReason::kParse, "unknown compression method")}),
       "envelope", kDifferent, "unknown compression", "api.base_url"},
      {"errors of another shape", Refusing({"/SPOOF?"}, {Response(400, R"({"error":"nope"})")}),
       "envelope", kDifferent, "{error: text}", "copes"},
      {"error codes that are text",
       Refusing({"/SPOOF?"},
                {Response(400, R"({"success":false,"errors":[{"code":"2001","message":"no"}]})")}),
       "envelope", kDifferent, "code", "copes"},
      {"Retry-After of two hours",
       [](DoctorFixture& fixture) {
         Answer refusal = Refusal(429, 1015, "Please wait");
         SetHeader(refusal, "retry-after", "7200");
         Refusing({"aggInterval=1w"}, refusal)(fixture);
       },
       "rate limit", kRefused, "in 2 hours", "Ask again later"},
      {"Retry-After with a date",
       [](DoctorFixture& fixture) {
         Answer refusal = Refusal(429, 1015, "Please wait");
         SetHeader(refusal, "retry-after", "Wed, 10 Jun 2026 18:34:00 GMT");
         Refusing({"aggInterval=1w"}, refusal)(fixture);
       },
       "rate limit", kRefused, "in at least 1 day", "Ask again later"},
      {"no request is left", EachHeader("ratelimit", "\"default\";r=0;t=2000"), "rate limit",
       kDifferent, "no request is left", "Ask again later"},
      {"rate limits under other names",
       Each([](const Request&, Answer& answer) {
         SetHeader(answer, "ratelimit", "");
         SetHeader(answer, "x-ratelimit-remaining", "1100");
       }),
       "rate limit", kDifferent, "there is x-ratelimit-remaining", "Nothing"},
      {"the configured path is forbidden", Refusing({"/spoof?"}, Refusal(403, 9109, "Forbidden")),
       "path", kRefused, "HTTP 403", "Set api.path"},
      {"the configured path is forbidden, as the token sees it",
       Refusing({"/spoof?"}, Refusal(403, 9109, "Forbidden")), "token", kDifferent,
       "accepted by .../SPOOF, refused by .../spoof", "See path."},
      {"the configured path is forbidden, as a query sees it",
       Refusing({"/spoof?"}, Refusal(403, 9109, "Forbidden")), "query mine", kDifferent,
       "at .../SPOOF", "Set api.path"},
      {"the successor is forbidden", Refusing({"/SPOOF?"}, Refusal(403, 9109, "Forbidden")),
       "token", kDifferent, "accepted by .../spoof, refused by .../SPOOF", "See other path."},
      {"the configured path redirects, as a query sees it",
       Refusing({"/spoof?"}, kElsewhere),
       "query mine", kDifferent, "at .../SPOOF", "Set api.path"},
      {"the configured path is not found, and the values are none",
       Both(EachValue([](double) { return "\"many\""; }), Refusing({"/spoof?"}, Refusal(404, 7003, "Not Found"))),
       "1w over 52w", kDifferent, "many", "See values."},
      {"the configured path is forbidden, and names are ignored",
       [](DoctorFixture& fixture) {
         fixture.options.series_names = simulator::SeriesNames::kIgnored;
         Refusing({"/spoof?"}, Refusal(403, 9109, "Forbidden"))(fixture);
       },
       "query mine", kDifferent, "at .../SPOOF", "Set api.path"},
      {"names are changed, and a pair is refused",
       Both(EachBody(R"re("(s\d+)_\w+":)re", "\"$1\":"), Refusing({"aggInterval=15m"}, kTooFine)),
       "15m over 1d", kRefused, "too low", "Nothing: no configured query"},
      {"names are cut, as a filter sees it", EachBody(R"re("(s\d+)_\w+":)re", "\"$1\":"),
       "comma list", kNotSeen, "without two series", ""},
      {"names are cut", EachBody(R"re("(s\d+)_\w+":)re", "\"$1\":"), "names", kDifferent,
       "came back as s0", "refuses"},
      {"what names that are cut do to control periods",
       Both(EachBody(R"re("([sc]\d+)_\w+":)re", "\"$1\":"), kWithControl),
       "control period", kDifferent, "no series", "See names."},
      {"a series that nobody asked for", EachBody("\"meta\":", "\"main\":{},\"meta\":"), "names",
       kDifferent, "there is also main", "Nothing"},
      {"a series that nobody asked for before the wanted one, and filters are ignored",
       Both(Both(AsIfAsked([](const std::string& url) { return WithoutFilters(url, 0); }),
                 Filtered(Dimension::kDmarc, {"FAIL"})),
            EachBody("\"result\":\\{", "\"result\":{\"main\":{},")),
       "query mine", kDifferent, "its filters are ignored", "Do not use the numbers"},
      {"a series that nobody asked for before the successor's, with other numbers",
       Each([](const Request& request, Answer& answer) {
         Replace(answer, "\"result\":\\{", "\"result\":{\"main\":{},");
         if (Has(request, "/SPOOF?")) Replace(answer, R"re("(\d)(\d)\.)re", "\"$2$1.");
       }),
       "other path", kDifferent, "numbers are the same", "Keep api.path"},
      {"a filter is refused", Refusing({"spf=FAIL"}, Refusal(400, 2001, "spf: not valid")),
       "filter", kRefused, "spf: not valid", "Nothing: no configured query has a filter."},
      {"what a filter that is refused does to two series",
       Refusing({"spf="}, Refusal(400, 2001, "spf: not valid")), "two series", kRefused,
       "spf: not valid", "See filter."},
      {"a filter is ignored",
       AsIfAsked([](const std::string& url) { return WithoutFilters(url, 0); }), "filter",
       kDifferent, "those of all mail", "Nothing: no configured query has a filter."},
      {"1d over 28d is refused, as two series see it", Refusing({"aggInterval=1d"}, kTooFine),
       "two series", kRefused, "too low", "See 1d over 28d."},
      {"1h over 7d is refused, as the control period sees it",
       Both(Refusing({"aggInterval=1h"}, kTooFine), kWithControl),
       "control period", kRefused, "too low", "See 1h over 7d."},
      {"1h is refused, as a query with a control period sees it",
       Both(Refusing({"aggInterval=1h"}, kTooFine), kWithControl),
       "query mine", kRefused, "too low", "Give it agg_interval: 1d"},
      {"every request is refused, as a pair sees it",
       Refusing({"/client/"}, Refusal(400, 2001, "no")), "1h over 28d", kRefused, "no",
       "See path."},
      {"two series are exchanged", Exchanged(2, 2), "two series", kDifferent,
       "1 with other numbers than alone", "Nothing: api.max_series_per_request is 1."},
      {"fifty series are exchanged", Exchanged(50, 100), "fifty series", kDifferent,
       "with other numbers than among fewer", "Nothing"},
      {"of ten and of fifty series the same two are exchanged", Exchanged(10, 50), "fifty series",
       kDifferent, "with other numbers than among fewer", "Nothing"},
      {"a query's series is exchanged with another's",
       Both(ShareARequest, Exchanged(2, 100)),
       "query mine", kDifferent, "from a request of 3 series: see two series",
       "Set api.max_series_per_request: 1."},
      {"of more than two series the last two are exchanged",
       Both(ShareARequest, AsIfAsked("dmarc=NONE(&name=[^&]*&dateRange=14d&)dmarc=PASS$", "dmarc=PASS$1dmarc=NONE")),
       "query mine", kDifferent, "from a request that gives pass other numbers than it has alone",
       "Set api.max_series_per_request: 1."},
      {"one series of those that a request asks for",
       Both(ShareARequest, EachBody(R"re("s[1-9]\d*_\w+":\{[^}]*\},)re", "")),
       "query mine", kDifferent, "is missing", "Set api.max_series_per_request: 1; see two series."},
      {"two series are exchanged, as ten see it", Exchanged(2, 2), "ten series", kDifferent,
       "but see two series", "Nothing"},
      {"a query has the numbers of another",
       Both(ShareARequest, AsIfAsked([](const std::string& url) {
              if (url.find("spf=") != std::string::npos) return url;
              return std::regex_replace(url, std::regex("dmarc=NONE"), "dmarc=FAIL");
            })),
       "query mine", kDifferent, "the numbers of none", "Set api.max_series_per_request: 1."},
      {"spf lists are refused, and a query has one of another filter",
       kRefuseSpfListsWithOneOfDmarc, "query mine", kDifferent, "see comma list", "Write one query for each value"},
      {"a query's control period begins ten days earlier",
       [](DoctorFixture& fixture) {
         fixture.subject.queries = {QueryNamed("mine", AggInterval::k1d, "10d")};
         fixture.subject.queries.front().control = true;
         fixture.change = [](const Request& request, Answer& answer) {
           if (!Has(request, "10dcontrol")) return;
           static const std::regex kDay("2026-05-(1|2)(\\d)T");
           const std::size_t at = BodyOf(answer).find("\"c0_");
           const std::size_t end = BodyOf(answer).find("]", at);
           const std::string series = BodyOf(answer).substr(at, end - at);
           BodyOf(answer).replace(at, end - at, std::regex_replace(series, kDay, "2026-04-$1$2T"));
         };
       },
       "query mine", kDifferent, "control period", "Remove control: true"},
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

}  // namespace
}  // namespace radar_spoof
