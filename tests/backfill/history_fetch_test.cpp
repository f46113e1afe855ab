#include "src/backfill/history_fetch.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "radar_spoof/core/clock.h"
#include "support/poller_fixture.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::IntervalOf;
using test::Response;
using Request = test::ScriptedHttpClient::Request;
using Reply = test::ScriptedHttpClient::Answer;

WallTime TimeOf(std::string_view text) { return *ParseRfc3339(text); }
const WallTime kMonday = TimeOf("2026-03-02T00:00:00Z");
constexpr Seconds kDay = 24h;

TimeRange AskedRange(const std::string& url) {
  const auto value = [&url](const std::string& name) {
    const std::size_t begin = url.find(name) + name.size();
    return TimeOf(url.substr(begin, url.find('&', begin) - begin));
  };
  return {value("dateStart="), value("dateEnd=")};
}

// SPOOF of a bucket, in percent: another number for each hour.
double PercentAt(WallTime start) {
  return static_cast<double>((start.time_since_epoch() / 15min) % 97);
}

// Every bucket asked for, the one that begins at dateEnd included, up to `last_updated`.
Reply History(const Request& request, WallTime last_updated = TimeOf("2026-06-05T12:00:00Z")) {
  const TimeRange range = AskedRange(request.url);
  const AggInterval interval = IntervalOf(request.url);
  std::string times;
  std::string spoof;
  std::string not_spoof;
  for (WallTime at = range.from; at <= range.to && at <= last_updated; at += Length(interval)) {
    const char* const comma = times.empty() ? "" : ",";
    times += fmt::format("{}\"{}\"", comma, FormatRfc3339(at));
    spoof += fmt::format("{}\"{}\"", comma, PercentAt(at));
    not_spoof += fmt::format("{}\"{}\"", comma, 100 - PercentAt(at));
  }
  return {Response(
      200, fmt::format(R"({{"success":true,"result":{{"serie_0":{{"timestamps":[{}],"SPOOF":[{}],)"
                       R"("NOT_SPOOF":[{}]}},"meta":{{"aggInterval":"{}","normalization":)"
                       R"("PERCENTAGE","lastUpdated":"{}"}}}}}})",
                       times, spoof, not_spoof, MetaName(interval), FormatRfc3339(last_updated)))};
}

Reply Refusal(int status, std::string_view message) {
  return {Response(status, test::ErrorAnswer(2001, message))};
}

constexpr const char* kHours = "queries:\n  - {name: q, agg_interval: 1h, date_range: 7d}\n";

struct Rig {
  explicit Rig(test::ScriptedHttpClient::Script script, const std::string& rest = kHours,
               const std::string& api = "")
      : http(clock, std::move(script)),
        log(LogLevel::kDebug, LogFormat::kLogfmt,
            [this](std::string_view line) { lines.emplace_back(line); }),
        settings((directory.Write("token", test::kToken),
                  test::SettingsOf(test::ConfigText(directory, rest, api)))),
        queries(settings.config.queries()),
        file(HistoryFile::Open(directory.Path("partial"), "x").value()),
        fetch(std::move(settings), clock, http, *file, log, 1, [this] { return stopped(); }) {}

  std::optional<std::string> Run(const std::vector<TimeRange>& needed) {
    planned = fetch.Plan(needed);
    return fetch.Run([this](const FetchProgress& progress) {
      progress_texts.push_back(fmt::format("{}/{}", progress.done, progress.total));
    });
  }
  // Of a piece each, in days.
  std::vector<double> LengthsAsked() const {
    std::vector<double> lengths;
    for (const Request& request : http.requests()) {
      const TimeRange range = AskedRange(request.url);
      lengths.push_back(std::chrono::duration<double>(range.to - range.from) / kDay);
    }
    return lengths;
  }
  // The file holds `range` of the first query whole, with the right numbers and nothing beyond.
  void CheckHolds(const TimeRange& range) const {
    const Query& query = queries.front();
    const auto buckets = file->Buckets(query);
    REQUIRE(buckets.size() ==
            static_cast<std::size_t>((range.to - range.from) / Length(query.agg_interval)));
    WallTime start = range.from;
    for (const SpoofBucket& bucket : buckets) {
      CHECK(bucket.start == start);
      CHECK(bucket.spoof == *Ratio::FromPercent(PercentAt(start)));
      start += Length(query.agg_interval);
    }
    CHECK(Without(range, file->Known(query)).empty());
  }
  Milliseconds Elapsed() const { return clock.Now().steady - test::FakeClock::kStart; }

  test::TemporaryDirectory directory;
  test::FakeClock clock{TimeOf("2026-06-05T12:28:00Z")};
  test::ScriptedHttpClient http;
  std::vector<std::string> lines;
  Log log;
  Settings settings;  // moved from
  const std::vector<Query> queries;
  std::unique_ptr<HistoryFile> file;
  std::function<bool()> stopped = [] { return false; };
  HistoryFetch fetch;
  std::size_t planned = 0;
  std::vector<std::string> progress_texts;
};

using Strings = std::vector<std::string>;

TEST_CASE("a range is asked for piece by piece, and held whole") {
  Rig rig([](const Request& request) { return History(request); });
  const TimeRange range{kMonday, kMonday + 17 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.planned == 3);
  CHECK(rig.LengthsAsked() == std::vector<double>{7, 7, 3});
  CHECK(rig.progress_texts == Strings{"0/3", "1/3", "2/3"});
  CHECK(rig.http.most_in_flight() == 1);
  rig.CheckHolds(range);
}

TEST_CASE("the control period is not asked for: it is part of the range") {
  Rig rig([](const Request& request) { return History(request); },
          "queries:\n  - {name: q, agg_interval: 1h, date_range: 7d, control: true}\n");
  CHECK(rig.Run({{kMonday, kMonday + kDay}}) == std::nullopt);
  REQUIRE(rig.http.requests().size() == 1);
  CHECK(rig.http.requests().front().url.find("control") == std::string::npos);
}

TEST_CASE("what is known is not asked again, in this run or the next") {
  Rig rig([](const Request& request) { return History(request); },
          "queries:\n  - {name: q, agg_interval: 1h, date_range: 7d}\n"
          "  - {name: same, agg_interval: 1h, date_range: 1d}\n");
  const TimeRange week{kMonday, kMonday + 7 * kDay};
  CHECK(rig.Run({week, {kMonday - kDay, kMonday + 7 * kDay}}) == std::nullopt);
  // The other query's 8 days are two pieces, of which the second was known.
  CHECK(rig.LengthsAsked() == std::vector<double>{7, 7});
  CHECK(rig.Run({week, week}) == std::nullopt);
  CHECK(rig.planned == 0);
  CHECK(rig.http.requests().size() == 2);
}

TEST_CASE("a range that is refused as too long is halved, and so are the others of its interval") {
  for (const int status : {400, 422}) {
    CAPTURE(status);
    Rig rig([status](const Request& request) {
      const TimeRange asked = AskedRange(request.url);
      if (asked.to - asked.from > 2 * kDay) return Refusal(status, "too granular");
      return History(request);
    });
    const TimeRange range{kMonday, kMonday + 14 * kDay};
    CHECK(rig.Run({range}) == std::nullopt);
    rig.CheckHolds(range);
    std::vector<double> lengths = {7, 3.5, 1.75, 1.75, 1.75, 1.75, 1.75, 1.75, 1.75, 1.75};
    // A 400 may be against the name of the series: once more without it.
    if (status == 400) lengths.insert(lengths.begin(), 7);
    CHECK(rig.LengthsAsked() == lengths);
  }
}

TEST_CASE("what is refused even for one bucket ends it, in the API's words") {
  Rig rig([](const Request&) { return Refusal(400, "dmarc is not valid"); });
  const auto problem = rig.Run({{kMonday, kMonday + 7 * kDay}});
  REQUIRE(problem);
  CHECK(*problem ==
        "q from 2026-03-02T00:00:00Z to 2026-03-02T01:00:00Z: HTTP 400, API error 2001: dmarc is "
        "not valid");
  // 168 hours with the series' name and without, 84, 42, 21, 10, 5, 2, 1.
  CHECK(rig.http.requests().size() == 9);
}

TEST_CASE("a bucket that has not ended by the data's own time is asked again by the next run") {
  WallTime last_updated = kMonday + 5 * kDay + 15min;
  Rig rig([&last_updated](const Request& request) { return History(request, last_updated); });
  const TimeRange week{kMonday, kMonday + 7 * kDay};
  CHECK(rig.Run({week}) == std::nullopt);
  rig.CheckHolds({kMonday, kMonday + 5 * kDay});
  last_updated = kMonday + 8 * kDay;
  CHECK(rig.Run({week}) == std::nullopt);
  rig.CheckHolds(week);
  CHECK(rig.LengthsAsked() == std::vector<double>{7, 2});
}

TEST_CASE("where the API has no data there is nothing to hold, and no failure") {
  const WallTime begin = kMonday + 7 * kDay;
  Rig rig([begin](const Request& request) {
    Request asked = request;
    const TimeRange range = AskedRange(request.url);
    if (range.to < begin) return History(request, kMonday - 30 * kDay);  // no bucket at all
    if (range.to == begin) {  // only the one that begins at the end
      asked.url.replace(asked.url.find("dateStart="), 30, "dateStart=" + FormatRfc3339(begin));
    }
    return History(asked);
  });
  CHECK(rig.Run({{kMonday - 7 * kDay, kMonday + 14 * kDay}}) == std::nullopt);
  CHECK(rig.http.requests().size() == 3);
  CHECK(rig.file->Buckets(rig.queries.front()).size() == 7 * 24);
}

TEST_CASE("an outage is waited out as the daemon does, then it goes on") {
  Rig rig([](const Request& request) {
    return request.number >= 1 && request.number <= 3 ? test::Outage() : History(request);
  });
  const TimeRange range{kMonday, kMonday + 14 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.http.requests().size() == 5);
  rig.CheckHolds(range);
  const auto asked = [&rig](std::size_t i) { return rig.http.requests()[i].at.steady; };
  CHECK(asked(2) - asked(1) <= 1500ms);
  CHECK(asked(3) - asked(2) <= 2500ms);
  CHECK(asked(4) - asked(3) >= 15s);
}

TEST_CASE("an outage that lasts ends it before the API is asked more than when it is well") {
  Rig rig([](const Request&) { return test::Outage(); });
  const auto problem = rig.Run({{kMonday, kMonday + 14 * kDay}});
  REQUIRE(problem);
  CHECK(problem->find("HTTP 503; given up, as more retries") != std::string::npos);
  CHECK(rig.http.requests().size() == 4);
}

TEST_CASE("ten failures in a row are enough") {
  Rig rig([](const Request& request) {
    return request.number < 200 ? History(request) : test::Outage();
  });
  const auto problem = rig.Run({{kMonday - 300 * 7 * kDay, kMonday}});
  REQUIRE(problem);
  CHECK(problem->find("HTTP 503; given up after 10 failures in a row") != std::string::npos);
  CHECK(rig.http.requests().size() == 210);
}

TEST_CASE("after a 429 nothing is asked until the hold is over") {
  Rig rig([](const Request& request) {
    if (request.number != 1) return History(request);
    return Reply{Response(429, "", {{"retry-after", "77"}})};
  });
  const TimeRange range{kMonday, kMonday + 14 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  rig.CheckHolds(range);
  REQUIRE(rig.http.requests().size() == 3);
  CHECK(rig.http.requests()[2].at.steady - rig.http.requests()[1].at.steady >= 77s);
}

TEST_CASE("a good answer ends the row of 429s that makes holds longer") {
  // Of every ten requests four are refused: one, and three in a row.
  static const std::map<std::size_t, Seconds> kHolds = {{2, 30s}, {5, 30s}, {6, 300s}, {7, 900s}};
  Rig rig([](const Request& request) {
    if (!kHolds.contains(request.number % 10)) return History(request);
    return Reply{Response(429, "", {{"retry-after", "30"}})};
  });
  CHECK(rig.Run({{kMonday - 40 * 7 * kDay, kMonday}}) == std::nullopt);
  const auto& requests = rig.http.requests();
  REQUIRE(requests.size() > 50);
  for (std::size_t i = 0; i + 1 < requests.size(); ++i) {
    CAPTURE(i);
    const auto hold = kHolds.find(i % 10);
    if (hold == kHolds.end()) continue;
    const auto waited = requests[i + 1].at.steady - requests[i].at.steady;
    CHECK(waited >= hold->second);
    CHECK(waited <= hold->second * 21 / 20 + 1s);
  }
}

TEST_CASE("never more than rate_limit in any 5 minutes") {
  Rig rig([](const Request& request) { return History(request); }, kHours, "  rate_limit: 20\n");
  CHECK(rig.Run({{kMonday - 100 * 7 * kDay, kMonday}}) == std::nullopt);
  const auto& requests = rig.http.requests();
  REQUIRE(requests.size() == 100);
  for (std::size_t i = 20; i < requests.size(); ++i) {
    CHECK(requests[i].at.steady - requests[i - 20].at.steady > 5min);
  }
}

TEST_CASE("what the API says is left is spread until its reset") {
  Rig rig([](const Request& request) {
    Reply reply = History(request);
    const auto headers = std::pair<std::string, std::string>(
        "ratelimit", request.number == 0 ? "\"default\";r=1;t=100" : "\"default\";r=500;t=300");
    HttpResponse response = reply.result.value();
    response.headers.push_back(headers);
    return Reply{response};
  });
  CHECK(rig.Run({{kMonday, kMonday + 14 * kDay}}) == std::nullopt);
  const auto& requests = rig.http.requests();
  CHECK(requests[1].at.steady - requests[0].at.steady >= 50s);
}

TEST_CASE("refused credentials are read again, tried once more, and end it") {
  Rig rig([](const Request&) {
    return Reply{Response(403, test::ErrorAnswer(10000, "no " + std::string(test::kToken)))};
  });
  const auto problem = rig.Run({{kMonday, kMonday + 7 * kDay}});
  REQUIRE(problem);
  CHECK(problem->find("the API refuses the credentials: HTTP 403") != std::string::npos);
  CHECK(problem->find("canary") == std::string::npos);
  for (const std::string& line : rig.lines) CHECK(line.find("canary") == std::string::npos);
  CHECK(rig.http.requests().size() == 2);
}

TEST_CASE("credentials that were replaced are used at once") {
  test::TemporaryDirectory* directory = nullptr;
  Rig rig([&directory](const Request& request) {
    if (request.authorization == "Bearer another-token") return History(request);
    directory->Write("token", "another-token");
    return Reply{Response(403, "")};
  });
  directory = &rig.directory;
  const TimeRange week{kMonday, kMonday + 7 * kDay};
  CHECK(rig.Run({week}) == std::nullopt);
  CHECK(rig.http.requests().size() == 2);
  rig.CheckHolds(week);
}

TEST_CASE("a path that is gone is replaced by the other one, for good") {
  Rig rig([](const Request& request) {
    if (request.url.find("/SPOOF?") == std::string::npos) return Reply{Response(404, "")};
    return History(request);
  });
  const TimeRange range{kMonday, kMonday + 14 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.http.requests().size() == 3);
  rig.CheckHolds(range);

  Rig nowhere([](const Request&) { return Reply{Response(404, "")}; });
  CHECK(nowhere.Run({range}).value_or("").find("HTTP 404") != std::string::npos);
  CHECK(nowhere.http.requests().size() == 4);  // each path, and both once more
}

TEST_CASE("one stray 404 ends nothing and changes nothing") {
  // The other path is not there; the configured one was away for one request.
  Rig rig([](const Request& request) {
    const bool other = request.url.find("/SPOOF?") != std::string::npos;
    return request.number == 0 || other ? Reply{Response(404, "")} : History(request);
  });
  const TimeRange range{kMonday, kMonday + 14 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.http.requests().size() == 4);
  rig.CheckHolds(range);
}

TEST_CASE("an API that ignores the names of series is asked without, on connections of its own") {
  Rig rig([](const Request& request) { return History(request); });
  rig.http.labels_series = false;
  const TimeRange range{kMonday, kMonday + 14 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  REQUIRE(rig.http.requests().size() == 3);
  CHECK_FALSE(rig.http.requests()[0].own_connection);
  CHECK(rig.http.requests()[1].own_connection);
  CHECK(rig.http.requests()[2].own_connection);
  rig.CheckHolds(range);
}

TEST_CASE("what is no answer ends it, and what was fetched before is kept") {
  for (const char* const body : {"<html>", "{}", R"({"success":true,"result":{}})"}) {
    CAPTURE(body);
    Rig rig([body](const Request& request) {
      return request.number == 0 ? History(request) : Reply{Response(200, body)};
    });
    CHECK(rig.Run({{kMonday, kMonday + 14 * kDay}}).has_value());
    rig.CheckHolds({kMonday, kMonday + 7 * kDay});
  }
}

TEST_CASE("an answer about another time than asked is not taken for a time without data") {
  Rig rig([](const Request& request) {
    Request other = request;
    const std::size_t start = other.url.find("dateStart=");
    other.url.replace(start, std::string::npos,
                      "dateStart=2026-05-01T00:00:00Z&dateEnd=2026-05-02T00:00:00Z");
    return History(other);
  });
  CHECK(rig.Run({{kMonday, kMonday + 7 * kDay}}).value_or("").find("about another time") !=
        std::string::npos);
  CHECK(rig.file->Known(rig.queries.front()).empty());
}

TEST_CASE("a piece without mail is a gap, also where the API shows the bucket before it") {
  Rig rig([](const Request& request) {
    Request hour_before = request;
    const std::size_t dates = hour_before.url.find("dateStart=");
    hour_before.url.replace(
        dates, std::string::npos,
        "dateStart=" + FormatRfc3339(kMonday - 1h) + "&dateEnd=" + FormatRfc3339(kMonday - 1h));
    return History(hour_before);
  });
  const TimeRange range{kMonday, kMonday + kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.file->Buckets(rig.queries.front()).empty());
  CHECK(Without(range, rig.file->Known(rig.queries.front())).empty());
}

TEST_CASE("an answer without timestamps has no place in time") {
  Rig rig([](const Request&) {
    return Reply{Response(200, R"({"success":true,"result":{"serie_0":{"SPOOF":["1"],)"
                               R"("NOT_SPOOF":["99"]},"meta":{"aggInterval":"ONE_HOUR",)"
                               R"("normalization":"PERCENTAGE",)"
                               R"("lastUpdated":"2026-06-05T12:00:00Z"}}})")};
  });
  CHECK(rig.Run({{kMonday, kMonday + 7 * kDay}}).value_or("").find("no timestamps") !=
        std::string::npos);
}

TEST_CASE("buckets without mail are gaps, and no failure") {
  Rig rig([](const Request& request) {
    Reply reply = History(request);
    std::string& body = reply.result.value().body;
    // Of the first hour and the third.
    for (const std::size_t gone : {0U, 2U}) {
      for (const char* const key : {"\"SPOOF\":[", "NOT_SPOOF\":["}) {
        std::size_t begin = body.find(key) + std::string(key).size();
        for (std::size_t i = 0; i < gone; ++i) begin = body.find(',', begin) + 1;
        body.replace(begin, body.find_first_of(",]", begin) - begin, "\"0.0\"");
      }
    }
    return reply;
  });
  const TimeRange range{kMonday, kMonday + kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  const auto buckets = rig.file->Buckets(rig.queries.front());
  REQUIRE(buckets.size() == 22);
  CHECK(buckets[0].start == kMonday + 1h);
  CHECK(buckets[1].start == kMonday + 3h);
  CHECK(Without(range, rig.file->Known(rig.queries.front())).empty());
}

TEST_CASE("a piece may be longer than the query's own range") {
  Rig rig([](const Request& request) { return History(request); },
          "queries:\n  - {name: q, agg_interval: 1h, date_range: 2d}\n");
  const TimeRange range{kMonday, kMonday + 7 * kDay};
  CHECK(rig.Run({range}) == std::nullopt);
  CHECK(rig.LengthsAsked() == std::vector<double>{7});
  rig.CheckHolds(range);
}

TEST_CASE("a stop ends the wait for an answer, a hold or the budget within a second") {
  struct Row {
    const char* what;
    test::ScriptedHttpClient::Script script;
    const char* api;
  };
  for (const Row& row :
       std::vector<Row>{{"answer",
                         [](const Request& request) {
                           return Reply{History(request).result, 1h};
                         },
                         ""},
                        {"hold", [](const Request&) { return Reply{Response(429, "")}; }, ""},
                        {"budget", [](const Request& request) { return History(request); },
                         "  rate_limit: 10\n"}}) {
    CAPTURE(row.what);
    Rig rig(row.script, kHours, row.api);
    rig.stopped = [&rig] { return rig.Elapsed() >= 10s; };
    CHECK(rig.Run({{kMonday, kMonday + 14 * kDay}}) == "interrupted");
    CHECK(rig.Elapsed() < 11s);
    CHECK(rig.http.in_flight() == 0);
  }
}

WallTime At(std::string_view text) {
  return *ParseRfc3339(text.size() > 10 ? std::string(text) : std::string(text) + "T00:00:00Z");
}
TimeRange Range(std::string_view from, std::string_view to) { return {At(from), At(to)}; }

std::string Text(const TimeRange& range) {
  return FormatRfc3339(range.from) + " " + FormatRfc3339(range.to);
}

TEST_CASE("only buckets that lie whole in what was asked are shown") {
  struct Row {
    AggInterval interval;
    TimeRange asked;
    TimeRange whole;
  };
  for (const Row& row : std::vector<Row>{
           {AggInterval::k15m, Range("2026-06-09T00:00:00Z", "2026-06-09T01:00:00Z"),
            Range("2026-06-09T00:00:00Z", "2026-06-09T01:00:00Z")},
           {AggInterval::k15m, Range("2026-06-09T00:00:01Z", "2026-06-09T00:59:59Z"),
            Range("2026-06-09T00:15:00Z", "2026-06-09T00:45:00Z")},
           {AggInterval::k1h, Range("2026-06-09T00:15:00Z", "2026-06-09T02:15:00Z"),
            Range("2026-06-09T01:00:00Z", "2026-06-09T02:00:00Z")},
           {AggInterval::k1d, Range("2026-06-01", "2026-06-03"), Range("2026-06-01", "2026-06-03")},
           // Weeks begin on Monday: 2026-06-01 and 2026-06-08 are.
           {AggInterval::k1w, Range("2026-06-01", "2026-06-08"), Range("2026-06-01", "2026-06-08")},
           {AggInterval::k1w, Range("2026-06-02", "2026-06-21"), Range("2026-06-08", "2026-06-15")},
       }) {
    CAPTURE(Text(row.asked));
    CHECK(Text(WholeBuckets(row.asked, row.interval)) == Text(row.whole));
  }
}

TEST_CASE("a range without a whole bucket is empty") {
  const TimeRange inside =
      WholeBuckets(Range("2026-06-02", "2026-06-14"), AggInterval::k1w);  // two broken weeks
  CHECK(inside.from == inside.to);
  const TimeRange moment =
      WholeBuckets(Range("2026-06-09T00:20:00Z", "2026-06-09T00:25:00Z"), AggInterval::k15m);
  CHECK(moment.from == moment.to);
}

TEST_CASE("what the first bucket's window and control are made of is needed too") {
  struct Row {
    AggInterval interval;
    const char* date_range;
    bool control;
    TimeRange shown;
    const char* needed_from;
  };
  for (const Row& row : std::vector<Row>{
           // The window ends with the bucket itself.
           {AggInterval::k1h, "7d", false, Range("2026-06-09", "2026-06-10"),
            "2026-06-02T01:00:00Z"},
           {AggInterval::k15m, "1d", false, Range("2026-06-09", "2026-06-10"),
            "2026-06-08T00:15:00Z"},
           {AggInterval::k1w, "52w", false, Range("2026-06-08", "2026-06-15"), "2025-06-16"},
           // A range of no whole weeks begins with the week it begins in.
           {AggInterval::k1w, "10d", false, Range("2026-06-08", "2026-06-15"), "2026-06-01"},
           {AggInterval::k1d, "1d", false, Range("2026-06-09", "2026-06-10"), "2026-06-09"},
           {AggInterval::k1w, "1d", false, Range("2026-06-08", "2026-06-15"), "2026-06-08"},
           // The control period of 10 days lies 14 back.
           {AggInterval::k1d, "10d", true, Range("2026-06-15", "2026-06-16"), "2026-06-01"},
       }) {
    CAPTURE(row.date_range);
    Query query = test::MakeQuery("q", row.interval, row.date_range);
    query.control = row.control;
    CHECK(Text(HistoryNeeded(query, row.shown)) == Text({At(row.needed_from), row.shown.to}));
  }
}

std::vector<std::string> Texts(const std::vector<TimeRange>& ranges) {
  std::vector<std::string> texts;
  for (const TimeRange& range : ranges) {
    texts.push_back(std::to_string((range.from - WallTime()) / 1h) + "-" +
                    std::to_string((range.to - WallTime()) / 1h));
  }
  return texts;
}

TimeRange Hours(int from, int to) {
  return {WallTime(std::chrono::hours(from)), WallTime(std::chrono::hours(to))};
}

TEST_CASE("what is known is not asked again, whatever its order and overlap") {
  const TimeRange range = Hours(10, 20);
  CHECK(Texts(Without(range, {})) == Strings{"10-20"});
  CHECK(Texts(Without(range, {Hours(0, 10), Hours(20, 30)})) == Strings{"10-20"});
  CHECK(Texts(Without(range, {Hours(15, 17), Hours(12, 13)})) ==
        Strings{"10-12", "13-15", "17-20"});
  CHECK(Texts(Without(range, {Hours(0, 12), Hours(11, 14), Hours(18, 30)})) == Strings{"14-18"});
  CHECK(Texts(Without(range, {Hours(11, 19), Hours(12, 13)})) == Strings{"10-11", "19-20"});
  CHECK(Without(range, {Hours(15, 30), Hours(0, 15)}).empty());
  CHECK(Without(Hours(5, 5), {}).empty());
}

TEST_CASE("pieces are of the length that the API is known to take, and leave nothing out") {
  struct Row {
    AggInterval interval;
    Seconds longest;
  };
  for (const Row& row : {Row{AggInterval::k15m, 24h}, Row{AggInterval::k1h, 7 * 24h},
                         Row{AggInterval::k1d, 84 * 24h}, Row{AggInterval::k1w, 364 * 24h}}) {
    CHECK(KnownRange(row.interval).Length() == row.longest);
    const WallTime from = At("2026-01-05");
    const TimeRange range{from, from + 2 * row.longest + Length(row.interval)};
    const auto pieces = Pieces(range, row.interval, row.longest);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0] == TimeRange{from, from + row.longest});
    CHECK(pieces[1] == TimeRange{from + row.longest, from + 2 * row.longest});
    CHECK(pieces[2] == TimeRange{from + 2 * row.longest, range.to});
  }
  CHECK(Pieces(Hours(3, 3), AggInterval::k1h, 24h).empty());
  CHECK(Texts(Pieces(Hours(0, 5), AggInterval::k1h, 150min)) ==
        std::vector<std::string>{"0-2", "2-4", "4-5"});
}

}  // namespace
}  // namespace radar_spoof
