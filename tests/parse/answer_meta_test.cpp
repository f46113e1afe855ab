#include "radar_spoof/parse/answer_meta.h"

#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::At;

Confidence ReadBuilt(const std::string& meta) {
  const auto parsed = ParseJson(meta);
  if (!parsed) FAIL(parsed.error().detail);
  auto read = ReadConfidence(parsed.value().root);
  if (!read) FAIL(read.error().detail);
  return std::move(read).value();
}

// Of `annotations`, as JSON.
std::string AnnotationsRefusal(const std::string& annotations) {
  const auto parsed = ParseJson(R"({"confidenceInfo": {"annotations": )" + annotations + "}}");
  const auto read = ReadConfidence(parsed.value().root);
  if (read) return "accepted";
  CHECK(read.error().reason == FailureReason::kValidation);
  return read.error().detail;
}

TEST_CASE("the level is 1 to 5, or unknown") {
  for (int level = 1; level <= 5; ++level) {
    const std::string text = std::to_string(level);
    CHECK(ReadBuilt(R"({"confidenceInfo": {"level": )" + text + "}}").level == level);
    CHECK(ReadBuilt(R"({"confidenceInfo": {"level": ")" + text + "\"}}").level == level);
  }
  CHECK(ReadBuilt(R"({"confidenceInfo": {"level": 5.0}})").level == 5);
  for (const char* const none :
       {"{}", R"({"confidenceInfo": null})", R"({"confidenceInfo": {}})",
        R"({"confidenceInfo": {"level": null}})", R"({"confidenceInfo": {"level": 0}})",
        R"({"confidenceInfo": {"level": 6}})", R"({"confidenceInfo": {"level": -1}})",
        R"({"confidenceInfo": {"level": 4.5}})", R"({"confidenceInfo": {"level": 1e300}})",
        R"({"confidenceInfo": {"level": "high"}})", R"({"confidenceInfo": {"level": true}})",
        R"({"confidenceInfo": {"level": {}}})"}) {
    CAPTURE(none);
    CHECK_FALSE(ReadBuilt(none).level);
  }
}

TEST_CASE("annotations are read as far as they go") {
  const Confidence confidence = ReadBuilt(R"({"confidenceInfo": {"level": 3, "annotations": [
      {"dataSource": "EMAIL_SECURITY", "eventType": "PIPELINE", "description": "x",
       "startDate": "2026-06-01T00:00:00Z", "endDate": "2026-06-02T00:00:00Z",
       "isInstantaneous": false, "linkedUrl": "https://example.org", "tags": {"a": "b"}},
      {"eventType": "BRAND_NEW", "startDate": "soon", "endDate": 7},
      {"eventType": null},
      {},
      {"eventType": "EVENT", "startDate": "2026-06-01T00:00:00Z",
       "endDate": "2026-06-09T00:00:00Z", "isInstantaneous": true}]}})");
  REQUIRE(confidence.annotations.size() == 5);
  CHECK(confidence.annotations[0].type == EventType::kPipeline);
  CHECK(confidence.annotations[0].start == At("2026-06-01T00:00:00Z"));
  CHECK(confidence.annotations[0].end == At("2026-06-02T00:00:00Z"));
  for (const std::size_t i : {1U, 2U, 3U}) {
    CHECK(confidence.annotations[i].type == EventType::kOther);
    CHECK_FALSE(confidence.annotations[i].start);
    CHECK_FALSE(confidence.annotations[i].end);
  }
  CHECK(confidence.annotations[4].end == confidence.annotations[4].start);
}

TEST_CASE("an instantaneous annotation that only says its end keeps it") {
  const Confidence confidence = ReadBuilt(R"({"confidenceInfo": {"annotations": [
      {"eventType": "EVENT", "endDate": "2026-06-09T00:00:00Z", "isInstantaneous": true}]}})");
  REQUIRE(confidence.annotations.size() == 1);
  CHECK(confidence.annotations[0].end == At("2026-06-09T00:00:00Z"));
}

TEST_CASE("where no annotations are given there are none") {
  for (const char* const none :
       {R"({"confidenceInfo": {"annotations": null}})",
        R"({"confidenceInfo": {"annotations": []}})", R"({"confidenceInfo": {"level": 5}})"}) {
    CHECK(ReadBuilt(none).annotations.empty());
  }
}

TEST_CASE("a shape in which a projection could go unseen is refused") {
  const std::string info = "result.meta.confidenceInfo";
  const std::string projection = R"({"eventType": "PARTIAL_PROJECTION"})";
  for (const std::string& list : {std::string("{}"), projection}) {
    CHECK(AnnotationsRefusal(list) == info + ".annotations is an object; expected an array");
  }
  CHECK(AnnotationsRefusal(R"("x")") == info + R"(.annotations is "x"; expected an array)");
  CHECK(AnnotationsRefusal("[[" + projection + "]]") ==
        info + ".annotations[0] is an array; expected an object");
  CHECK(AnnotationsRefusal(R"([{}, "PARTIAL_PROJECTION"])") ==
        info + R"(.annotations[1] is "PARTIAL_PROJECTION"; expected an object)");
  CHECK(AnnotationsRefusal("[null]") == info + ".annotations[0] is null; expected an object");
  CHECK(AnnotationsRefusal(R"([{"eventType": ["PARTIAL_PROJECTION"]}])") ==
        info + ".annotations[0].eventType is an array; expected text");
  for (const auto& [json, shown] :
       {std::pair("[]", "an array"), {R"("high")", R"("high")"}, {"5", "5"}, {"false", "false"}}) {
    const auto parsed = ParseJson(std::string(R"({"confidenceInfo": )") + json + "}");
    const auto read = ReadConfidence(parsed.value().root);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().detail == info + " is " + shown + "; expected an object");
  }
}

TEST_CASE("every annotation is read, however many there are") {
  std::string many = "{}";
  for (int i = 0; i < 5'000; ++i) many += ",{}";
  many += R"(,{"eventType": "partial_projection"})";
  const auto read = ReadBuilt(R"({"confidenceInfo": {"annotations": [)" + many + "]}}");
  REQUIRE(read.annotations.size() == 5'002);
  CHECK(read.annotations.back().type == EventType::kPartialProjection);
  CHECK(read.annotations.back().position == 5'001);
}

// What a list with this one annotation covers of 09:00 to 13:00, hour by hour: "9,10", and "last".
std::string Covered(const std::string& members, const std::string& type = "PARTIAL_PROJECTION") {
  const Confidence confidence = ReadBuilt(R"({"confidenceInfo": {"annotations": [{"eventType": ")" +
                                          type + '"' + members + "}]}}");
  const Projections projections(confidence.annotations);
  std::string covered = projections.any() ? "" : "nothing";
  for (int hour = 9; hour < 13; ++hour) {
    const WallTime from = At("2026-06-09T00:00:00Z") + hour * 1h;
    if (projections.Cover(from, from + 1h)) covered += std::to_string(hour) + ' ';
  }
  return covered + (projections.of_last() ? "last" : "");
}

TEST_CASE("a projection covers its time, or the last bucket when its times say nothing") {
  const auto times = [](const std::string& start, const std::string& end) {
    return R"(, "startDate": )" + start + R"(, "endDate": )" + end;
  };
  const std::string ten = R"("2026-06-09T10:00:00Z")";
  const std::string noon = R"("2026-06-09T12:00:00Z")";
  CHECK(Covered(times(ten, noon)) == "10 11 ");
  CHECK(Covered(times(ten, ten)) == "10 ");
  CHECK(Covered(times(noon, ten)) == "12 last");
  CHECK(Covered("") == "last");
  CHECK(Covered(times(ten, "null")) == "10 11 12 last");
  CHECK(Covered(times("null", ten)) == "last");
  CHECK(Covered(times(R"("2026-06-09")", R"("2026-06-10")")) == "last");
  CHECK(Covered(times(R"("2026-06-09T10:00:00")", R"("2026-06-09T12:00:00")")) == "last");
  CHECK(Covered(times("1781000000", "[]")) == "last");
  // It may call itself instantaneous, and is as long as it says.
  CHECK(Covered(times(ten, noon) + R"(, "isInstantaneous": true)") == "10 11 ");
  for (const char* const name : {"partial_projection", "Partial_Projection", "PARTIALPROJECTION",
                                 "PartialProjection", " partial projection "}) {
    CHECK(Covered(times(ten, noon), name) == "10 11 ");
  }
  CHECK(Covered(times(ten, noon), "PIPELINE") == "nothing");
}

TEST_CASE("of many projections each covers its time") {
  std::vector<Annotation> annotations;
  const WallTime midnight = At("2026-06-09T00:00:00Z");
  for (const int hour : {20, 3, 11, 5}) {
    annotations.push_back({EventType::kPartialProjection, midnight + hour * 1h,
                           midnight + (hour == 3 ? 9 : hour + 1) * 1h});
  }
  const Projections projections(annotations);
  for (int hour = 0; hour < 24; ++hour) {
    CAPTURE(hour);
    const bool covered = (hour >= 3 && hour < 9) || hour == 11 || hour == 20;
    CHECK(projections.Cover(midnight + hour * 1h, midnight + (hour + 1) * 1h) == covered);
  }
}

TEST_CASE("an annotation overlaps a bucket when it concerns any moment of it") {
  const WallTime noon = At("2026-06-09T12:00:00Z");
  const WallTime end = noon + 1h;
  struct Row {
    const char* what;
    std::optional<WallTime> start, end;
    bool overlaps;
  };
  for (const Row& row :
       {Row{"the bucket itself", noon, end, true}, Row{"all around it", noon - 1h, end + 1h, true},
        Row{"inside it", noon + 1min, noon + 2min, true},
        Row{"its beginning", noon - 1h, noon + 1ms, true},
        Row{"its end", end - 1ms, end + 1h, true}, Row{"the bucket before", noon - 1h, noon, false},
        Row{"the bucket after", end, end + 1h, false},
        Row{"the moment it begins", noon, noon, true}, Row{"the moment it ends", end, end, false},
        Row{"a moment before", noon - 1ms, noon - 1ms, false},
        Row{"open, from before", noon - 48h, {}, true}, Row{"open, from its end", end, {}, false},
        Row{"no beginning, ends in it", {}, noon + 1min, true},
        Row{"no beginning, ends before", {}, noon, false}, Row{"nothing known", {}, {}, true}}) {
    CAPTURE(row.what);
    CHECK(Annotation{EventType::kEvent, row.start, row.end}.Overlaps(noon, end) == row.overlaps);
  }
}

}  // namespace
}  // namespace radar_spoof
