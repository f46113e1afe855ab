// The simulated API from request to response, in one process and on a clock the test turns.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using test::HeaderOf;
using test::Request;
using test::SpoofRequest;

constexpr std::string_view kTuesdayMorning = "2026-06-09T08:06:40Z";

struct Rig {
  explicit Rig(SimulatorOptions options = {}, std::string_view now = kTuesdayMorning)
      : clock(now), simulator(options, clock) {}

  ServerResponse Get(std::string_view query) { return simulator.Handle(SpoofRequest(query)); }

  test::TurnedClock clock;
  Simulator simulator;
};

rapidjson::Document Json(const ServerResponse& response) {
  rapidjson::Document document;
  document.Parse(response.body.data(), response.body.size());
  if (document.HasParseError()) FAIL("not JSON: " << response.body);
  return document;
}

rapidjson::Document Result(const ServerResponse& response) {
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
  return Strings(Result(response)[key]["SPOOF"]);
}

std::string LastUpdated(const ServerResponse& response) {
  return Result(response)["meta"]["lastUpdated"].GetString();
}

TEST_CASE("an answer is, to the letter, of the shape the API's answers have") {
  Rig rig;
  const ServerResponse response = rig.Get("dateRange=1w&aggInterval=1w&format=JSON");
  const std::vector<std::string> spoof = Spoof(response);
  const std::vector<std::string> not_spoof = Strings(Result(response)["serie_0"]["NOT_SPOOF"]);
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
  const auto result = Result(rig.Get("dateRange=7d&aggInterval=15m&dmarc=FAIL"));
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
  const auto result = Result(rig.Get("dateRange=52w"));
  const std::vector<std::string> starts = Strings(result["serie_0"]["timestamps"]);
  CHECK(starts.size() == 53);
  CHECK(starts.front() == "2025-06-09T00:00:00Z");
  CHECK(starts.back() == "2026-06-08T00:00:00Z");
  CHECK(std::string(result["meta"]["aggInterval"].GetString()) == "ONE_WEEK");
}

TEST_CASE("the end of an absolute range is inclusive") {
  Rig rig;
  const auto result = Result(
      rig.Get("dateStart=2026-06-01T00:00:00Z&dateEnd=2026-06-01T01:00:00Z&aggInterval=15m"));
  CHECK(Strings(result["serie_0"]["timestamps"]) ==
        std::vector<std::string>{"2026-06-01T00:00:00Z", "2026-06-01T00:15:00Z",
                                 "2026-06-01T00:30:00Z", "2026-06-01T00:45:00Z",
                                 "2026-06-01T01:00:00Z"});
}

TEST_CASE("an absolute range that reaches past the data ends with the data") {
  Rig rig;
  const auto result =
      Result(rig.Get("dateStart=2026-06-09T06:00:00Z&dateEnd=2026-06-09T20:00:00Z&aggInterval=1h"));
  CHECK(Strings(result["serie_0"]["timestamps"]) ==
        std::vector<std::string>{"2026-06-09T06:00:00Z", "2026-06-09T07:00:00Z"});
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
    const auto result = Result(rig.Get("dateRange=1d&aggInterval=1h"));
    return std::pair(Strings(result["serie_0"]["timestamps"]).back(),
                     Strings(result["serie_0"]["SPOOF"]).back());
  };
  const auto filling = newest();  // the data reach 07:45
  CHECK(filling.first == "2026-06-09T07:00:00Z");
  CHECK(newest() == filling);

  rig.clock.Advance(14min);  // 08:20:40: the data reach 08:00
  const auto result = Result(rig.Get("dateRange=1d&aggInterval=1h"));
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
  options.omit_partial_bucket = true;
  Rig rig(options);
  const auto result = Result(rig.Get("dateRange=1d&aggInterval=1h"));
  CHECK(Strings(result["serie_0"]["timestamps"]).back() == "2026-06-09T06:00:00Z");
}

TEST_CASE("a control period holds what its own week held, under its own name") {
  Rig rig;
  const ServerResponse both = rig.Get(
      "name=now&dateRange=7d&dmarc=FAIL&name=before&dateRange=7dcontrol&dmarc=FAIL&aggInterval=1h");
  const auto result = Result(both);
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
  const auto not_spoof = Strings(Result(json)["a,\"b"]["NOT_SPOOF"]);
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

TEST_CASE("a refusal comes in the API's envelope") {
  Rig rig;
  const ServerResponse response = rig.Get("dateRange=7d&aggInterval=2h");
  CHECK(response.status == 400);
  CHECK(response.body ==
        R"({"success":false,"errors":[{"code":2001,"message":"aggInterval: '2h' is not valid; )"
        R"(expected one of 15m, 1h, 1d, 1w"}],"messages":[],"result":{}})");
}

TEST_CASE("credentials are checked for form, then for being the right ones") {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  struct Row {
    Headers headers;
    int status;
    const char* errors;
  };
  const char* const kMalformed =
      R"([{"code":6003,"message":"Invalid request headers","error_chain":[)"
      R"({"code":6111,"message":"Invalid format for Authorization header"}]}])";
  const char* const kWrong = R"([{"code":10000,"message":"Authentication error"}])";
  const Row rows[] = {
      {{{"authorization", "Bearer simulator-token"}}, 200, ""},
      {{{"authorization", "bearer simulator-token"}}, 200, ""},
      {{{"x-auth-email", "simulator@example.com"}, {"x-auth-key", "simulator-key"}}, 200, ""},
      {{{"authorization", "Bearer simulator-toke"}}, 403, kWrong},
      {{{"authorization", "Bearer simulator-token2"}}, 403, kWrong},
      {{{"x-auth-email", "simulator@example.com"}, {"x-auth-key", "other"}}, 403, kWrong},
      {{{"x-auth-email", "other@example.com"}, {"x-auth-key", "simulator-key"}}, 403, kWrong},
      {{{"authorization", "simulator-token"}}, 400, kMalformed},
      {{{"authorization", "Bearer"}}, 400, kMalformed},
      {{{"authorization", "Bearer "}}, 400, kMalformed},
      {{{"authorization", "Bearer  simulator-token"}}, 400, kMalformed},
      {{{"authorization", "Bearer simulator token"}}, 400, kMalformed},
      {{{"authorization", "Basic simulator-token"}}, 400, kMalformed},
      {{},
       400,
       R"([{"code":6003,"message":"Invalid request headers","error_chain":[)"
       R"({"code":6100,"message":"Missing X-Auth-Email header"},)"
       R"({"code":6101,"message":"Missing X-Auth-Key header"}]}])"},
      {{{"x-auth-email", "nobody"}, {"x-auth-key", "a b"}},
       400,
       R"([{"code":6003,"message":"Invalid request headers","error_chain":[)"
       R"({"code":6102,"message":"Invalid format for X-Auth-Email header"},)"
       R"({"code":6103,"message":"Invalid format for X-Auth-Key header"}]}])"},
      {{{"authorization", "Bearer simulator-token"}, {"x-auth-key", "simulator-key"}},
       400,
       R"([{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6111,)"
       R"("message":"Authorization cannot be combined with X-Auth-Email and X-Auth-Key"}]}])"}};
  Rig rig;
  for (const Row& row : rows) {
    CAPTURE(row.errors);
    ServerRequest request = SpoofRequest("dateRange=1d");
    request.headers = row.headers;
    const ServerResponse response = rig.simulator.Handle(request);
    CHECK(response.status == row.status);
    if (row.status == 200) continue;
    CHECK(response.body == std::string(R"({"success":false,"errors":)") + row.errors +
                               R"(,"messages":[],"result":null})");
  }
}

TEST_CASE("credentials are looked at before parameters") {
  Rig rig;
  ServerRequest request = SpoofRequest("dateRange=nonsense");
  request.headers = {{"authorization", "Bearer wrong"}};
  CHECK(rig.simulator.Handle(request).status == 403);
}

TEST_CASE("the paths are those of the chosen style, by exact spelling; the rest is 404 with 7003") {
  const std::string old_path(test::kSpoof);
  const std::string new_path = old_path.substr(0, old_path.size() - 5) + "SPOOF";
  struct Row {
    PathStyle style;
    std::string path;
    int status;
  };
  const Row rows[] = {{PathStyle::kBoth, old_path, 200},
                      {PathStyle::kBoth, new_path, 200},
                      {PathStyle::kOld, old_path, 200},
                      {PathStyle::kOld, new_path, 404},
                      {PathStyle::kNew, old_path, 404},
                      {PathStyle::kNew, new_path, 200},
                      {PathStyle::kBoth, old_path + "/", 404},
                      {PathStyle::kBoth, old_path.substr(0, old_path.size() - 5) + "SPAM", 404},
                      {PathStyle::kBoth, "/client/v4", 404}};
  for (const Row& row : rows) {
    CAPTURE(row.path);
    SimulatorOptions options;
    options.path_style = row.style;
    Rig rig(options);
    ServerRequest request = SpoofRequest("dateRange=1d");
    request.path = row.path;
    const ServerResponse response = rig.simulator.Handle(request);
    CHECK(response.status == row.status);
    if (row.status == 404) CHECK(Json(response)["errors"][0]["code"].GetInt() == 7003);
  }
}

TEST_CASE("the API is read with GET only") {
  Rig rig;
  ServerRequest request = SpoofRequest("dateRange=1d");
  request.method = "POST";
  const ServerResponse response = rig.simulator.Handle(request);
  CHECK(response.status == 405);
  CHECK(HeaderOf(response, "Allow") == "GET, HEAD");
}

TEST_CASE("every API answer tells the limit, what is left and when it starts anew") {
  Rig rig;
  const auto headers = [&](const ServerResponse& response) {
    return HeaderOf(response, "Ratelimit") + " " + HeaderOf(response, "Ratelimit-Policy");
  };
  CHECK(headers(rig.Get("dateRange=1d")) == "\"default\";r=1199;t=300 \"default\";q=1200;w=300");
  rig.clock.Advance(100s);
  CHECK(headers(rig.Get("dateRange=1")) == "\"default\";r=1198;t=200 \"default\";q=1200;w=300");
  CHECK(headers(rig.simulator.Handle(Request("/client/v4/nothing"))) ==
        "\"default\";r=1197;t=200 \"default\";q=1200;w=300");
  rig.clock.Advance(200s);
  CHECK(headers(rig.Get("dateRange=1d")) == "\"default\";r=1199;t=300 \"default\";q=1200;w=300");
}

TEST_CASE("the 1201st call in five minutes blocks every call for five minutes") {
  Rig rig;
  for (int i = 0; i < 1200; ++i) {
    if (rig.Get("").status != 400) FAIL("call " << i << " was not let in");
  }
  rig.clock.Advance(299s);
  const ServerResponse blocked = rig.Get("dateRange=1d");
  CHECK(blocked.status == 429);
  CHECK(blocked.body == R"({"success":false,"errors":[{"code":971,"message":)"
                        R"("Please wait and consider throttling your request speed"}],)"
                        R"("messages":[],"result":null})");
  CHECK(HeaderOf(blocked, "Retry-After") == "300");
  CHECK(HeaderOf(blocked, "Ratelimit") == "\"default\";r=0;t=300");

  rig.clock.Advance(299s);  // the window is long over; the block is not, and calls do not extend it
  CHECK(rig.Get("dateRange=1d").status == 429);
  CHECK(HeaderOf(rig.Get("dateRange=1d"), "Retry-After") == "1");
  rig.clock.Advance(1s);
  CHECK(rig.Get("dateRange=1d").status == 200);
}

TEST_CASE("control endpoints are neither counted nor blocked") {
  SimulatorOptions options;
  options.rate_limit = 1;
  Rig rig(options);
  for (int i = 0; i < 5; ++i) CHECK(rig.simulator.Handle(Request("/scenario")).status == 200);
  CHECK(rig.Get("dateRange=1d").status == 200);
  CHECK(rig.Get("dateRange=1d").status == 429);
  CHECK(rig.simulator.Handle(Request("/requests")).status == 200);
}

TEST_CASE("gzip only where it is accepted") {
  Rig rig;
  ServerRequest request = SpoofRequest("dateRange=7d");
  const ServerResponse plain = rig.simulator.Handle(request);
  CHECK(HeaderOf(plain, "Content-Encoding") == "");
  request.headers.emplace_back("accept-encoding", "gzip");
  const ServerResponse compressed = rig.simulator.Handle(request);
  CHECK(HeaderOf(compressed, "Content-Encoding") == "gzip");
  CHECK(compressed.body.starts_with("\x1f\x8b"));
  CHECK(compressed.body.size() < plain.body.size() / 2);
  CHECK(HeaderOf(compressed, "Vary") == "Accept-Encoding");
}

}  // namespace
}  // namespace radar_spoof::simulator
