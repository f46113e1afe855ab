#include "radar_spoof/parse/spoof_series.h"

#include <chrono>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using test::At;
using test::JsonString;
using test::SeriesText;

// All its buckets, as if all could be used.
Result<std::vector<SpoofBucket>, Failure> Read(const std::string& json,
                                               AggInterval interval = AggInterval::k1d) {
  const auto parsed = ParseJson(json);
  if (!parsed) FAIL(parsed.error().detail);
  const JsonValue& series = parsed.value().root;
  const auto places = ReadPlaces(series, "serie_0", interval, std::nullopt);
  if (!places) return places.error();
  return ReadBuckets(series, "serie_0", places.value().buckets, std::nullopt);
}

std::string SeriesRefusal(const std::string& json, AggInterval interval = AggInterval::k1d) {
  const auto read = Read(json, interval);
  if (read) return "accepted";
  CHECK(read.error().reason == FailureReason::kValidation);
  return read.error().detail;
}

std::string OneBucket(const std::string& spoof, const std::string& not_spoof) {
  return R"({"SPOOF": [)" + spoof + R"(], "NOT_SPOOF": [)" + not_spoof + "]}";
}

TEST_CASE("a decimal is read in every form the API writes, as text or as a number") {
  struct Row {
    const char* json;
    double number;
  };
  for (const Row& row :
       {Row{R"("18.99756")", 18.99756}, Row{R"("0.0")", 0}, Row{R"("1")", 1}, Row{R"("1.0")", 1},
        Row{R"("1.4e-05")", 1.4e-05}, Row{R"("0")", 0}, Row{R"("100")", 100}, Row{R"("-1")", -1},
        Row{"18.99756", 18.99756}, Row{"1.4e-05", 1.4e-05}, Row{"0", 0}, Row{"1E2", 100}}) {
    CAPTURE(row.json);
    const auto parsed = ParseJson(row.json);
    REQUIRE(parsed.ok());
    CHECK(ReadDecimal(parsed.value().root) == row.number);
  }
}

TEST_CASE("what only looks like a decimal is refused") {
  for (const char* const json :
       {R"("nan")",   R"("NaN")",   R"("-nan")",  R"("inf")",    R"("infinity")",
        R"("-inf")",  "\"nan(1)\"", R"("1e999")", R"("-1e999")", R"(" 10")",
        R"("10 ")",   R"("\t10")",  R"("+10")",   R"("0x10")",   R"("1,5")",
        R"("1_000")", R"("")",      R"(" ")",     R"("-")",      R"(".")",
        R"("e5")",    R"("1e")",    R"("1e+")",   R"("10%")",    R"("10\u0000")",
        R"("--1")",   R"("1.2.3")", "null",       "true",        "[]",
        "{}",         "[10]"}) {
    CAPTURE(json);
    const auto parsed = ParseJson(json);
    REQUIRE(parsed.ok());
    CHECK_FALSE(ReadDecimal(parsed.value().root));
  }
}

TEST_CASE("buckets come out oldest first, whatever their order was") {
  const auto read = Read(SeriesText{}
                             .Bucket("2026-06-03T00:00:00Z", 30)
                             .Bucket("2026-06-01T00:00:00Z", 10)
                             .Bucket("2026-06-05T00:00:00Z", 50)  // a gap before it
                             .Bucket("2026-06-02T00:00:00Z", 20)
                             .Text());
  REQUIRE(read.ok());
  REQUIRE(read.value().size() == 4);
  const int days[] = {1, 2, 3, 5};
  for (std::size_t i = 0; i < 4; ++i) {
    const SpoofBucket& bucket = read.value()[i];
    CHECK(bucket.start == At("2026-06-0" + std::to_string(days[i]) + "T00:00:00Z"));
    CHECK(bucket.spoof == *Ratio::FromPercent(10 * days[i]));
    CHECK(bucket.not_spoof == *Ratio::FromPercent(100 - 10 * days[i]));
  }
}

TEST_CASE("without timestamps buckets keep the order of the answer") {
  const auto read = Read(R"({"SPOOF": ["20", 10], "NOT_SPOOF": [80, "90"]})");
  REQUIRE(read.ok());
  REQUIRE(read.value().size() == 2);
  CHECK_FALSE(read.value()[0].start);
  CHECK(read.value()[0].spoof == *Ratio::FromPercent(20));
  CHECK(read.value()[1].spoof == *Ratio::FromPercent(10));
}

TEST_CASE("unknown classes of any shape are ignored, and so is an empty series' emptiness") {
  CHECK(Read(R"({"SPOOF": ["20"], "NOT_SPOOF": ["80"], "UNSURE": ["x", "y"], "more": {}})").ok());
  const auto empty = Read(R"({"timestamps": [], "SPOOF": [], "NOT_SPOOF": []})");
  REQUIRE(empty.ok());
  CHECK(empty.value().empty());
}

TEST_CASE("one bad value refuses the series and is named") {
  for (const std::string bad : {R"("inf")", R"("1e999")", R"(" 10")", R"("+10")", R"("10 ")",
                                R"("0x10")", R"("1,5")", R"("1_000")", R"(" ")", R"("null")",
                                "true", "-1", R"("-0.000001")", R"("100.5")", "100.00011", "[]",
                                // Nothing, where the other class says something.
                                "null", R"("")", R"("nan")", R"("NaN")"}) {
    CAPTURE(bad);
    const std::string shown = bad == "[]" ? "an array" : bad;
    for (const std::string other : {R"("80")", "0"}) {
      CHECK(SeriesRefusal(R"({"SPOOF": ["20", )" + bad + R"(], "NOT_SPOOF": ["80", )" + other +
                          "]}") ==
            "result.serie_0.SPOOF[1] is " + shown + "; expected a percentage from 0 to 100");
      CHECK(SeriesRefusal(R"({"SPOOF": [)" + other + R"(, "20"], "NOT_SPOOF": [)" + bad +
                          R"(, "80"]})") ==
            "result.serie_0.NOT_SPOOF[0] is " + shown + "; expected a percentage from 0 to 100");
    }
  }
}

TEST_CASE("a bucket with nothing in either class is without mail, as if it were not there") {
  const std::string nothing[] = {"null", R"("")", R"("NaN")", R"("nan")"};
  const std::string zeros[] = {"0", R"("0.0")", R"("-0")", R"("0e5")"};
  for (const auto& alike : {nothing, zeros}) {
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        CAPTURE(alike[i]);
        CAPTURE(alike[j]);
        const auto read = Read(R"({"SPOOF": ["20", )" + alike[i] +
                               R"(, "30"], "NOT_SPOOF": ["80", )" + alike[j] + R"(, "70"]})");
        REQUIRE(read.ok());
        REQUIRE(read.value().size() == 2);
        CHECK(read.value()[0].position == 0);
        CHECK(read.value()[1].position == 2);
      }
    }
  }
  CHECK(Read(OneBucket("null", "null")).value().empty());
}

TEST_CASE("a series with timestamps and without classes is without mail") {
  const std::string times = R"({"timestamps": ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"])";
  for (const char* const none :
       {"}", R"(, "SPOOF": null, "NOT_SPOOF": null})", R"(, "OTHER": []})"}) {
    const auto read = Read(times + none);
    REQUIRE(read.ok());
    CHECK(read.value().empty());
  }
  CHECK(SeriesRefusal(times + R"(, "SPOOF": ["1", "2"]})") ==
        "result.serie_0.NOT_SPOOF is missing; expected an array");
  CHECK(SeriesRefusal(times + R"(, "NOT_SPOOF": ["1", "2"], "SPOOF": null})") ==
        "result.serie_0.SPOOF is null; expected an array");
  CHECK(SeriesRefusal("{}") == "result.serie_0.SPOOF is missing; expected an array");
}

TEST_CASE("SPOOF is a share of all mail, and a sum is over 0 and at most 100.01") {
  struct Row {
    const char* spoof;
    const char* not_spoof;
    double ratio;  // -1: refused
  };
  for (const Row& row :
       {Row{"20", "80", 0.2}, Row{"20.01", "80", 0.2001}, Row{"20.02", "80", -1},
        Row{"35.196588", "64.803412", 0.35196588}, Row{"17.684967", "82.315033", 0.17684967},
        // A class that is not listed, or a third one, has the rest.
        Row{"20", "78.5", 0.2}, Row{"10", "10", 0.1}, Row{"0", "1.4e-05", 0}, Row{"100", "0", 1},
        Row{"0", "100", 0}, Row{"60", "60", -1}, Row{"100", "100", -1},
        Row{"100.0001", "0", 1}}) {  // rounding noise
    CAPTURE(row.spoof);
    CAPTURE(row.not_spoof);
    const std::string json = OneBucket(JsonString(row.spoof), JsonString(row.not_spoof));
    if (row.ratio < 0) {
      CHECK(SeriesRefusal(json) ==
            "SPOOF and NOT_SPOOF of result.serie_0 add up to over 100 at [0]");
      continue;
    }
    const auto read = Read(json);
    REQUIRE(read.ok());
    REQUIRE(read.value().size() == 1);
    CHECK(read.value()[0].spoof.value() == row.ratio);
  }
}

TEST_CASE("only the buckets that are asked for are looked at, and a cut one may be broken") {
  const auto parsed =
      ParseJson(R"({"SPOOF": [null, "20", "30", "x"], "NOT_SPOOF": ["1", "80", "70", "1"]})");
  const JsonValue& series = parsed.value().root;
  const auto places = ReadPlaces(series, "s", AggInterval::k1d, std::nullopt).value().buckets;
  const std::span all(places);
  const auto middle = ReadBuckets(series, "s", all.subspan(1, 2), std::nullopt);
  REQUIRE(middle.ok());
  CHECK(middle.value().size() == 2);
  CHECK_FALSE(ReadBuckets(series, "s", all.first(3), std::nullopt));
  const auto cut = ReadBuckets(series, "s", all.first(3), 0);
  REQUIRE(cut.ok());
  CHECK(cut.value().size() == 2);
  CHECK_FALSE(ReadBuckets(series, "s", all, 0));
}

TEST_CASE("arrays that are missing, no arrays or of other lengths are told apart") {
  CHECK(SeriesRefusal(R"({"NOT_SPOOF": ["80"]})") ==
        "result.serie_0.SPOOF is missing; expected an array");
  CHECK(SeriesRefusal(R"({"SPOOF": ["20"], "NOT_SPOOF": null})") ==
        "result.serie_0.NOT_SPOOF is null; expected an array");
  CHECK(SeriesRefusal(R"({"SPOOF": "20", "NOT_SPOOF": ["80"]})") ==
        "result.serie_0.SPOOF is \"20\"; expected an array");
  CHECK(SeriesRefusal(R"({"timestamps": null, "SPOOF": ["20"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0.timestamps is null; expected an array");
  CHECK(SeriesRefusal(R"({"SPOOF": ["20", "30"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0 has 2 SPOOF and 1 NOT_SPOOF");
  CHECK(SeriesRefusal(R"({"timestamps": [], "SPOOF": ["20"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0 has 1 SPOOF, 1 NOT_SPOOF and 0 timestamps");
}

TEST_CASE("a timestamp that is no time refuses the series") {
  for (const std::string bad :
       {R"("2026-02-30T00:00:00Z")", R"("yesterday")", R"("")", "null", "1780876800", "{}"}) {
    CAPTURE(bad);
    const std::string shown = bad == "{}" ? "an object" : bad;
    CHECK(SeriesRefusal(R"({"timestamps": ["2026-06-01T00:00:00Z", )" + bad +
                        R"(], "SPOOF": ["20", "20"], "NOT_SPOOF": ["80", "80"]})") ==
          "result.serie_0.timestamps[1] is " + shown + "; expected an RFC 3339 time");
  }
}

TEST_CASE("buckets stand on the grid of their interval, weeks on Mondays") {
  struct Row {
    AggInterval interval;
    const char* start;
    bool on_grid;
  };
  for (const Row& row : {Row{AggInterval::k15m, "2026-06-09T10:15:00Z", true},
                         Row{AggInterval::k15m, "2026-06-09T12:15:00+02:00", true},
                         Row{AggInterval::k15m, "2026-06-09T10:07:00Z", false},
                         Row{AggInterval::k15m, "2026-06-09T10:15:01Z", false},
                         Row{AggInterval::k15m, "2026-06-09T10:15:00.001Z", false},
                         Row{AggInterval::k1h, "2026-06-09T10:00:00Z", true},
                         Row{AggInterval::k1h, "2026-06-09T10:15:00Z", false},
                         Row{AggInterval::k1d, "2026-06-09T00:00:00Z", true},
                         Row{AggInterval::k1d, "2026-06-09T00:00:00+02:00", false},
                         Row{AggInterval::k1w, "2026-06-08T00:00:00Z", true},
                         Row{AggInterval::k1w, "2026-06-09T00:00:00Z", false}}) {
    CAPTURE(row.start);
    const std::string json = SeriesText{}.Bucket(row.start, 10).Text();
    CHECK(SeriesRefusal(json, row.interval) ==
          (row.on_grid ? "accepted"
                       : std::string("result.serie_0.timestamps[0] is \"") + row.start +
                             "\"; expected the start of a bucket of " +
                             std::string(RequestName(row.interval))));
  }
}

TEST_CASE("no bucket stands on another, though it says the same") {
  for (const char* const again : {"2026-06-01T00:00:00Z", "2026-06-01T02:00:00+02:00"}) {
    for (const int percent : {10, 11}) {
      SeriesText series;
      series.Bucket("2026-06-01T00:00:00Z", 10)
          .Bucket("2026-06-02T00:00:00Z", 20)
          .Bucket(again, percent);
      CHECK(SeriesRefusal(series.Text()) ==
            "result.serie_0.timestamps has 2026-06-01T00:00:00Z twice");
    }
  }
}

// The starts at which ReadPlaces() puts that many buckets without timestamps: "none"; "from START",
// followed by "?" when each may be one interval earlier.
std::string Placed(AggInterval interval, int count, const char* from, const char* to) {
  std::string values;
  for (int i = 0; i < count; ++i) values += i == 0 ? "1" : ",1";
  const auto parsed = ParseJson(OneBucket(values, values));
  const auto places = ReadPlaces(parsed.value().root, "s", interval, TimeRange{At(from), At(to)});
  REQUIRE(places.ok());
  const auto& [buckets, by_range, certain] = places.value();
  REQUIRE(buckets.size() == static_cast<std::size_t>(count));
  CHECK(by_range == buckets[0].start.has_value());
  if (!buckets[0].start) return "none";
  for (int i = 0; i < count; ++i) {
    CHECK(buckets[static_cast<std::size_t>(i)].start == *buckets[0].start + i * Length(interval));
  }
  return "from " + FormatRfc3339(*buckets[0].start) + (certain ? "" : "?");
}

TEST_CASE("without timestamps buckets are placed by the range where their number fits it") {
  struct Row {
    const char* what;
    AggInterval interval;
    int count;
    const char* from;
    const char* to;
    const char* placed;
  };
  const char* const day = "2026-06-08T00:00:00Z";
  for (const Row& row : {
           Row{"whole hours", AggInterval::k1h, 24, day, "2026-06-09T00:00:00Z",
               "from 2026-06-08T00:00:00Z"},
           Row{"and the one that begins at the end", AggInterval::k1h, 25, day,
               "2026-06-09T00:00:00Z", "from 2026-06-08T00:00:00Z"},
           Row{"one too few", AggInterval::k1h, 23, day, "2026-06-09T00:00:00Z", "none"},
           Row{"one too many", AggInterval::k1h, 26, day, "2026-06-09T00:00:00Z", "none"},
           Row{"the reference's one", AggInterval::k15m, 1, "2026-06-08T10:22:57.555Z",
               "2026-06-09T10:22:57.555Z", "none"},
           Row{"a partial week at the end", AggInterval::k1w, 53, "2025-06-09T00:00:00Z",
               "2026-06-09T08:00:00Z", "from 2025-06-09T00:00:00Z"},
           Row{"without it", AggInterval::k1w, 52, "2025-06-09T00:00:00Z", "2026-06-09T08:00:00Z",
               "from 2025-06-09T00:00:00Z"},
           Row{"partial days at both ends", AggInterval::k1d, 8, "2026-06-02T12:00:00Z",
               "2026-06-09T12:00:00Z", "from 2026-06-02T00:00:00Z"},
           Row{"at one of them, the first or the last", AggInterval::k1d, 7, "2026-06-02T12:00:00Z",
               "2026-06-09T12:00:00Z", "from 2026-06-03T00:00:00Z?"},
           Row{"at neither", AggInterval::k1d, 6, "2026-06-02T12:00:00Z", "2026-06-09T12:00:00Z",
               "from 2026-06-03T00:00:00Z"},
           Row{"a moment", AggInterval::k1h, 1, "2026-06-08T10:00:00Z", "2026-06-08T10:00:01Z",
               "from 2026-06-08T10:00:00Z"},
       }) {
    CAPTURE(row.what);
    CHECK(Placed(row.interval, row.count, row.from, row.to) == row.placed);
  }
}

TEST_CASE("as many repeats as an answer can hold cost no noticeable time") {
  SeriesText series;
  for (int i = 0; i < 80'000; ++i) series.Bucket("2026-06-01T00:00:00Z", 10);
  const std::string json = series.Text();
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(Read(json));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("mean and standard deviation are those of the sample") {
  const auto read = Read(R"({"SPOOF": ["2", "4", "4", "4", "5", "5", "7", "9"],
                             "NOT_SPOOF": ["98", "96", "96", "96", "95", "95", "93", "91"]})");
  REQUIRE(read.ok());
  const auto statistics = StatisticsOf(read.value());
  REQUIRE(statistics);
  CHECK(statistics->mean == doctest::Approx(0.05).epsilon(1e-12));  // 40 / 8
  // Squares about the mean: 9+1+1+1+0+0+4+16 = 32; 32 / 7 = 4.571428...
  CHECK(statistics->standard_deviation == doctest::Approx(0.0213808993529940).epsilon(1e-12));
}

TEST_CASE("under two buckets there are no statistics") {
  CHECK_FALSE(StatisticsOf(std::vector<SpoofBucket>{}));
  const SpoofBucket bucket{{}, *Ratio::FromPercent(10), *Ratio::FromPercent(90)};
  CHECK_FALSE(StatisticsOf(std::vector{bucket}));
  CHECK(StatisticsOf(std::vector{bucket, bucket})->standard_deviation == 0);
}

}  // namespace
}  // namespace radar_spoof
