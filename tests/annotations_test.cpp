#include "radar_spoof/parse/annotations.h"

#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::At;

Confidence Read(const std::string& meta) {
  const auto parsed = ParseJson(meta);
  if (!parsed) FAIL(parsed.error().detail);
  return ReadConfidence(parsed.value().root);
}

TEST_CASE("the level is 1 to 5, or unknown") {
  for (int level = 1; level <= 5; ++level) {
    const std::string text = std::to_string(level);
    CHECK(Read(R"({"confidenceInfo": {"level": )" + text + "}}").level == level);
    CHECK(Read(R"({"confidenceInfo": {"level": ")" + text + "\"}}").level == level);
  }
  CHECK(Read(R"({"confidenceInfo": {"level": 5.0}})").level == 5);
  for (const char* const none :
       {"{}", R"({"confidenceInfo": null})", R"({"confidenceInfo": []})",
        R"({"confidenceInfo": "high"})", R"({"confidenceInfo": {}})",
        R"({"confidenceInfo": {"level": null}})", R"({"confidenceInfo": {"level": 0}})",
        R"({"confidenceInfo": {"level": 6}})", R"({"confidenceInfo": {"level": -1}})",
        R"({"confidenceInfo": {"level": 4.5}})", R"({"confidenceInfo": {"level": 1e300}})",
        R"({"confidenceInfo": {"level": "high"}})", R"({"confidenceInfo": {"level": true}})",
        R"({"confidenceInfo": {"level": {}}})"}) {
    CAPTURE(none);
    CHECK_FALSE(Read(none).level);
  }
}

TEST_CASE("annotations are read as far as they go") {
  const Confidence confidence = Read(R"({"confidenceInfo": {"level": 3, "annotations": [
      {"dataSource": "EMAIL_SECURITY", "eventType": "PIPELINE", "description": "x",
       "startDate": "2026-06-01T00:00:00Z", "endDate": "2026-06-02T00:00:00Z",
       "isInstantaneous": false, "linkedUrl": "https://example.org", "tags": {"a": "b"}},
      {"eventType": "BRAND_NEW", "startDate": "soon", "endDate": 7},
      {"eventType": null},
      {},
      {"eventType": "EVENT", "startDate": "2026-06-01T00:00:00Z",
       "endDate": "2026-06-09T00:00:00Z", "isInstantaneous": true},
      null, 5, "text", []]}})");
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
  const Confidence confidence = Read(R"({"confidenceInfo": {"annotations": [
      {"eventType": "EVENT", "endDate": "2026-06-09T00:00:00Z", "isInstantaneous": true}]}})");
  REQUIRE(confidence.annotations.size() == 1);
  CHECK(confidence.annotations[0].end == At("2026-06-09T00:00:00Z"));
}

TEST_CASE("annotations of another shape are none") {
  for (const char* const none :
       {R"({"confidenceInfo": {"annotations": null}})",
        R"({"confidenceInfo": {"annotations": {}}})", R"({"confidenceInfo": {"annotations": "x"}})",
        R"({"confidenceInfo": {"level": 5}})"}) {
    CHECK(Read(none).annotations.empty());
  }
}

TEST_CASE("no more than a thousand annotations are read") {
  std::string many = "{}";
  for (int i = 0; i < 5'000; ++i) many += ",{}";
  CHECK(Read(R"({"confidenceInfo": {"annotations": [)" + many + "]}}").annotations.size() == 1'000);
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
