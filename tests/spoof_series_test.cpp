#include "radar_spoof/parse/spoof_series.h"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using test::At;
using test::SeriesText;

Result<std::vector<SpoofBucket>, Failure> Read(const std::string& json) {
  const auto parsed = ParseJson(json);
  if (!parsed) FAIL(parsed.error().detail);
  return ReadSeries(parsed.value().root, "serie_0");
}

std::string Refusal(const std::string& json) {
  const auto read = Read(json);
  if (read) return "accepted";
  CHECK(read.error().reason == FailureReason::kValidation);
  return read.error().detail;
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
    CHECK(bucket.adds_up);
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
  for (const std::string bad : {R"("nan")", R"("inf")", R"("1e999")", R"(" 10")", R"("+10")",
                                R"("10 ")", R"("0x10")", R"("1,5")", R"("1_000")", R"("")", "null",
                                "true", "-1", R"("-0.000001")", R"("100.5")", "100.00011", "[]"}) {
    CAPTURE(bad);
    const std::string shown = bad == "[]" ? "an array" : bad;
    CHECK(Refusal(R"({"SPOOF": ["20", )" + bad + R"(], "NOT_SPOOF": ["80", "80"]})") ==
          "result.serie_0.SPOOF[1] is " + shown + "; expected a percentage from 0 to 100");
    CHECK(Refusal(R"({"SPOOF": ["20", "20"], "NOT_SPOOF": [)" + bad + R"(, "80"]})") ==
          "result.serie_0.NOT_SPOOF[0] is " + shown + "; expected a percentage from 0 to 100");
  }
}

TEST_CASE("rounding noise is tolerated: 100.0001 is 1, and sums may be off by 0.01") {
  const auto noise = Read(R"({"SPOOF": ["100.0001"], "NOT_SPOOF": ["0"]})");
  REQUIRE(noise.ok());
  CHECK(noise.value()[0].spoof.value() == 1);
  struct Row {
    const char* spoof;
    const char* not_spoof;
    bool adds_up;
  };
  for (const Row& row : {Row{"20", "80", true}, Row{"20.01", "80", true}, Row{"19.99", "80", true},
                         Row{"35.196588", "64.803412", true}, Row{"20.02", "80", false},
                         Row{"19.98", "80", false}, Row{"0", "0", false}}) {
    CAPTURE(row.spoof);
    const auto read = Read(std::string(R"({"SPOOF": [")") + row.spoof + R"("], "NOT_SPOOF": [")" +
                           row.not_spoof + R"("]})");
    REQUIRE(read.ok());
    CHECK(read.value()[0].adds_up == row.adds_up);
  }
}

TEST_CASE("arrays that are missing, no arrays or of other lengths are told apart") {
  CHECK(Refusal(R"({"NOT_SPOOF": ["80"]})") ==
        "result.serie_0.SPOOF is missing; expected an array");
  CHECK(Refusal(R"({"SPOOF": ["20"], "NOT_SPOOF": null})") ==
        "result.serie_0.NOT_SPOOF is null; expected an array");
  CHECK(Refusal(R"({"SPOOF": "20", "NOT_SPOOF": ["80"]})") ==
        "result.serie_0.SPOOF is \"20\"; expected an array");
  CHECK(Refusal(R"({"timestamps": null, "SPOOF": ["20"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0.timestamps is null; expected an array");
  CHECK(Refusal(R"({"SPOOF": ["20", "30"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0 has 2 SPOOF and 1 NOT_SPOOF");
  CHECK(Refusal(R"({"timestamps": [], "SPOOF": ["20"], "NOT_SPOOF": ["80"]})") ==
        "result.serie_0 has 1 SPOOF, 1 NOT_SPOOF and 0 timestamps");
}

TEST_CASE("a timestamp that is no time refuses the series") {
  for (const std::string bad :
       {R"("2026-02-30T00:00:00Z")", R"("yesterday")", R"("")", "null", "1780876800", "{}"}) {
    CAPTURE(bad);
    const std::string shown = bad == "{}" ? "an object" : bad;
    CHECK(Refusal(R"({"timestamps": ["2026-06-01T00:00:00Z", )" + bad +
                  R"(], "SPOOF": ["20", "20"], "NOT_SPOOF": ["80", "80"]})") ==
          "result.serie_0.timestamps[1] is " + shown + "; expected an RFC 3339 time");
  }
}

TEST_CASE("a bucket twice is one bucket when it says the same, else refused") {
  SeriesText series;
  series.Bucket("2026-06-01T00:00:00Z", 10)
      .Bucket("2026-06-02T00:00:00Z", 20)
      .Bucket("2026-06-01T00:00:00Z", 10)
      .Bucket("2026-06-01T02:00:00+02:00", 10);
  const auto read = Read(series.Text());
  REQUIRE(read.ok());
  CHECK(read.value().size() == 2);
  CHECK(Refusal(series.Bucket("2026-06-01T00:00:00Z", 11).Text()) ==
        "result.serie_0.timestamps has 2026-06-01T00:00:00Z twice, with different values");
}

TEST_CASE("as many repeats as an answer can hold cost no noticeable time") {
  SeriesText series;
  for (int i = 0; i < 80'000; ++i) series.Bucket("2026-06-01T00:00:00Z", 10);
  const std::string json = series.Text();
  const auto began = std::chrono::steady_clock::now();
  const auto read = Read(json);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  REQUIRE(read.ok());
  CHECK(read.value().size() == 1);
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
  const SpoofBucket bucket{{}, *Ratio::FromPercent(10), *Ratio::FromPercent(90), true};
  CHECK_FALSE(StatisticsOf(std::vector{bucket}));
  CHECK(StatisticsOf(std::vector{bucket, bucket})->standard_deviation == 0);
}

}  // namespace
}  // namespace radar_spoof
