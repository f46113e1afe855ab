#include "radar_spoof/parse/radar_response.h"

#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"
#include "support/query_builder.h"
#include "support/read_answer.h"

namespace radar_spoof {
namespace {

using test::ReadAnswer;
using test::ReadWindow;
using namespace std::chrono_literals;
using test::Answer;
using test::At;
using test::JsonString;
using test::MakeQuery;
using test::Ok;
using test::SeriesText;

const WallTime kNow = At("2026-06-09T12:10:00Z");  // a Tuesday
const Query kHourly = MakeQuery("hourly", AggInterval::k1h, "7d");
const Query kWeekly = MakeQuery("weekly", AggInterval::k1w, "52w");

Query WithControl(const std::string& date_range = "7d") {
  Query query = MakeQuery("control", AggInterval::k1h, date_range);
  query.control = true;
  return query;
}

std::string Fixture(const std::string& name) {
  std::ifstream file(std::string(RADAR_SPOOF_TEST_DATA) + "/answers/" + name);
  REQUIRE_MESSAGE(file, name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Three hours; the newest complete one, 10:00, has 20 %, the one before 10 %, the partial one 30 %.
Answer ThreeHours() {
  Answer answer;
  answer.serie_0.Bucket("2026-06-09T09:00:00Z", 10)
      .Bucket("2026-06-09T10:00:00Z", 20)
      .Bucket("2026-06-09T11:00:00Z", 30);
  return answer;
}

SpoofSample Sample(const Query& query, const std::string& body, WallTime now = kNow) {
  const auto read = ReadAnswer(query, Ok(body), now);
  if (!read) FAIL(read.error().detail);
  return read.value();
}
SpoofSample Sample(const Answer& answer) { return Sample(kHourly, answer.Body()); }

// "reason: detail", or "a sample".
std::string Verdict(const Query& query, const HttpResponse& response) {
  const auto read = ReadAnswer(query, response, kNow);
  if (read) return "a sample";
  CHECK(read.error().detail.size() <= 300);
  return std::string(Name(read.error().reason)) + ": " + read.error().detail;
}
std::string Verdict(const Answer& answer) { return Verdict(kHourly, Ok(answer.Body())); }

double Percent(const SpoofSample& sample) { return sample.spoof.value() * 100; }

TEST_CASE("the sample is the newest complete bucket, with both numbers from it") {
  const SpoofSample sample = Sample(ThreeHours());
  CHECK(Percent(sample) == doctest::Approx(20));
  CHECK(sample.not_spoof.value() == doctest::Approx(0.8));
  CHECK(sample.bucket_start == At("2026-06-09T10:00:00Z"));
  CHECK(sample.last_updated == At("2026-06-09T11:45:00Z"));
  CHECK(sample.confidence_level == 5);
  CHECK_FALSE(sample.control);
  CHECK_FALSE(sample.window);  // one earlier bucket is too few
}

TEST_CASE("a partial last week is left out, and 53 weeks for 52 are fine") {
  const SpoofSample sample = Sample(kWeekly, Fixture("weekly_partial_last.json"));
  CHECK(sample.bucket_start == At("2026-06-01T00:00:00Z"));  // a Monday
  CHECK(FloorTo(*sample.bucket_start, 168h) == *sample.bucket_start);
  CHECK(sample.spoof.value() == doctest::Approx(0.35196588).epsilon(1e-12));
  CHECK(sample.not_spoof.value() == doctest::Approx(0.64803412).epsilon(1e-12));
}

TEST_CASE("an answer that leaves the partial bucket out gives the same sample") {
  const SpoofSample with = Sample(kWeekly, Fixture("weekly_partial_last.json"));
  const SpoofSample without = Sample(kWeekly, Fixture("weekly_complete_last.json"));
  CHECK(with.bucket_start == without.bucket_start);
  CHECK(with.spoof == without.spoof);
  CHECK(with.window->mean == without.window->mean);
  CHECK(with.window->standard_deviation == without.window->standard_deviation);
}

TEST_CASE("the reference's example, without timestamps or errors, is its last element") {
  const SpoofSample sample = Sample(MakeQuery("q"), Fixture("reference_example.json"));
  CHECK(sample.spoof.value() == doctest::Approx(0.1899756).epsilon(1e-12));
  CHECK_FALSE(sample.bucket_start);
  CHECK_FALSE(sample.confidence_level);  // the 0 of the reference is no level
  CHECK(sample.last_updated == At("2022-09-17T10:00:00Z"));
  CHECK(sample.annotations[static_cast<std::size_t>(EventType::kEvent)] == 1);
}

TEST_CASE("order does not matter, nor a dateRange object, nor a null confidence") {
  const SpoofSample sample = Sample(kHourly, Fixture("hourly_out_of_order.json"));
  CHECK(sample.bucket_start == At("2026-06-09T10:00:00Z"));
  CHECK(Percent(sample) == doctest::Approx(30));
  CHECK_FALSE(sample.confidence_level);
  REQUIRE(sample.window);  // of 1.4e-05 % and 0 %
  CHECK(sample.window->mean == doctest::Approx(7e-8).epsilon(1e-9));
}

TEST_CASE("a projected bucket is not complete, and the others are untouched") {
  const SpoofSample sample =
      Sample(MakeQuery("d", AggInterval::k1d, "3d"), Fixture("daily_projection.json"));
  CHECK(sample.bucket_start == At("2026-06-07T00:00:00Z"));
  CHECK(Percent(sample) == doctest::Approx(12));
  CHECK_FALSE(sample.confidence_level);
  AnnotationCounts expected{};
  expected[static_cast<std::size_t>(EventType::kPipeline)] = 1;
  expected[static_cast<std::size_t>(EventType::kOther)] = 1;  // SOLAR_FLARE, still going on
  CHECK(sample.annotations == expected);
}

// An entry of `annotations`.
std::string Projection(const std::string& start, const std::string& end,
                       const std::string& type = "PARTIAL_PROJECTION") {
  return R"({"eventType": ")" + type + R"(", "startDate": )" + start + R"(, "endDate": )" + end +
         "}";
}

// Three hours that all have ended, with such annotations.
Answer Annotated(const std::string& annotations) {
  Answer answer = ThreeHours();
  answer.meta.Set("lastUpdated", R"("2026-06-09T12:00:00Z")")
      .Set("confidenceInfo", R"({"level": 5, "annotations": )" + annotations + "}");
  return answer;
}

TEST_CASE("a projection is never shown, wherever it stands and whatever is wrong with it") {
  const std::string noon = R"("2026-06-09T12:00:00Z")";
  const std::string eleven = R"("2026-06-09T11:00:00Z")";
  const std::string good = Projection(eleven, noon);
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "{},";
  CHECK(Percent(Sample(Annotated("[]"))) == doctest::Approx(30));
  for (const std::string& annotation :
       {good, many + good, Projection(eleven, noon, "partial_projection"),
        Projection(eleven, eleven), Projection(noon, eleven),
        Projection(R"("2026-06-09")", R"("2026-06-10")"),
        Projection(R"("2026-06-09T11:00:00")", R"("2026-06-09T12:00:00")"),
        Projection("null", noon), Projection(noon, "null"), Projection("[]", "{}"),
        std::string(R"({"eventType": "PARTIAL_PROJECTION"})")}) {
    CAPTURE(annotation);
    CHECK(Percent(Sample(Annotated("[" + annotation + "]"))) == doctest::Approx(20));
  }
  for (const std::string& list : {"{\"0\": " + good + "}", good, "[[" + good + "]]"}) {
    CAPTURE(list);
    CHECK(Verdict(Annotated(list)).starts_with("validation: result.meta.confidenceInfo."));
  }
}

TEST_CASE("a projection without times is of the last bucket that has begun, not of a later one") {
  Answer answer = Annotated(R"([{"eventType": "PARTIAL_PROJECTION"}])");
  answer.serie_0.Bucket("2026-06-10T12:00:00Z", 50);
  CHECK(Percent(Sample(answer)) == doctest::Approx(20));
}

TEST_CASE("a projection of another time hides nothing") {
  for (const auto& [start, end] :
       {std::pair(R"("2026-06-09T12:00:00Z")", R"("2026-06-09T13:00:00Z")"),
        {R"("2026-06-01T00:00:00Z")", R"("2026-06-02T00:00:00Z")"}}) {
    CHECK(Percent(Sample(Annotated("[" + Projection(start, end) + "]"))) == doctest::Approx(30));
  }
}

TEST_CASE("lastUpdated and the clock both decide what is complete") {
  struct Row {
    const char* last_updated;
    const char* now;
    double percent;
  };
  for (const Row& row : {
           Row{"2026-06-09T11:45:00Z", "2026-06-09T12:10:00Z", 20},
           Row{"2026-06-09T11:00:00Z", "2026-06-09T12:10:00Z", 20},
           Row{"2026-06-09T10:59:59.999Z", "2026-06-09T12:10:00Z", 10},
           Row{"2026-06-09T12:00:00Z", "2026-06-09T12:10:00Z", 30},
           Row{"2026-06-09T12:00:00.5Z", "2026-06-09T12:10:00Z", 30},
           Row{"2026-06-09T14:00:00+02:00", "2026-06-09T12:10:00Z", 30},
           // The API's clock may be ahead of ours by an hour.
           Row{"2026-06-09T12:59:59Z", "2026-06-09T11:59:59Z", 20},
           Row{"2026-06-09T13:00:00Z", "2026-06-09T12:00:00Z", 30},
       }) {
    CAPTURE(row.last_updated);
    CAPTURE(row.now);
    Answer answer = ThreeHours();
    answer.meta.Set("lastUpdated", JsonString(row.last_updated));
    const SpoofSample sample = Sample(kHourly, answer.Body(), At(row.now));
    CHECK(Percent(sample) == doctest::Approx(row.percent));
    CHECK(sample.last_updated == At(row.last_updated));
  }
}

TEST_CASE("without a lastUpdated that can be believed no bucket is taken for complete") {
  Answer answer = ThreeHours();
  answer.meta.Remove("lastUpdated");
  CHECK(Verdict(answer) ==
        "validation: result.meta.lastUpdated is missing; expected an RFC 3339 time");
  for (const std::string wrong :
       {"null", R"("")", R"("soon")", "1781000000", "true", R"("2026-06-09")",
        R"("2026-06-09T11:45:00")", R"("2026-06-09T11:45Z")", R"("2026-13-09T11:45:00Z")",
        R"("99999-01-01T00:00:00Z")"}) {
    CAPTURE(wrong);
    answer.meta.Set("lastUpdated", wrong);
    CHECK(Verdict(answer) ==
          "validation: result.meta.lastUpdated is " + wrong + "; expected an RFC 3339 time");
  }
  for (const std::string ahead : {R"("2026-06-09T13:10:00.001Z")", R"("2026-06-09T12:10:00-02:00")",
                                  R"("9999-12-31T23:59:59Z")"}) {
    CAPTURE(ahead);
    answer.meta.Set("lastUpdated", ahead);
    CHECK(Verdict(answer) == "validation: result.meta.lastUpdated is " + ahead +
                                 "; expected no time over an hour ahead of 2026-06-09T12:10:00Z");
  }
  answer.meta.Set("lastUpdated", R"(["2026-06-09T11:45:00Z"])");
  CHECK(Verdict(answer) ==
        "validation: result.meta.lastUpdated is an array; expected an RFC 3339 time");
}

// --- without timestamps --------------------------------------------------------------------------

std::string Range(const std::string& from, const std::string& to) {
  return R"({"startTime": ")" + from + R"(", "endTime": ")" + to + R"("})";
}

// ThreeHours() as an API without timestamps would answer; 09:00 to 12:00.
Answer ThreeHoursWithoutTimes() {
  Answer answer = ThreeHours();
  answer.serie_0.without_timestamps = true;
  answer.meta.Set("dateRange", "[" + Range("2026-06-09T09:00:00Z", "2026-06-09T12:00:00Z") + "]");
  return answer;
}

TEST_CASE("without timestamps buckets are placed by dateRange, and judged like others") {
  Answer answer = ThreeHoursWithoutTimes();
  for (const std::string& range :
       {"[" + Range("2026-06-09T09:00:00Z", "2026-06-09T12:00:00Z") + "]",
        Range("2026-06-09T09:00:00Z", "2026-06-09T12:00:00Z"),
        // The end cuts the last bucket, or is where it begins.
        Range("2026-06-09T09:00:00Z", "2026-06-09T11:45:00Z"),
        Range("2026-06-09T09:00:00Z", "2026-06-09T11:00:00Z"),
        // The first bucket begins before the range.
        Range("2026-06-09T09:20:00Z", "2026-06-09T11:45:00Z")}) {
    CAPTURE(range);
    answer.meta.Set("dateRange", range).Set("lastUpdated", R"("2026-06-09T11:45:00Z")");
    const SpoofSample sample = Sample(answer);
    CHECK(Percent(sample) == doctest::Approx(20));
    CHECK(sample.bucket_start == At("2026-06-09T10:00:00Z"));
    answer.meta.Set("lastUpdated", R"("2026-06-09T10:45:00Z")");
    CHECK(Percent(Sample(answer)) == doctest::Approx(10));
  }
  answer = ThreeHoursWithoutTimes();
  answer.meta.Set("lastUpdated", R"("2026-06-09T12:00:00Z")");
  CHECK(Percent(Sample(answer)) == doctest::Approx(30));
  answer.meta.Set("confidenceInfo",
                  R"({"annotations": [)" +
                      Projection(R"("2026-06-09T11:00:00Z")", R"("2026-06-09T12:00:00Z")") + "]}");
  CHECK(Percent(Sample(answer)) == doctest::Approx(20));
}

TEST_CASE(
    "where their number fits no range the last is the latest, or the one before a projection") {
  for (const std::string& range :
       {"[" + Range("2026-06-08T12:00:00Z", "2026-06-09T12:00:00Z") + "]", std::string("[]"),
        std::string("null"), std::string(R"("7d")"),
        Range("2026-06-09T12:00:00Z", "2026-06-09T09:00:00Z"), Range("soon", "later")}) {
    CAPTURE(range);
    Answer answer = ThreeHoursWithoutTimes();
    answer.meta.Set("dateRange", range);
    const SpoofSample sample = Sample(answer);
    CHECK(Percent(sample) == doctest::Approx(30));
    CHECK_FALSE(sample.bucket_start);
    // Of whatever time it is, as the buckets have none.
    answer.meta.Set("confidenceInfo", R"({"annotations": [)" +
                                          Projection(R"("2020-01-01T00:00:00Z")", "null") + "]}");
    CHECK(Percent(Sample(answer)) == doctest::Approx(20));
  }
  Answer answer = ThreeHoursWithoutTimes();
  answer.meta.Remove("dateRange");
  CHECK(Percent(Sample(answer)) == doctest::Approx(30));
}

TEST_CASE(
    "where a range leaves two placements open none is claimed, and no bucket may be partial") {
  Answer answer = ThreeHoursWithoutTimes();
  // 09:00 to 11:00, or 10:00 to 12:00 of which the last is partial.
  answer.meta.Set("dateRange", Range("2026-06-09T09:10:00Z", "2026-06-09T12:10:00Z"))
      .Set("lastUpdated", R"("2026-06-09T12:00:00Z")");
  const SpoofSample sample = Sample(answer);
  CHECK(Percent(sample) == doctest::Approx(20));
  CHECK_FALSE(sample.bucket_start);
  // All have ended, wherever they are; 11:00, which is the second or the third, is projected.
  answer.meta.Set("lastUpdated", R"("2026-06-09T13:10:00Z")")
      .Set("confidenceInfo",
           R"({"annotations": [)" +
               Projection(R"("2026-06-09T11:00:00Z")", R"("2026-06-09T12:00:00Z")") + "]}");
  CHECK(Percent(Sample(kHourly, answer.Body(), At("2026-06-09T13:10:00Z"))) == doctest::Approx(10));
}

TEST_CASE("the reference's own example gives its value, for every interval") {
  for (const AggInterval interval : kAllAggIntervals) {
    Answer answer;
    answer.serie_0.Raw("", R"("10")", R"("10")");
    answer.serie_0.without_timestamps = true;
    answer.meta.Set("aggInterval", JsonString(MetaName(interval)))
        .Set("confidenceInfo", R"({"annotations": [], "level": 0})")
        .Set("dateRange",
             "[" + Range("2026-05-10T10:22:57.555Z", "2026-06-09T10:22:57.555Z") + "]");
    const SpoofSample sample = Sample(MakeQuery("q", interval, "30d"), answer.Body());
    CHECK(Percent(sample) == doctest::Approx(10));
    CHECK(sample.not_spoof.value() == doctest::Approx(0.1));
    CHECK_FALSE(sample.confidence_level);
  }
}

// --- the window ----------------------------------------------------------------------------------

TEST_CASE("the window is every complete bucket before the sample's") {
  Answer answer;
  // 2, 4, 6 and 8 % before, the sample 50 %, the partial bucket 99 %.
  const int shares[] = {2, 4, 6, 8, 50, 99};
  for (int i = 0; i < 6; ++i) {
    answer.serie_0.Bucket(
        "2026-06-09T" + std::string(i < 4 ? "0" : "") + std::to_string(6 + i) + ":00:00Z",
        shares[i]);
  }
  const SpoofSample sample = Sample(answer);
  CHECK(Percent(sample) == doctest::Approx(50));
  REQUIRE(sample.window);
  CHECK(sample.window->mean == doctest::Approx(0.05).epsilon(1e-12));
  // Squares about 5: 9 + 1 + 1 + 9 = 20; 20 / 3 = 6.666...; its root is 2.581988897471611.
  CHECK(sample.window->standard_deviation == doctest::Approx(0.02581988897471611).epsilon(1e-12));
}

TEST_CASE(
    "the trend has one value per interval up to the sample, and gaps where buckets are missing") {
  Answer answer = ThreeHours();
  answer.serie_0.Bucket("2026-06-09T06:00:00Z", 5);
  const Trend trend = Sample(answer).trend;
  REQUIRE(trend.size() == 5);
  CHECK(trend[0] == doctest::Approx(0.05));
  CHECK(std::isnan(trend[1]));
  CHECK(std::isnan(trend[2]));
  CHECK(trend[3] == doctest::Approx(0.1));
  CHECK(trend[4] == doctest::Approx(0.2));
}

TEST_CASE("the trend is of the newest buckets, and never longer than its limit") {
  Answer answer;
  for (int hour = 0; hour < 300; ++hour) {
    const WallTime start = At("2026-06-09T11:00:00Z") - Seconds(3600) * (300 - hour);
    answer.serie_0.Bucket(FormatRfc3339(start), hour % 100);
  }
  const Trend trend = Sample(MakeQuery("q", AggInterval::k1h, "14d"), answer.Body()).trend;
  REQUIRE(trend.size() == kTrendLength);
  CHECK(trend.back() == doctest::Approx(0.99));
  CHECK(trend.front() == doctest::Approx(0.08));
}

TEST_CASE("a window holds the complete buckets of both periods, and the sample is its newest") {
  const auto window = ReadWindow(kHourly, Ok(ThreeHours().Body()), kNow);
  REQUIRE(window);
  REQUIRE(window.value().buckets.size() == 2);
  CHECK(window.value().buckets[0].start == At("2026-06-09T09:00:00Z"));
  CHECK(window.value().buckets[1].spoof == *Ratio::FromPercent(20));
  CHECK(window.value().control.empty());
  CHECK(SampleOf(kHourly, window.value()).bucket_start == At("2026-06-09T10:00:00Z"));
}

TEST_CASE("the control is the same bucket one control period earlier") {
  const SpoofSample sample = Sample(WithControl(), Fixture("hourly_with_control.json"));
  CHECK(Percent(sample) == doctest::Approx(13));
  REQUIRE(sample.control);
  CHECK(sample.control->value() == doctest::Approx(0.23));
}

TEST_CASE("control looks 7 days back for 7d, and 14 for 10d") {
  Answer answer = ThreeHours();
  answer.serie_1.emplace()
      .Bucket("2026-05-26T10:00:00Z", 14)
      .Bucket("2026-06-02T10:00:00Z", 7)
      .Bucket("2026-05-30T10:00:00Z", 10);
  CHECK(Sample(WithControl("7d"), answer.Body()).control->value() == doctest::Approx(0.07));
  CHECK(Sample(WithControl("10d"), answer.Body()).control->value() == doctest::Approx(0.14));
  CHECK_FALSE(Sample(WithControl("3w"), answer.Body()).control);
}

TEST_CASE("a control without that bucket is absent, and the sample stands") {
  Answer answer = ThreeHours();
  answer.serie_1.emplace();
  CHECK_FALSE(Sample(WithControl(), answer.Body()).control);
  answer.serie_1->Bucket("2026-06-02T09:00:00Z", 9);
  const SpoofSample sample = Sample(WithControl(), answer.Body());
  CHECK_FALSE(sample.control);
  CHECK(Percent(sample) == doctest::Approx(20));
}

TEST_CASE("without a place in time the control is the bucket at the same place in the answer") {
  Answer answer = ThreeHours();
  answer.meta.Remove("dateRange");
  answer.serie_0.without_timestamps = true;
  answer.serie_1.emplace()
      .Bucket("2026-06-02T09:00:00Z", 6)
      .Bucket("2026-06-02T10:00:00Z", 7)
      .Bucket("2026-06-02T11:00:00Z", 8);
  CHECK_FALSE(Sample(WithControl(), answer.Body()).control);  // only one of them has times
  answer.serie_1->without_timestamps = true;
  CHECK(Sample(WithControl(), answer.Body()).control->value() == doctest::Approx(0.08));
  answer.meta.Set("confidenceInfo", R"({"annotations": [{"eventType": "PARTIAL_PROJECTION"}]})");
  const SpoofSample sample = Sample(WithControl(), answer.Body());
  CHECK(Percent(sample) == doctest::Approx(20));
  CHECK(sample.control->value() == doctest::Approx(0.07));
  answer.serie_1->Bucket("2026-06-02T12:00:00Z", 9);  // which of four is the same one?
  CHECK_FALSE(Sample(WithControl(), answer.Body()).control);
}

TEST_CASE("each series is placed by its own entry of dateRange") {
  Answer answer = ThreeHoursWithoutTimes();
  answer.meta.Set("dateRange", "[" + Range("2026-06-09T09:00:00Z", "2026-06-09T12:00:00Z") + ", " +
                                   Range("2026-06-02T08:00:00Z", "2026-06-02T11:00:00Z") + "]");
  answer.serie_1.emplace().Bucket("", 6).Bucket("", 7).Bucket("", 8).without_timestamps = true;
  CHECK(Sample(WithControl(), answer.Body()).control->value() == doctest::Approx(0.08));
}

TEST_CASE("whatever is wrong with the control period costs the control alone") {
  const auto check = [](const Answer& answer) {
    const SpoofSample sample = Sample(WithControl(), answer.Body());
    CHECK(Percent(sample) == doctest::Approx(20));
    CHECK_FALSE(sample.control);
  };
  Answer answer = ThreeHours();
  check(answer);  // missing
  for (const char* const series :
       {"null", "[]", "5", "{}", R"({"timestamps": [], "SPOOF": [], "NOT_SPOOF": []})",
        R"({"timestamps": ["2026-06-02T10:00:00Z"], "SPOOF": ["7"]})",
        R"({"timestamps": ["2026-06-02T10:00:00Z"]})",
        R"({"timestamps": ["2026-06-02T10:00:00Z"], "SPOOF": ["7"], "NOT_SPOOF": []})"}) {
    CAPTURE(series);
    answer.result.Set("serie_1", series);
    check(answer);
  }
  answer.result.Remove("serie_1");
  struct Row {
    const char* start;
    const char* spoof;
    const char* not_spoof;
  };
  for (const Row& row : {Row{"2026-06-02T09:00:00Z", "null", R"("1")"},
                         Row{"2026-06-02T09:00:00Z", R"("x")", R"("1")"},
                         Row{"2026-06-02T09:00:00Z", R"("60")", R"("60")"},
                         Row{"2026-06-02T09:07:00Z", R"("7")", R"("93")"},
                         Row{"2026-06-02T10:00:00Z", R"("7")", R"("93")"},
                         Row{"2020-06-02T09:00:00Z", R"("7")", R"("93")"}}) {
    CAPTURE(row.start);
    CAPTURE(row.spoof);
    answer.serie_1.emplace()
        .Bucket("2026-06-02T10:00:00Z", 7)
        .Raw(row.start, row.spoof, row.not_spoof);
    check(answer);
  }
  // Without mail then: there is nothing to compare with.
  answer.serie_1.emplace().Raw("2026-06-02T10:00:00Z", "0", "0").Bucket("2026-06-02T09:00:00Z", 9);
  check(answer);
  answer.serie_1.emplace().Bucket("2026-06-02T10:00:00Z", 7).Raw("2026-06-02T09:00:00Z", "0", "0");
  CHECK(Sample(WithControl(), answer.Body()).control->value() == doctest::Approx(0.07));
}

// --- several queries -----------------------------------------------------------------------------

// Series s0 and s1 of three hours, whose 10:00 have 20 % and 40 %, and c1, 25 % a week earlier.
Answer SharedByTwo() {
  SeriesText second;
  second.Bucket("2026-06-09T09:00:00Z", 30).Bucket("2026-06-09T10:00:00Z", 40);
  SeriesText control;
  control.Bucket("2026-06-02T10:00:00Z", 25);
  Answer answer;
  answer.result.Set("s0", ThreeHours().serie_0.Text())
      .Set("s1", second.Text())
      .Set("c1", control.Text());
  return answer;
}

using Outcomes = std::vector<Result<SpoofSample, Failure>>;

Result<Outcomes, AnswerRefusal> ReadOfTwo(const Query& first, const Query& second,
                                          const std::string& body) {
  const Query* const asked[] = {&first, &second};
  const SeriesNames names[] = {{"s0", "c0"}, {"s1", "c1"}};
  const auto windows = ReadSharedAnswer(asked, names, Ok(body), kNow);
  if (!windows) return windows.error();
  Outcomes outcomes;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& window = windows.value()[i];
    if (window) {
      outcomes.emplace_back(SampleOf(*asked[i], window.value()));
    } else {
      outcomes.emplace_back(window.error());
    }
  }
  return outcomes;
}

Result<Outcomes, AnswerRefusal> ReadShared(const std::string& body) {
  return ReadOfTwo(kHourly, WithControl(), body);
}

TEST_CASE("each query of a request has its own numbers, and what is the request's in common") {
  const auto read = ReadShared(SharedByTwo().Body());
  REQUIRE(read.ok());
  REQUIRE(read.value().size() == 2);
  const SpoofSample& first = read.value()[0].value();
  const SpoofSample& second = read.value()[1].value();
  CHECK(Percent(first) == doctest::Approx(20));
  CHECK_FALSE(first.control);
  CHECK(Percent(second) == doctest::Approx(40));
  REQUIRE(second.control);
  CHECK(second.control->value() == doctest::Approx(0.25));
  CHECK(first.confidence_level == 5);
  CHECK(second.confidence_level == 5);
  CHECK(second.last_updated == first.last_updated);
}

TEST_CASE("what is wrong in one series fails only the query it is of") {
  Answer answer = SharedByTwo();
  SeriesText bad;
  bad.Raw("2026-06-09T10:00:00Z", "null", JsonString("60"));
  Answer off = answer;
  off.result.Set("s1", bad.Text());
  const auto failed = ReadShared(off.Body());
  REQUIRE(failed.ok());
  CHECK(failed.value()[0].ok());
  REQUIRE_FALSE(failed.value()[1].ok());
  CHECK(failed.value()[1].error().reason == FailureReason::kValidation);
  CHECK(failed.value()[1].error().detail.find("result.s1") != std::string::npos);
  SeriesText none;
  answer.result.Set("s0", none.Text());
  const auto read = ReadShared(answer.Body());
  REQUIRE(read.ok());
  CHECK(read.value()[0].error().reason == FailureReason::kEmpty);
  CHECK(read.value()[1].ok());
}

TEST_CASE("in an answer for several queries a bad control period costs one control alone") {
  SeriesText bad;
  bad.Raw("2026-06-02T10:00:00Z", "null", JsonString("60"));
  for (const std::string& control : {std::string("null"), bad.Text()}) {
    Answer answer = SharedByTwo();
    answer.result.Set("c1", control);
    const auto read = ReadShared(answer.Body());
    REQUIRE(read.ok());
    CHECK(Percent(read.value()[0].value()) == doctest::Approx(20));
    CHECK(Percent(read.value()[1].value()) == doctest::Approx(40));
    CHECK_FALSE(read.value()[1].value().control);
  }
  Answer answer = SharedByTwo();
  answer.result.Remove("c1");
  REQUIRE(ReadShared(answer.Body()).ok());
  CHECK_FALSE(ReadShared(answer.Body()).value()[1].value().control);
}

TEST_CASE("series without timestamps are placed by the entry of their place in the request") {
  const auto series = [](int percent) {
    SeriesText text;
    text.Bucket("", percent).Bucket("", percent + 1).without_timestamps = true;
    return text.Text();
  };
  Answer answer;
  answer.result.Set("s0", series(10)).Set("c0", series(20)).Set("s1", series(30));
  answer.meta.Set("dateRange", "[" + Range("2026-06-09T09:00:00Z", "2026-06-09T11:00:00Z") + ", " +
                                   Range("2026-06-02T09:00:00Z", "2026-06-02T11:00:00Z") + ", " +
                                   Range("2026-06-09T10:00:00Z", "2026-06-09T12:00:00Z") + "]");
  const auto read = ReadOfTwo(WithControl(), kHourly, answer.Body());
  REQUIRE(read.ok());
  const SpoofSample& first = read.value()[0].value();
  CHECK(Percent(first) == doctest::Approx(11));
  CHECK(first.bucket_start == At("2026-06-09T10:00:00Z"));
  CHECK(first.control->value() == doctest::Approx(0.21));
  const SpoofSample& second = read.value()[1].value();
  CHECK(Percent(second) == doctest::Approx(30));
  CHECK(second.bucket_start == At("2026-06-09T10:00:00Z"));
}

TEST_CASE("an answer that lacks a series, or whose meta is off, is refused for all its queries") {
  for (const char* const series : {"s0", "s1"}) {
    CAPTURE(series);
    Answer answer = SharedByTwo();
    answer.result.Remove(series);
    const auto read = ReadShared(answer.Body());
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().failure.detail ==
          std::string("result.") + series + " is missing; expected an object");
  }
  Answer answer = SharedByTwo();
  answer.meta.Set("normalization", R"("RATIO")");
  CHECK_FALSE(ReadShared(answer.Body()).ok());
}

TEST_CASE("an answer without the series it was asked for says what may be to blame") {
  const auto form_of = [](Answer answer) {
    const auto read = ReadShared(answer.Body());
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().failure.reason == FailureReason::kValidation);
    return read.error().form;
  };
  Answer part = SharedByTwo();
  part.result.Remove("s1");
  CHECK(form_of(part) == FormProblem::kNone);
  CHECK(form_of(Answer()) == FormProblem::kNamesIgnored);
  Answer foreign;
  foreign.result.Set("s0_other", ThreeHours().serie_0.Text());
  CHECK(form_of(foreign) == FormProblem::kNamesIgnored);
  Answer other;
  other.result_json = R"({"s0_other": {}, "meta": {}})";
  CHECK(form_of(other) == FormProblem::kForeign);
  other.result_json = R"({"meta": {}})";
  CHECK(form_of(other) == FormProblem::kNone);
  other.result_json = "{}";
  CHECK(form_of(other) == FormProblem::kNone);
}

TEST_CASE("a status says whether the path or the names of series may be to blame") {
  const auto form_of = [](int status, const std::string& body) {
    const Query* const asked[] = {&kHourly};
    const SeriesNames names[] = {{"s0", "c0"}};
    const auto read = ReadSharedAnswer(asked, names, {status, {}, body}, kNow);
    REQUIRE_FALSE(read.ok());
    return read.error().form;
  };
  for (const int status : {404, 410}) CHECK(form_of(status, "") == FormProblem::kPathNotFound);
  CHECK(form_of(400, "") == FormProblem::kMayBeNames);
  CHECK(form_of(400, R"({"errors": [{"code": 6003}]})") == FormProblem::kNone);
  for (const int status : {401, 403, 408, 413, 414, 422, 429, 500}) {
    CAPTURE(status);
    CHECK(form_of(status, "") == FormProblem::kNone);
  }
}

// --- what a bucket holds -------------------------------------------------------------------------

TEST_CASE("a broken bucket that is used refuses the answer") {
  struct Row {
    const char* spoof;
    const char* not_spoof;
    const char* detail;
  };
  for (const Row& row :
       {Row{"null", R"("80")",
            "result.serie_0.SPOOF[1] is null; expected a percentage from 0 to 100"},
        Row{R"("80")", R"("")",
            R"(result.serie_0.NOT_SPOOF[1] is ""; expected a percentage from 0 to 100)"},
        Row{R"("nan")", "0",
            R"(result.serie_0.SPOOF[1] is "nan"; expected a percentage from 0 to 100)"},
        Row{R"("100.5")", "0",
            R"(result.serie_0.SPOOF[1] is "100.5"; expected a percentage from 0 to 100)"},
        Row{"20.02", "80", "SPOOF and NOT_SPOOF of result.serie_0 add up to over 100 at "}}) {
    CAPTURE(row.spoof);
    // The sample's, and one of the window.
    for (const char* const start : {"2026-06-09T10:00:00Z", "2026-06-09T08:00:00Z"}) {
      Answer answer;
      answer.serie_0.Bucket("2026-06-09T09:00:00Z", 10).Raw(start, row.spoof, row.not_spoof);
      CHECK(Verdict(answer).starts_with(std::string("validation: ") + row.detail));
    }
  }
}

TEST_CASE("what stands in a bucket that is not complete is never looked at") {
  for (const auto& [spoof, not_spoof] : {std::pair("null", "null"),
                                         {"0", "0"},
                                         {"null", R"("80")"},
                                         {"[]", "{}"},
                                         {R"("x")", R"("1e999")"},
                                         {"90", "90"},
                                         {"-1", "101"}}) {
    const std::string text(spoof);
    CAPTURE(text);
    Answer filling;
    filling.serie_0.Bucket("2026-06-09T09:00:00Z", 10)
        .Bucket("2026-06-09T10:00:00Z", 20)
        .Raw("2026-06-09T11:00:00Z", spoof, not_spoof);
    CHECK(Percent(Sample(filling)) == doctest::Approx(20));
    Answer projected = Annotated("[" + Projection(R"("2026-06-09T12:00:00Z")", "null") + "]");
    projected.serie_0 = filling.serie_0;
    CHECK(Percent(Sample(projected)) == doctest::Approx(20));
    // The first one begins before the range that was asked for, or the one that was answered.
    Answer first;
    first.serie_0.Raw("2026-06-02T12:00:00Z", spoof, not_spoof).Bucket("2026-06-09T10:00:00Z", 20);
    CHECK(Percent(Sample(first)) == doctest::Approx(20));
    first.meta.Set("dateRange", Range("2026-06-09T08:30:00Z", "2026-06-09T12:00:00Z"));
    first.serie_0 = {};
    first.serie_0.Raw("2026-06-09T08:00:00Z", spoof, not_spoof).Bucket("2026-06-09T10:00:00Z", 20);
    CHECK(Percent(Sample(first)) == doctest::Approx(20));
  }
}

TEST_CASE("a bucket without mail is a gap, and the newest such bucket is passed over") {
  for (const char* const nothing : {"0", R"("0.0")", "null", R"("")", R"("NaN")"}) {
    CAPTURE(nothing);
    Answer answer;
    answer.serie_0.Bucket("2026-06-09T07:00:00Z", 2)
        .Raw("2026-06-09T08:00:00Z", nothing, nothing)
        .Bucket("2026-06-09T09:00:00Z", 4)
        .Bucket("2026-06-09T10:00:00Z", 20);
    const SpoofSample sample = Sample(answer);
    CHECK(Percent(sample) == doctest::Approx(20));
    CHECK(sample.window->mean == doctest::Approx(0.03));
    REQUIRE(sample.trend.size() == 4);
    CHECK(std::isnan(sample.trend[1]));

    answer.serie_0.spoof[3] = answer.serie_0.not_spoof[3] = nothing;
    const SpoofSample before = Sample(answer);
    CHECK(Percent(before) == doctest::Approx(4));
    CHECK(before.bucket_start == At("2026-06-09T09:00:00Z"));
    CHECK_FALSE(before.window);
    // The schedule goes by this: asking again brings nothing newer.
    CHECK(before.last_updated == sample.last_updated);

    answer.serie_0.without_timestamps = true;
    answer.meta.Remove("dateRange");
    const Trend trend = Sample(answer).trend;
    REQUIRE(trend.size() == 3);
    CHECK(std::isnan(trend[1]));
  }
}

TEST_CASE("a third class that shares the 100 does not make the others wrong") {
  Answer answer;
  answer.serie_0.Bucket("2026-06-09T09:00:00Z", 10)
      .Raw("2026-06-09T10:00:00Z", R"("20")", R"("78.5")");
  answer.serie_0.more.Set("UNKNOWN", R"(["0", "1.5"])");
  const SpoofSample sample = Sample(answer);
  CHECK(Percent(sample) == doctest::Approx(20));
  CHECK(sample.not_spoof.value() == doctest::Approx(0.785));
}

TEST_CASE("an answer without a complete bucket is empty") {
  const std::string none =
      "empty: no complete bucket in result.serie_0: it has {}, and lastUpdated is "
      "2026-06-09T11:45:00Z; ask for a longer range";
  const auto verdict = [&none](const char* count) {
    return none.substr(0, none.find("{}")) + count + none.substr(none.find("{}") + 2);
  };
  Answer answer;
  CHECK(Verdict(answer) == verdict("0 buckets"));
  answer.serie_0.without_timestamps = true;
  CHECK(Verdict(answer) == verdict("0 buckets"));
  answer.serie_0 = {};
  answer.serie_0.Bucket("2026-06-09T11:00:00Z", 10);
  CHECK(Verdict(answer) == verdict("1 bucket"));
  answer.serie_0.Bucket("2026-06-09T12:00:00Z", 10);
  CHECK(Verdict(answer) == verdict("2 buckets"));
}

TEST_CASE("an answer with nothing but buckets without mail is empty, and says what to change") {
  const std::string verdict =
      "empty: no mail in result.serie_0: its 2 buckets up to lastUpdated, 2026-06-09T11:45:00Z, "
      "hold none; ask for a longer range, a coarser interval or fewer filters";
  Answer answer;
  answer.serie_0.Raw("2026-06-09T09:00:00Z", "0", "0")
      .Raw("2026-06-09T10:00:00Z", "null", "null")
      .Bucket("2026-06-09T11:00:00Z", 10);
  CHECK(Verdict(answer) == verdict);
  // As a series without any mail at all: with other classes, or none.
  answer.serie_0 = {};
  answer.serie_0.more.Set("timestamps", R"(["2026-06-09T09:00:00Z", "2026-06-09T10:00:00Z"])");
  answer.serie_0.without_timestamps = answer.serie_0.without_classes = true;
  CHECK(Verdict(answer) == verdict);
}

TEST_CASE("buckets stand on the grid, and span no more time than was asked for") {
  const auto with = [](std::initializer_list<const char*> starts) {
    Answer answer;
    answer.meta.Set("aggInterval", R"("FIFTEEN_MINUTES")");
    for (const char* const start : starts) answer.serie_0.Bucket(start, 10);
    return Verdict(MakeQuery("q"), Ok(answer.Body()));
  };
  CHECK(with({"2026-06-09T10:30:00Z", "2026-06-09T10:45:00Z"}) == "a sample");
  CHECK(with({"2026-06-09T10:30:00Z", "2026-06-09T10:37:00Z"}) ==
        "validation: result.serie_0.timestamps[1] is \"2026-06-09T10:37:00Z\"; expected the start "
        "of a bucket of 15m");
  CHECK(with({"2026-06-09T10:30:00Z", "2026-06-09T10:31:00Z"}).starts_with("validation: "));
  CHECK(with({"2026-06-09T10:30:00Z", "2026-06-09T10:30:00Z"}) ==
        "validation: result.serie_0.timestamps has 2026-06-09T10:30:00Z twice");
  CHECK(with({"2026-06-02T10:30:00Z", "2026-06-09T10:30:00Z"}) ==
        "validation: result.serie_0 has buckets from 2026-06-02T10:30:00Z to "
        "2026-06-09T10:30:00Z; expected a range of 1d");
  // The range is widened to whole hours and buckets, at both ends.
  CHECK(with({"2026-06-08T10:00:00Z", "2026-06-09T11:15:00Z"}) == "a sample");
  // What is still to come does not count.
  CHECK(with({"2026-06-08T10:00:00Z", "2026-06-09T10:30:00Z", "2026-06-12T10:30:00Z"}) ==
        "a sample");
}

TEST_CASE("meta must say what was asked for") {
  for (const std::string other :
       {"MIN0_MAX", "MIN_MAX", "RAW_VALUES", "PERCENTAGE_CHANGE", "ROLLING_AVERAGE",
        "OVERLAPPED_PERCENTAGE", "RATIO", "percentage", "", "SOMETHING_NEW"}) {
    Answer answer = ThreeHours();
    answer.meta.Set("normalization", '"' + other + '"');
    CHECK(Verdict(answer) ==
          "validation: result.meta.normalization is \"" + other + "\"; expected PERCENTAGE");
  }
  for (const std::string other : {R"("FIFTEEN_MINUTES")", R"("ONE_DAY")", R"("ONE_WEEK")",
                                  R"("ONE_MONTH")", R"("1h")", "null", "3600", "{}"}) {
    Answer answer = ThreeHours();
    answer.meta.Set("aggInterval", other);
    CHECK(Verdict(answer) == "validation: result.meta.aggInterval is " +
                                 (other == "{}" ? std::string("an object") : other) +
                                 "; expected ONE_HOUR");
  }
  Answer answer = ThreeHours();
  answer.meta.Remove("normalization");
  CHECK(Verdict(answer) == "validation: result.meta.normalization is missing; expected PERCENTAGE");
}

TEST_CASE("result, meta and series must be objects") {
  for (const auto& [json, shown] :
       {std::pair("null", "null"), {"[]", "an array"}, {"\"x\"", "\"x\""}, {"5", "5"}}) {
    Answer answer = ThreeHours();
    answer.result_json = json;
    CHECK(Verdict(answer) ==
          std::string("validation: result is ") + shown + "; expected an object");
  }
  CHECK(Verdict(kHourly, Ok(R"({"success": true})")) ==
        "validation: result is missing; expected an object");
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "result": {}})")) ==
        "validation: result.serie_0 is missing; expected an object");
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "result": {"serie_0": {}}})")) ==
        "validation: result.meta is missing; expected an object");
  const std::string meta = Answer().meta.Text();
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "result": {"meta": null, "serie_0": {}}})")) ==
        "validation: result.meta is null; expected an object");
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "result": {"meta": )" + meta + "}}")) ==
        "validation: result.serie_0 is missing; expected an object");
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "result": {"serie_0": [], "meta": )" + meta +
                            "}}")) == "validation: result.serie_0 is an array; expected an object");
}

TEST_CASE("what is new or not ours is ignored") {
  Answer answer = ThreeHours();
  answer.envelope.Set("result_info", R"({"page": 1})").Set("messages", R"(["hello"])");
  answer.result.Set("serie_2", "null").Set("extra", "[[[]]]");
  answer.serie_0.more.Set("UNDECIDED", R"(["what?"])").Set("note", "null");
  answer.meta.Set("new", R"({"deep": [1, 2]})").Remove("dateRange");
  answer.meta.Remove("units");
  CHECK(Percent(Sample(answer)) == doctest::Approx(20));
}

TEST_CASE("errors beside a success do not cost the data") {
  Answer answer = ThreeHours();
  answer.envelope.Set("errors", R"([{"code": 1, "message": "a warning"}])");
  CHECK(Verdict(answer) == "a sample");
  answer.envelope.Remove("errors");
  CHECK(Verdict(answer) == "a sample");
}

TEST_CASE("an envelope that does not say success is an API error") {
  for (const auto& [json, shown] : {std::pair("false", "false"),
                                    {"\"true\"", "\"true\""},
                                    {"1", "1"},
                                    {"null", "null"},
                                    {"[true]", "an array"}}) {
    Answer answer = ThreeHours();
    answer.envelope.Set("success", json);
    CHECK(Verdict(answer) == std::string("api_error: HTTP 200, but `success` is ") + shown);
  }
  for (const char* const body : {"{}", "[]", "5", "\"success\"", "null", R"({"Success": true})"}) {
    CAPTURE(body);
    CHECK(Verdict(kHourly, Ok(body)) == "api_error: HTTP 200, but `success` is missing");
  }
  CHECK(Verdict(kHourly, Ok(Fixture("error_invalid_input.json"))) ==
        "api_error: HTTP 200, but `success` is false, API error 2001: "
        "Invalid input: aggInterval too fine");
}

TEST_CASE("the status decides, and the body only adds the API's words") {
  const std::string html = "<!DOCTYPE html><html><body>error code: 520</body></html>";
  using enum FailureReason;
  struct Row {
    int status;
    std::string body;
    FailureReason reason;
    RetryClass retry;
    std::string detail;
  };
  const std::string invalid = Fixture("error_invalid_input.json");
  for (const Row& row : {
           Row{301, "", kRejected, RetryClass::kNextSlot, "HTTP 301: redirects are not followed"},
           Row{307, html, kRejected, RetryClass::kNextSlot, "HTTP 307: redirects are not followed"},
           Row{400, invalid, kRejected, RetryClass::kNextSlot,
               "HTTP 400, API error 2001: Invalid input: aggInterval too fine"},
           Row{400, Fixture("error_without_code.json"), kRejected, RetryClass::kNextSlot,
               "HTTP 400: Expected one of PASS, NONE, FAIL"},
           Row{400, Fixture("error_malformed_credential.json"), kUnauthorized,
               RetryClass::kCredentials, "HTTP 400, API error 6003: Invalid request headers"},
           Row{400, R"({"errors": [{"code": "10000"}]})", kUnauthorized, RetryClass::kCredentials,
               "HTTP 400, API error 10000"},
           Row{400, html, kRejected, RetryClass::kNextSlot, "HTTP 400"},
           Row{400, R"({"success": false, "errors": ["bad filter"]})", kRejected,
               RetryClass::kNextSlot, "HTTP 400: bad filter"},
           Row{400, R"({"errors": [{"code": 7}, "bad filter", {"message": "and more"}]})",
               kRejected, RetryClass::kNextSlot, "HTTP 400, API error 7: bad filter"},
           Row{400, R"({"errors": "bad filter"})", kRejected, RetryClass::kNextSlot,
               "HTTP 400: bad filter"},
           Row{400, R"({"error": "bad filter"})", kRejected, RetryClass::kNextSlot,
               "HTTP 400: bad filter"},
           Row{400, R"({"error": {"code": 2001, "message": "bad filter"}})", kRejected,
               RetryClass::kNextSlot, "HTTP 400, API error 2001: bad filter"},
           Row{400, R"({"errors": [], "error": ["bad filter"]})", kRejected, RetryClass::kNextSlot,
               "HTTP 400: bad filter"},
           // Passes, as several users' programs have found.
           Row{400, R"({"success": false, "errors": [{"message": "Internal Error"}]})", kServer,
               RetryClass::kTransient, "HTTP 400: Internal Error"},
           Row{400, R"({"errors": ["x", "internal error."]})", kServer, RetryClass::kTransient,
               "HTTP 400: x"},
           Row{400, "Internal Error", kServer, RetryClass::kTransient, "HTTP 400"},
           // Of the path's last segment: the endpoint is not there.
           Row{400, R"({"errors": [{"message": "Invalid option for dimension."}]})", kNotFound,
               RetryClass::kNextSlot, "HTTP 400: Invalid option for dimension."},
           Row{400, R"({"error": "invalid option for dimension"})", kNotFound,
               RetryClass::kNextSlot, "HTTP 400: invalid option for dimension"},
           Row{422, R"({"errors": ["Internal Error"]})", kRejected, RetryClass::kNextSlot,
               "HTTP 422: Internal Error"},
           Row{304, "", kRejected, RetryClass::kNextSlot,
               "HTTP 304: as to a conditional request, which this was not"},
           Row{300, "", kRejected, RetryClass::kNextSlot, "HTTP 300"},
           Row{305, "", kRejected, RetryClass::kNextSlot, "HTTP 305"},
           Row{401, "", kUnauthorized, RetryClass::kCredentials, "HTTP 401"},
           Row{403, Fixture("error_rejected_token.json"), kUnauthorized, RetryClass::kCredentials,
               "HTTP 403, API error 10000: Authentication error"},
           Row{404, Fixture("error_singular.json"), kNotFound, RetryClass::kNextSlot,
               "HTTP 404: Not found"},
           Row{405, "", kRejected, RetryClass::kNextSlot, "HTTP 405"},
           Row{408, "", kRejected, RetryClass::kTransient, "HTTP 408"},
           Row{409, "", kRejected, RetryClass::kNextSlot, "HTTP 409"},
           Row{410, "", kNotFound, RetryClass::kNextSlot, "HTTP 410"},
           Row{422, R"({"errors": [{"code": 2002, "message": "max cost"}]})", kRejected,
               RetryClass::kNextSlot, "HTTP 422, API error 2002: max cost"},
           Row{425, "", kRejected, RetryClass::kTransient, "HTTP 425"},
           Row{429, R"({"errors": [{"code": 971}]})", kRateLimited, RetryClass::kThrottled,
               "HTTP 429, API error 971"},
           Row{429, "", kRateLimited, RetryClass::kThrottled, "HTTP 429"},
           Row{500, R"({"errors": [{"code": 2000}]})", kServer, RetryClass::kTransient,
               "HTTP 500, API error 2000"},
           Row{0, "", kRejected, RetryClass::kNextSlot, "HTTP 0"},
           Row{101, "", kRejected, RetryClass::kNextSlot, "HTTP 101"},
       }) {
    CAPTURE(row.status);
    const auto read = ReadAnswer(kHourly, {row.status, {}, row.body}, kNow);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().reason == row.reason);
    CHECK(read.error().retry == row.retry);
    CHECK(read.error().detail == row.detail);
  }
  for (const int status :
       {500, 501, 502, 503, 504, 505, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599, 999}) {
    CHECK(Verdict(kHourly, {status, {}, html}) == "server: HTTP " + std::to_string(status));
    CHECK(Verdict(kHourly, {status, {}, ThreeHours().Body()}) ==
          "server: HTTP " + std::to_string(status));
  }
  CHECK(Verdict(kHourly, {203, {}, ThreeHours().Body()}) == "a sample");
}

TEST_CASE("a part of an answer is none, however whole it looks") {
  const auto read = ReadAnswer(kHourly, {206, {}, ThreeHours().Body()}, kNow);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().reason == FailureReason::kTransport);
  CHECK(read.error().retry == RetryClass::kTransient);
  CHECK(read.error().detail == "HTTP 206: a part of the answer, not the whole");
}

TEST_CASE("hostile error bodies stay one short printable line") {
  const std::string noise = R"("\u001b[31m\n)" + std::string(5'000, 'x') + '"';
  std::string errors;
  for (int i = 0; i < 50; ++i) {
    errors += (i == 0 ? "" : ",") + ("{\"code\": " + noise + ", \"message\": " + noise + "}");
  }
  for (const int status : {200, 302, 400, 403, 503}) {
    const auto read =
        ReadAnswer(kHourly, {status, {}, R"({"success": "\n", "errors": [)" + errors + "]}"}, kNow);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().detail.size() <= 300);
    for (const char c : read.error().detail) CHECK((c >= 0x20 && c < 0x7f));
  }
  for (const char* const body :
       {R"({"errors": {}})", R"({"errors": [null]})", R"({"errors": [[]]})", R"({"errors": 5})",
        R"({"error": null})", R"({"errors": [{"message": {}}]})", R"({"errors": [{"code": null}]})",
        "[[["}) {
    CHECK(Verdict(kHourly, {400, {}, body}) == "rejected: HTTP 400");
  }
}

TEST_CASE("a 2xx without JSON is a parse failure; a page for people is not asked for again soon") {
  struct Row {
    int status;
    std::string body;
    RetryClass retry;
  };
  const std::string body = ThreeHours().Body();
  for (const Row& row :
       {Row{200, "", RetryClass::kTransientOnce}, Row{204, "", RetryClass::kTransientOnce},
        Row{200, body.substr(0, body.size() - 1), RetryClass::kTransientOnce},
        Row{200, body + "x", RetryClass::kTransientOnce},
        Row{200, body + std::string("\0xyz", 4), RetryClass::kTransientOnce},
        Row{200, "\n <html>log in</html>", RetryClass::kNextSlot}}) {
    const auto read = ReadAnswer(kHourly, {row.status, {}, row.body}, kNow);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().reason == FailureReason::kParse);
    CHECK(read.error().retry == row.retry);
    CHECK(read.error().detail.size() <= 300);
  }
  CHECK(Verdict(kHourly, Ok("<html>\n")) ==
        R"(parse: HTTP 200 without JSON: Invalid value. at byte 0; the body begins "<html>\x0a")");
  CHECK(Percent(Sample(kHourly, "\xEF\xBB\xBF" + body)) == doctest::Approx(20));
}

TEST_CASE("JSON beyond the limits, or with a key twice, is a validation failure") {
  CHECK(Verdict(kHourly, Ok(std::string(100'000, '['))) ==
        "validation: nested deeper than 32 at byte 32");
  CHECK(Verdict(kHourly, Ok(R"({"success": true, "success": true, "result": {}})")) ==
        "validation: a key stands twice in one object at byte 47");
}

TEST_CASE("a coding that libcurl does not undo is refused by name") {
  const std::string body = ThreeHours().Body();
  for (const char* const known : {"", "gzip", "GZIP", "identity", "Identity"}) {
    CHECK(Verdict(kHourly, {200, {{"content-encoding", known}}, body}) == "a sample");
  }
  for (const std::string other : {"br", "zstd", "gzip, br"}) {
    const auto read = ReadAnswer(kHourly, {200, {{"content-encoding", other}}, body}, kNow);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().reason == FailureReason::kParse);
    CHECK(read.error().retry == RetryClass::kTransientOnce);
    CHECK(read.error().detail == "unknown Content-Encoding " + other);
  }
}

TEST_CASE("the costliest answer that fits the limits is judged in seconds") {
  const Query query = MakeQuery("q", AggInterval::k15m, "364d");
  Answer answer;
  answer.meta.Set("aggInterval", R"("FIFTEEN_MINUTES")");
  const WallTime first = At("2026-06-09T11:00:00Z") - std::chrono::days(364);
  for (int i = 0; i < 364 * 96; ++i) {
    answer.serie_0.Bucket(FormatRfc3339(first + i * 15min), 10);
  }
  std::string annotations;
  for (int i = 0; i < 20'000; ++i) {
    const std::string start = JsonString(FormatRfc3339(first + i * 1h));
    annotations += (i == 0 ? "" : ",") + Projection(start, start);
  }
  answer.meta.Set("confidenceInfo", R"({"annotations": [)" + annotations + "]}");
  const std::string body = answer.Body();
  CHECK(body.size() < kBodyLimit);
  const std::clock_t began = std::clock();
  const auto read = ReadAnswer(query, Ok(body), kNow);
  CHECK(std::clock() - began < 20 * CLOCKS_PER_SEC);
  REQUIRE(read.ok());
  // Every hour's first quarter is projected.
  CHECK(read.value().bucket_start == At("2026-06-09T10:45:00Z"));
}

}  // namespace
}  // namespace radar_spoof
