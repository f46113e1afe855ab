// What the simulated API answers to those it lets in, on a clock the test turns.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using test::HeaderOf;
using test::Json;
using test::Rig;

rapidjson::Document ResultOf(const ServerResponse& response) {
  if (response.status != 200) FAIL("status " << response.status << ": " << response.body);
  rapidjson::Document document = Json(response);
  rapidjson::Document result;
  result.CopyFrom(document["result"], result.GetAllocator());
  return result;
}

std::vector<std::string> Strings(const rapidjson::Value& array) {
  std::vector<std::string> strings;
  for (const auto& element : array.GetArray()) strings.emplace_back(element.GetString());
  return strings;
}

std::vector<std::string> Spoof(const ServerResponse& response, const char* key = "serie_0") {
  return Strings(ResultOf(response)[key]["SPOOF"]);
}

std::string LastUpdated(const ServerResponse& response) {
  return ResultOf(response)["meta"]["lastUpdated"].GetString();
}

TEST_CASE("an answer is, to the letter, of the shape the API's answers have") {
  Rig rig;
  const ServerResponse response = rig.Get("dateRange=1w&aggInterval=1w&format=JSON");
  const std::vector<std::string> spoof = Spoof(response);
  const std::vector<std::string> not_spoof = Strings(ResultOf(response)["serie_0"]["NOT_SPOOF"]);
  REQUIRE(spoof.size() == 2);
  CHECK(response.body ==
        R"({"success":true,"errors":[],"result":{"serie_0":{)"
        R"("timestamps":["2026-06-01T00:00:00Z","2026-06-08T00:00:00Z"],"NOT_SPOOF":[")" +
            not_spoof[0] + R"(",")" + not_spoof[1] + R"("],"SPOOF":[")" + spoof[0] + R"(",")" +
            spoof[1] +
            R"("]},"meta":{"dateRange":[{"startTime":"2026-06-01T00:00:00Z",)"
            R"("endTime":"2026-06-09T08:00:00Z"}],"aggInterval":"ONE_WEEK",)"
            R"("confidenceInfo":{"level":5,"annotations":[]},)"
            R"("lastUpdated":"2026-06-09T07:45:00Z","normalization":"PERCENTAGE",)"
            R"("units":[{"name":"*","value":"requests"}]}}})");
  CHECK(HeaderOf(response, "Content-Type") == "application/json");
}

TEST_CASE("values are percent with at most six decimals, and the two classes add up to 100") {
  Rig rig;
  const auto result = ResultOf(rig.Get("dateRange=7d&aggInterval=15m&dmarc=FAIL"));
  const std::vector<std::string> spoof = Strings(result["serie_0"]["SPOOF"]);
  const std::vector<std::string> not_spoof = Strings(result["serie_0"]["NOT_SPOOF"]);
  REQUIRE(spoof.size() == 673);
  REQUIRE(not_spoof.size() == 673);
  const auto millionths = [](const std::string& text) {
    const std::size_t point = text.find('.');
    const std::string decimals = text.substr(point + 1);
    CHECK(decimals.size() >= 1);
    CHECK(decimals.size() <= 6);
    CHECK((decimals == "0" || decimals.back() != '0'));
    return std::stol(text.substr(0, point)) * 1'000'000 +
           std::stol((decimals + "000000").substr(0, 6));
  };
  for (std::size_t i = 0; i < spoof.size(); ++i) {
    CAPTURE(spoof[i]);
    CHECK(millionths(spoof[i]) + millionths(not_spoof[i]) == 100'000'000);
  }
}

TEST_CASE("percent texts") {
  const std::pair<MicroPercent, const char*> rows[] = {{0, "0.0"},
                                                       {1, "0.000001"},
                                                       {1'000'000, "1.0"},
                                                       {20'573'100, "20.5731"},
                                                       {18'997'560, "18.99756"},
                                                       {100'000'000, "100.0"}};
  for (const auto& row : rows) CHECK(PercentText(row.first) == row.second);
}

TEST_CASE("52 weeks are 53 buckets that begin on Mondays, the first before the range asked for") {
  Rig rig;
  const auto result = ResultOf(rig.Get("dateRange=52w"));
  const std::vector<std::string> starts = Strings(result["serie_0"]["timestamps"]);
  CHECK(starts.size() == 53);
  CHECK(starts.front() == "2025-06-09T00:00:00Z");
  CHECK(starts.back() == "2026-06-08T00:00:00Z");
  CHECK(std::string(result["meta"]["aggInterval"].GetString()) == "ONE_WEEK");
}

TEST_CASE("the end of an absolute range is inclusive") {
  Rig rig;
  const auto result = ResultOf(
      rig.Get("dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-01T01:00:00Z&aggInterval=15m"));
  CHECK(Strings(result["serie_0"]["timestamps"]) ==
        std::vector<std::string>{"2026-06-01T00:00:00Z", "2026-06-01T00:15:00Z",
                                 "2026-06-01T00:30:00Z", "2026-06-01T00:45:00Z",
                                 "2026-06-01T01:00:00Z"});
}

TEST_CASE("an absolute range that reaches past the data ends with the data") {
  Rig rig;
  const auto result = ResultOf(
      rig.Get("dateStart=2026-06-09T06:00:00Z&dateEnd=2026-06-09T20:00:00Z&aggInterval=1h"));
  CHECK(Strings(result["serie_0"]["timestamps"]) ==
        std::vector<std::string>{"2026-06-09T06:00:00Z", "2026-06-09T07:00:00Z"});
}

TEST_CASE("a range newer than the data is answered without a point") {
  Rig rig;
  const ServerResponse response =
      rig.Get("dateStart=2026-06-09T08:00:00Z&dateEnd=2026-06-09T09:00:00Z&aggInterval=15m");
  CHECK(response.status == 200);
  const auto result = ResultOf(response);
  CHECK(Strings(result["serie_0"]["timestamps"]).empty());
  CHECK(Strings(result["serie_0"]["SPOOF"]).empty());
  CHECK(Strings(result["serie_0"]["NOT_SPOOF"]).empty());
}

TEST_CASE("the data of a clock's hour are 15 to 60 minutes behind, on a quarter hour") {
  Rig rig;
  for (int minute = 0; minute < 60; ++minute) {
    const WallTime last_updated = *ParseRfc3339(LastUpdated(rig.Get("dateRange=1d")));
    const auto behind = rig.clock.Now().wall - last_updated;
    CHECK(last_updated == FloorTo(last_updated, 15min));
    CHECK(behind >= 15min);
    CHECK(behind <= 60min);
    rig.clock.Advance(1min);
  }
}

TEST_CASE("lastUpdated is the quarter hour one lag ago") {
  const std::pair<Seconds, const char*> rows[] = {{0min, "2026-06-09T08:00:00Z"},
                                                  {5min, "2026-06-09T08:00:00Z"},
                                                  {20min, "2026-06-09T07:45:00Z"},
                                                  {60min, "2026-06-09T07:00:00Z"}};
  for (const auto& row : rows) {
    SimulatorOptions options;
    options.lag = row.first;
    Rig rig(options);
    CHECK(LastUpdated(rig.Get("dateRange=1d")) == row.second);
  }
}

TEST_CASE("a bucket is there while it fills, moves, and then never changes again") {
  Rig rig;
  const auto newest = [&] {
    const auto result = ResultOf(rig.Get("dateRange=1d&aggInterval=1h"));
    return std::pair(Strings(result["serie_0"]["timestamps"]).back(),
                     Strings(result["serie_0"]["SPOOF"]).back());
  };
  const auto filling = newest();  // the data reach 07:45
  CHECK(filling.first == "2026-06-09T07:00:00Z");
  CHECK(newest() == filling);

  rig.clock.Advance(14min);  // 08:20:40: the data reach 08:00
  const auto result = ResultOf(rig.Get("dateRange=1d&aggInterval=1h"));
  const std::vector<std::string> spoof = Strings(result["serie_0"]["SPOOF"]);
  const std::string complete = spoof[spoof.size() - 2];
  CHECK(newest().first == "2026-06-09T08:00:00Z");
  CHECK(complete != filling.second);

  rig.clock.Advance(3h);
  const std::vector<std::string> later = Spoof(rig.Get("dateRange=1d&aggInterval=1h"));
  CHECK(later[later.size() - 5] == complete);
}

TEST_CASE("the partial last bucket can be left out") {
  SimulatorOptions options;
  options.data.last_bucket = LastBucket::kOmitted;
  Rig rig(options);
  const auto result = ResultOf(rig.Get("dateRange=1d&aggInterval=1h"));
  CHECK(Strings(result["serie_0"]["timestamps"]).back() == "2026-06-09T06:00:00Z");
}

TEST_CASE("a control period holds what its own week held, under its own name") {
  Rig rig;
  const ServerResponse both = rig.Get(
      "name=now&dateRange=7d&dmarc=FAIL&name=before&dateRange=7dcontrol&dmarc=FAIL&aggInterval=1h");
  const auto result = ResultOf(both);
  CHECK(Strings(result["now"]["timestamps"]).front() == "2026-06-02T07:00:00Z");
  CHECK(Strings(result["before"]["timestamps"]).front() == "2026-05-26T07:00:00Z");
  CHECK(Strings(result["before"]["timestamps"]).size() ==
        Strings(result["now"]["timestamps"]).size());
  CHECK(std::string(result["meta"]["dateRange"][1]["startTime"].GetString()) ==
        "2026-05-26T07:00:00Z");
  CHECK(Spoof(both, "before") ==
        Spoof(rig.Get("dateStart=2026-05-26T07:45:00Z&dateEnd=2026-06-02T07:45:00Z&dmarc=FAIL&"
                      "aggInterval=1h")));
}

TEST_CASE("a name of the caller's own binds an answer to its request") {
  Rig rig;
  for (const std::string dates : {"dateRange=1d", "dateRange=1dcontrol",
                                  "dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-02T00:00:00Z"}) {
    CAPTURE(dates);
    const std::string rest = dates + "&spf=FAIL&aggInterval=15m&format=JSON";
    const ServerResponse named = rig.Get("name=s0_k9f2a1&" + rest);
    const auto result = ResultOf(named);
    CHECK(result.MemberCount() == 2);  // beside `meta`
    CHECK(Spoof(named, "s0_k9f2a1") == Spoof(rig.Get(rest)));
  }
}

TEST_CASE("a filter given once for two series narrows only the first") {
  Rig rig;
  const ServerResponse two = rig.Get("dateRange=1d&dateRange=1d&spf=FAIL");
  CHECK(Spoof(two, "serie_0") == Spoof(rig.Get("dateRange=1d&spf=FAIL")));
  CHECK(Spoof(two, "serie_1") == Spoof(rig.Get("dateRange=1d")));
  CHECK(Spoof(two, "serie_0") != Spoof(two, "serie_1"));
}

TEST_CASE("CSV holds the same numbers, without meta") {
  Rig rig;
  const ServerResponse json = rig.Get("dateRange=1w&aggInterval=1w&name=a,\"b");
  const ServerResponse csv = rig.Get("dateRange=1w&aggInterval=1w&name=a,\"b&format=CSV");
  const auto spoof = Spoof(json, "a,\"b");
  const auto not_spoof = Strings(ResultOf(json)["a,\"b"]["NOT_SPOOF"]);
  REQUIRE(spoof.size() == 2);
  CHECK(HeaderOf(csv, "Content-Type") == "text/csv; charset=utf-8");
  CHECK(csv.body ==
        "\"a,\"\"b timestamps\",\"a,\"\"b NOT_SPOOF\",\"a,\"\"b SPOOF\"\r\n"
        "2026-06-01T00:00:00Z," +
            not_spoof[0] + "," + spoof[0] +
            "\r\n"
            "2026-06-08T00:00:00Z," +
            not_spoof[1] + "," + spoof[1] + "\r\n");
}

}  // namespace
}  // namespace radar_spoof::simulator
