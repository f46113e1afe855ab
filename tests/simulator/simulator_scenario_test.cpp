// What each scenario does to the simulated API's answers, and how scenarios are switched.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using test::HeaderOf;
using test::Json;
using test::Request;
using test::SpoofRequest;

struct ScenarioRig : test::Rig {
  using test::Rig::Rig;
  std::vector<double> Spoof(std::string_view query);
  std::string Meta(std::string_view query, const char* member);
};

std::vector<double> ScenarioRig::Spoof(std::string_view query) {
  const auto json = Json(Get(query));
  std::vector<double> values;
  for (const auto& value : json["result"]["serie_0"]["SPOOF"].GetArray()) {
    values.push_back(std::stod(value.GetString()));
  }
  return values;
}

std::string ScenarioRig::Meta(std::string_view query, const char* member) {
  return Json(Get(query))["result"]["meta"][member].GetString();
}

TEST_CASE("a spike begins in the newest complete bucket of every interval and spares the past") {
  for (const char* window : {"dateRange=1d&aggInterval=15m", "dateRange=7d&aggInterval=1h",
                             "dateRange=28d&aggInterval=1d", "dateRange=12w&aggInterval=1w"}) {
    CAPTURE(window);
    const std::string query = std::string(window) + "&dmarc=FAIL";
    ScenarioRig rig;
    const std::vector<double> calm = rig.Spoof(query);
    rig.simulator.Switch(Scenario::kSpike);
    const std::vector<double> spike = rig.Spoof(query);
    REQUIRE(spike.size() == calm.size());
    const std::size_t newest_complete = calm.size() - 2;
    for (std::size_t i = 0; i < newest_complete; ++i) CHECK(spike[i] == calm[i]);
    CHECK(spike[newest_complete] ==
          doctest::Approx(std::min(95.0, 3 * calm[newest_complete])).epsilon(1e-6));
    CHECK(spike[newest_complete + 1] > 2 * calm[newest_complete + 1]);
  }
}

TEST_CASE("a spike lasts until the scenario is switched, and all mail rises with it") {
  ScenarioRig rig;
  rig.simulator.Switch(Scenario::kSpike);
  rig.clock.Advance(6h);
  const std::vector<double> spike = rig.Spoof("dateRange=1d&aggInterval=1h");
  rig.simulator.Switch(Scenario::kCalm);
  const std::vector<double> calm = rig.Spoof("dateRange=1d&aggInterval=1h");
  REQUIRE(spike.size() == 25);
  int risen = 0;
  for (std::size_t i = 0; i < spike.size(); ++i) risen += spike[i] > 1.15 * calm[i] ? 1 : 0;
  CHECK(risen == 8);  // 06:00, complete at the switch, to 13:00, still filling
}

TEST_CASE("low-confidence lowers the level and changes no number") {
  ScenarioRig rig;
  const std::vector<double> calm = rig.Spoof("dateRange=1d");
  rig.simulator.Switch(Scenario::kLowConfidence);
  CHECK(rig.Spoof("dateRange=1d") == calm);
  const auto json = Json(rig.Get("dateRange=1d"));
  CHECK(json["result"]["meta"]["confidenceInfo"]["level"].GetInt() == 2);
}

TEST_CASE("pipeline-issue annotates the newest complete bucket of the interval asked for") {
  struct Row {
    const char* query;
    const char* start;
    const char* end;
  };
  const Row rows[] = {
      {"dateRange=1d&aggInterval=15m", "2026-06-09T07:30:00Z", "2026-06-09T07:45:00Z"},
      {"dateRange=7d&aggInterval=1h", "2026-06-09T06:00:00Z", "2026-06-09T07:00:00Z"},
      {"dateRange=28d&aggInterval=1d", "2026-06-08T00:00:00Z", "2026-06-09T00:00:00Z"},
      {"dateRange=12w&aggInterval=1w", "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z"}};
  SimulatorOptions options;
  options.scenario = Scenario::kPipelineIssue;
  ScenarioRig rig(options);
  for (const Row& row : rows) {
    CAPTURE(row.query);
    const auto json = Json(rig.Get(row.query));
    const auto& annotations = json["result"]["meta"]["confidenceInfo"]["annotations"];
    REQUIRE(annotations.Size() == 1);
    const auto& annotation = annotations[0];
    CHECK(std::string(annotation["eventType"].GetString()) == "PIPELINE");
    CHECK(std::string(annotation["dataSource"].GetString()) == "EMAIL_SECURITY");
    CHECK(std::string(annotation["startDate"].GetString()) == row.start);
    CHECK(std::string(annotation["endDate"].GetString()) == row.end);
    CHECK(annotation["isInstantaneous"].GetBool() == false);
    CHECK(std::string(annotation["description"].GetString()) != "");
    CHECK(annotation["linkedUrl"].IsString());
  }
}

TEST_CASE("pipeline-issue makes numbers like a spike's, with its annotation on all of them") {
  ScenarioRig rig;
  rig.simulator.Switch(Scenario::kSpike);
  const std::vector<double> spike = rig.Spoof("dateRange=1d&dmarc=FAIL");
  rig.simulator.Switch(Scenario::kPipelineIssue);
  CHECK(rig.Spoof("dateRange=1d&dmarc=FAIL") == spike);
  rig.clock.Advance(1h);
  const auto json = Json(rig.Get("dateRange=1d&dmarc=FAIL"));
  const auto& annotation = json["result"]["meta"]["confidenceInfo"]["annotations"][0];
  CHECK(std::string(annotation["startDate"].GetString()) == "2026-06-09T07:30:00Z");
  CHECK(std::string(annotation["endDate"].GetString()) == "2026-06-09T08:45:00Z");
}

TEST_CASE("no-mail empties the newest complete bucket and those after it, whatever the filter") {
  for (const char* query : {"dateRange=1d&aggInterval=15m", "dateRange=28d&aggInterval=1d&spf=FAIL",
                            "dateRange=12w&aggInterval=1w"}) {
    CAPTURE(query);
    ScenarioRig rig;
    const std::vector<double> calm = rig.Spoof(query);
    rig.simulator.Switch(Scenario::kNoMail);
    const auto json = Json(rig.Get(query));
    const auto& spoof = json["result"]["serie_0"]["SPOOF"];
    const auto& not_spoof = json["result"]["serie_0"]["NOT_SPOOF"];
    REQUIRE(spoof.Size() == calm.size());
    for (rapidjson::SizeType i = 0; i < spoof.Size(); ++i) {
      const bool has_mail = i + 2 < spoof.Size();
      CHECK(std::stod(spoof[i].GetString()) == (has_mail ? calm[i] : 0));
      CHECK((std::stod(not_spoof[i].GetString()) == 0) == !has_mail);
    }
  }
}

TEST_CASE("half-null leaves one class of the newest complete bucket and those after it null") {
  ScenarioRig rig;
  const std::vector<double> calm = rig.Spoof("dateRange=1d&aggInterval=1h");
  rig.simulator.Switch(Scenario::kHalfNull);
  CHECK(rig.Spoof("dateRange=1d&aggInterval=1h") == calm);
  const auto json = Json(rig.Get("dateRange=1d&aggInterval=1h"));
  const auto& not_spoof = json["result"]["serie_0"]["NOT_SPOOF"];
  REQUIRE(not_spoof.Size() == calm.size());
  for (rapidjson::SizeType i = 0; i < not_spoof.Size(); ++i) {
    CHECK(not_spoof[i].IsNull() == (i + 2 >= not_spoof.Size()));
  }
}

TEST_CASE("frozen stops the data where they were, and calm lets them go on") {
  ScenarioRig rig;
  rig.simulator.Switch(Scenario::kFrozen);
  const ServerResponse before = rig.Get("dateRange=1d");
  rig.clock.Advance(5h);
  rig.simulator.Switch(Scenario::kFrozen);  // again: no new beginning
  CHECK(rig.Get("dateRange=1d").body == before.body);
  CHECK(rig.Meta("dateRange=1d", "lastUpdated") == "2026-06-09T07:45:00Z");
  rig.simulator.Switch(Scenario::kCalm);
  CHECK(rig.Meta("dateRange=1d", "lastUpdated") == "2026-06-09T12:45:00Z");
}

TEST_CASE("outage answers 503 with a page that is not JSON") {
  SimulatorOptions options;
  options.scenario = Scenario::kOutage;
  ScenarioRig rig(options);
  const ServerResponse response = rig.Get("dateRange=1d");
  CHECK(response.status == 503);
  CHECK(HeaderOf(response, "Content-Type") == "text/html; charset=UTF-8");
  CHECK(response.body.starts_with("<!DOCTYPE html>"));
  CHECK(HeaderOf(response, "Ratelimit") == "\"default\";r=1199;t=300");
}

TEST_CASE("rate-limited answers 429 with code 1015 and when to come back") {
  SimulatorOptions options;
  options.scenario = Scenario::kRateLimited;
  ScenarioRig rig(options);
  const ServerResponse response = rig.Get("dateRange=1d");
  CHECK(response.status == 429);
  CHECK(Json(response)["errors"][0]["code"].GetInt() == 1015);
  CHECK(HeaderOf(response, "Retry-After") == "30");
  CHECK(HeaderOf(response, "Ratelimit") == "\"default\";r=0;t=30");
}

TEST_CASE("unauthorized refuses the right token") {
  SimulatorOptions options;
  options.scenario = Scenario::kUnauthorized;
  ScenarioRig rig(options);
  const ServerResponse response = rig.Get("dateRange=1d");
  CHECK(response.status == 403);
  CHECK(Json(response)["errors"][0]["code"].GetInt() == 10000);
}

TEST_CASE("internal-error answers 400 without a code, as Radar does when it cannot answer now") {
  SimulatorOptions options;
  options.scenario = Scenario::kInternalError;
  ScenarioRig rig(options);
  const ServerResponse response = rig.Get("dateRange=1d");
  CHECK(response.status == 400);
  CHECK(response.body ==
        R"({"errors":[{"message":"Internal Error"}],"success":false,"result":{}})");
}

TEST_CASE("slow gives the calm answer, late; nothing else is late") {
  SimulatorOptions options;
  options.slow_delay = 7s;
  ScenarioRig rig(options);
  const ServerResponse calm = rig.Get("dateRange=1d");
  CHECK(calm.delay == 0s);
  rig.simulator.Switch(Scenario::kSlow);
  const ServerResponse slow = rig.Get("dateRange=1d");
  CHECK(slow.body == calm.body);
  CHECK(slow.delay == 7s);
  CHECK(rig.simulator.Handle(Request("/scenario")).delay == 0s);
}

TEST_CASE("scenarios are listed and switched over HTTP") {
  ScenarioRig rig;
  CHECK(rig.simulator.Handle(Request("/scenario")).body ==
        R"({"scenario":"calm","scenarios":["calm","spike","low-confidence","pipeline-issue",)"
        R"("no-mail","half-null","frozen","outage","rate-limited","unauthorized",)"
        R"("internal-error","slow"]})");
  for (const Scenario scenario : kAllScenarios) {
    const std::string path = "/scenario/" + std::string(Name(scenario));
    CAPTURE(path);
    rig.simulator.Switch(Scenario::kCalm);
    CHECK(rig.simulator.Handle(Request(path, "PUT")).status == 200);
    CHECK(rig.simulator.scenario() == scenario);
    rig.simulator.Switch(Scenario::kCalm);
    CHECK(rig.simulator.Handle(Request(path, "POST")).status == 200);
    CHECK(rig.simulator.scenario() == scenario);
  }
  CHECK(rig.simulator.Handle(Request("/scenario/panic", "PUT")).status == 404);
  CHECK(rig.simulator.scenario() == Scenario::kSlow);
}

TEST_CASE("control endpoints refuse what they do not serve") {
  ScenarioRig rig;
  struct Row {
    const char* method;
    const char* path;
    int status;
    const char* allow;
  };
  const Row rows[] = {{"GET", "/scenario/spike", 405, "PUT, POST"},
                      {"PUT", "/scenario", 405, "GET, HEAD"},
                      {"POST", "/requests", 405, "GET, HEAD"},
                      {"DELETE", "/", 405, "GET, HEAD"},
                      {"GET", "/scenarios", 404, ""},
                      {"GET", "/client", 404, ""},
                      {"GET", "/client/v40", 404, ""}};
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const ServerResponse response = rig.simulator.Handle(Request(row.path, row.method));
    CHECK(response.status == row.status);
    CHECK(HeaderOf(response, "Allow") == row.allow);
    CHECK(Json(response)["error"].IsString());
  }
  CHECK(rig.simulator.scenario() == Scenario::kCalm);
  const ServerResponse help = rig.simulator.Handle(Request("/"));
  CHECK(help.status == 200);
  CHECK(help.body.find("/scenario/NAME") != std::string::npos);
}

TEST_CASE("API requests are counted by status, and the last one shown without any credential") {
  ScenarioRig rig;
  CHECK(rig.simulator.Handle(Request("/requests")).body ==
        R"({"api_requests":0,"by_status":{},"last":null})");
  rig.Get("dateRange=1d");
  rig.Get("dateRange=1d");
  ServerRequest request =
      SpoofRequest("dateRange=1d&name=simulator-token&spf=\xff&tls=simulator-key");
  request.headers.emplace_back("user-agent", "tester/1.0 simulator-token");
  rig.simulator.Handle(request);
  const std::string shown = rig.simulator.Handle(Request("/requests")).body;
  CHECK(shown ==
        R"-({"api_requests":3,"by_status":{"200":2,"400":1},"last":{"method":"GET","path":)-"
        R"-("/client/v4/radar/email/security/timeseries_groups/spoof","query":)-"
        R"-("dateRange=1d&name=%28credential%29&spf=%FF&tls=%28credential%29",)-"
        R"-("user_agent":"tester/1.0 (credential)",)-"
        R"-("header_names":["host","authorization","user-agent"],"status":400}})-");
}

TEST_CASE("no accepted credential is shown, wherever in a request it stands") {
  SimulatorOptions options;
  options.credentials = {"to-ken", "e-mail", "ke-y"};
  ScenarioRig rig(options);
  for (const std::string credential : {"to-ken", "e-mail", "ke-y"}) {
    CAPTURE(credential);
    ServerRequest request = Request("/client/v4/" + credential);
    request.method = credential;
    request.query = {{credential, credential}};
    request.headers = {{credential, "a"}, {"user-agent", credential}};
    rig.simulator.Handle(request);
    const std::string shown = rig.simulator.Handle(Request("/requests")).body;
    CHECK(shown.find(credential) == std::string::npos);
  }
}

TEST_CASE("a token that is part of what stands in its place is redacted, too") {
  SimulatorOptions options;
  options.credentials.token = "t";
  ScenarioRig rig(options);
  CHECK(rig.Get("a=t").status == 403);
  const std::string shown = rig.simulator.Handle(Request("/requests")).body;
  CHECK(shown.find("a=%28credential%29") != std::string::npos);
}

}  // namespace
}  // namespace radar_spoof::simulator
