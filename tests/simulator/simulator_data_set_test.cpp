// What the simulated data can be like: without mail, null, of three classes, projected, unrated.
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using test::Json;
using test::Rig;

constexpr const char* kBroad = "dateRange=1d&aggInterval=15m";
constexpr const char* kNarrow = "dateRange=1d&aggInterval=15m&dkim=FAIL&dmarc=FAIL&spf=FAIL";
constexpr const char* kNarrowest =
    "dateRange=1d&aggInterval=15m&arc=FAIL&dkim=FAIL&dmarc=FAIL&spf=FAIL&tlsVersion=TLSv1_0";

using Values = std::vector<std::optional<double>>;  // percent; nullopt: null

Values Class(const rapidjson::Value& series, const char* name) {
  Values values;
  for (const auto& value : series[name].GetArray()) {
    values.push_back(value.IsNull() ? std::nullopt : std::optional(std::stod(value.GetString())));
  }
  return values;
}

Values Class(const ServerResponse& response, const char* name) {
  return Class(Json(response)["result"]["serie_0"], name);
}

TEST_CASE("a bucket without mail is 0.0 in every class, and two requests agree which ones are") {
  Rig rig;
  const ServerResponse response = rig.Get(kNarrow);
  const Values spoof = Class(response, "SPOOF");
  const Values not_spoof = Class(response, "NOT_SPOOF");
  REQUIRE(spoof.size() == 97);
  int without_mail = 0;
  for (std::size_t i = 0; i < spoof.size(); ++i) {
    const double sum = *spoof[i] + *not_spoof[i];
    CHECK((sum == 0 || std::abs(sum - 100) < 1e-9));
    without_mail += sum == 0 ? 1 : 0;
  }
  CHECK(without_mail > 3);
  CHECK(without_mail < 40);
  CHECK(response.body.find(R"("0.0")") != std::string::npos);
  CHECK(rig.Get(kNarrow).body == response.body);

  rig.clock.Advance(1h);  // the window has moved on by four buckets
  const Values later = Class(rig.Get(kNarrow), "SPOOF");
  for (std::size_t i = 4; i + 1 < spoof.size(); ++i) CHECK(later[i - 4] == spoof[i]);
}

TEST_CASE("unfiltered mail has no bucket without mail, at any interval, in any of ten worlds") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SimulatorOptions options;
    options.data.seed = seed;
    Rig rig(options);
    for (const char* query : {"dateRange=7d&aggInterval=15m", "dateRange=31d&aggInterval=1h",
                              "dateRange=84d&aggInterval=1d", "dateRange=52w&aggInterval=1w"}) {
      for (const auto& value : Class(rig.Get(query), "NOT_SPOOF")) CHECK(*value > 0);
    }
  }
}

TEST_CASE("with little mail even unfiltered mail has gaps, with much no filter has any") {
  SimulatorOptions options;
  options.data.volume = 0.5;
  Rig little(options);
  const Values values = Class(little.Get(kBroad), "NOT_SPOOF");
  CHECK(std::count(values.begin(), values.end(), 0.0) > 20);
  options.data.volume = 1e12;
  Rig much(options);
  for (const auto& value : Class(much.Get(kNarrowest), "NOT_SPOOF")) CHECK(*value > 0);
}

TEST_CASE("a series that is all without mail has timestamps and no classes") {
  SimulatorOptions options;
  options.data.volume = 1;
  Rig rig(options);
  const auto json = Json(rig.Get(kNarrowest));
  const auto& series = json["result"]["serie_0"];
  CHECK(series["timestamps"].Size() == 97);
  CHECK(series.MemberCount() == 1);
  CHECK(rig.Get(std::string(kNarrowest) + "&format=CSV")
            .body.starts_with("serie_0 timestamps\r\n2026-06-08T07:45:00Z\r\n"));

  const auto both =
      Json(rig.Get("dateRange=1d&dateRange=1d&arc=&arc=FAIL&dkim=&dkim=FAIL&dmarc=&"
                   "dmarc=FAIL&spf=&spf=FAIL&tlsVersion=&tlsVersion=TLSv1_0"));
  CHECK(both["result"]["serie_0"]["SPOOF"].Size() == 97);
  CHECK(!both["result"]["serie_1"].HasMember("SPOOF"));
}

TEST_CASE("buckets without mail can be null instead") {
  Rig zeros;
  SimulatorOptions options;
  options.data.no_mail_as = NoMailAs::kNulls;
  Rig nulls(options);
  const Values zero = Class(zeros.Get(kNarrow), "NOT_SPOOF");
  const ServerResponse response = nulls.Get(kNarrow);
  const Values spoof = Class(response, "SPOOF");
  const Values not_spoof = Class(response, "NOT_SPOOF");
  REQUIRE(spoof.size() == zero.size());
  for (std::size_t i = 0; i < zero.size(); ++i) {
    CHECK(spoof[i].has_value() == (*zero[i] > 0));
    CHECK(not_spoof[i].has_value() == (*zero[i] > 0));
  }
  CHECK(nulls.Get(std::string(kNarrow) + "&format=CSV").body.find("Z,,\r\n") != std::string::npos);
}

TEST_CASE("a third class shares the 100, listed or not, and SPOOF stays what it is") {
  Rig two;
  SimulatorOptions options;
  options.data.classes = Classes::kThree;
  Rig three(options);
  options.data.classes = Classes::kUnlisted;
  Rig unlisted(options);
  const Values spoof = Class(two.Get(kBroad), "SPOOF");
  const ServerResponse listed = three.Get(kBroad);
  const auto json = Json(unlisted.Get(kBroad));
  const Values not_spoof = Class(listed, "NOT_SPOOF");
  const Values unknown = Class(listed, "UNKNOWN");
  CHECK(Class(listed, "SPOOF") == spoof);
  CHECK(Class(json["result"]["serie_0"], "SPOOF") == spoof);
  CHECK(Class(json["result"]["serie_0"], "NOT_SPOOF") == not_spoof);
  CHECK(!json["result"]["serie_0"].HasMember("UNKNOWN"));
  for (std::size_t i = 0; i < spoof.size(); ++i) {
    CHECK(*spoof[i] + *not_spoof[i] + *unknown[i] == doctest::Approx(100).epsilon(1e-9));
    CHECK(*spoof[i] + *not_spoof[i] < 99.95);
    CHECK(*spoof[i] + *not_spoof[i] > 97.5);
  }
  CHECK(three.Get("dateRange=1w&aggInterval=1w&format=CSV")
            .body.starts_with("serie_0 timestamps,serie_0 NOT_SPOOF,serie_0 SPOOF,"
                              "serie_0 UNKNOWN\r\n"));
}

TEST_CASE("confidence can be without a level, or null") {
  SimulatorOptions options;
  options.data.confidence = Confidence::kNullLevel;
  CHECK(Rig(options).Get(kBroad).body.find(
            R"("confidenceInfo":{"level":null,"annotations":[]},)") != std::string::npos);
  options.data.confidence = Confidence::kNull;
  CHECK(Rig(options).Get(kBroad).body.find(R"("confidenceInfo":null,)") != std::string::npos);
}

TEST_CASE("a projected last bucket does not read low, and is annotated while it fills") {
  SimulatorOptions options;
  options.data.last_bucket = LastBucket::kProjected;
  Rig projected(options);
  Rig partial;
  struct Row {
    const char* query;
    const char* start;
    const char* end;
  };
  const Row rows[] = {
      {kBroad, "2026-06-09T07:45:00Z", "2026-06-09T08:00:00Z"},
      {"dateRange=7d&aggInterval=1h", "2026-06-09T07:00:00Z", "2026-06-09T08:00:00Z"},
      {"dateRange=28d&aggInterval=1d", "2026-06-09T00:00:00Z", "2026-06-10T00:00:00Z"},
      {"dateRange=12w&aggInterval=1w", "2026-06-08T00:00:00Z", "2026-06-15T00:00:00Z"}};
  for (const Row& row : rows) {
    CAPTURE(row.query);
    const auto json = Json(projected.Get(row.query));
    const auto& annotations = json["result"]["meta"]["confidenceInfo"]["annotations"];
    REQUIRE(annotations.Size() == 1);
    CHECK(std::string(annotations[0]["eventType"].GetString()) == "PARTIAL_PROJECTION");
    CHECK(std::string(annotations[0]["startDate"].GetString()) == row.start);
    CHECK(std::string(annotations[0]["endDate"].GetString()) == row.end);
    const Values with = Class(json["result"]["serie_0"], "SPOOF");
    Values without = Class(partial.Get(row.query), "SPOOF");
    CHECK(*with.back() > *without.back());
    without.back() = with.back();
    CHECK(with == without);
  }
  const auto past = Json(
      projected.Get("dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-02T00:00:00Z&aggInterval=1h"));
  CHECK(past["result"]["meta"]["confidenceInfo"]["annotations"].Size() == 0);
}

TEST_CASE("answers can lack their timestamps") {
  SimulatorOptions options;
  options.answer_form = AnswerForm::kWithoutTimestamps;
  Rig without(options);
  Rig with;
  const auto json = Json(without.Get(kBroad));
  CHECK(!json["result"]["serie_0"].HasMember("timestamps"));
  CHECK(Class(json["result"]["serie_0"], "SPOOF") == Class(with.Get(kBroad), "SPOOF"));
}

TEST_CASE("the API reference's example is the answer to whatever is asked, with recent dates") {
  SimulatorOptions options;
  options.answer_form = AnswerForm::kReference;
  Rig rig(options);
  const ServerResponse response = rig.Get("name=s0_k9f2a1&dateRange=7d&aggInterval=1h&spf=FAIL");
  CHECK(response.status == 200);
  const auto json = Json(response);
  CHECK(json["success"].GetBool());
  CHECK(json.MemberCount() == 2);
  const auto& result = json["result"];
  CHECK(result.MemberCount() == 2);
  CHECK(result["serie_0"].MemberCount() == 2);
  CHECK(Class(result["serie_0"], "SPOOF") == Values{10});
  CHECK(Class(result["serie_0"], "NOT_SPOOF") == Values{10});
  const auto& meta = result["meta"];
  CHECK(meta["confidenceInfo"]["level"].GetInt() == 0);
  CHECK(meta["confidenceInfo"]["annotations"].Size() == 1);
  CHECK(std::string(meta["aggInterval"].GetString()) == "FIFTEEN_MINUTES");
  CHECK(std::string(meta["lastUpdated"].GetString()) == "2026-06-09T07:45:00.117Z");
  CHECK(std::string(meta["dateRange"][0]["startTime"].GetString()) == "2026-06-08T07:45:00.117Z");
  CHECK(std::string(meta["dateRange"][0]["endTime"].GetString()) == "2026-06-09T07:45:00.117Z");
  CHECK(std::string(meta["normalization"].GetString()) == "PERCENTAGE");
}

}  // namespace
}  // namespace radar_spoof::simulator
