// Whom the simulated API lets in: credentials, paths, methods, the request limit.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/simulator_calls.h"

namespace radar_spoof::simulator {
namespace {

using namespace std::chrono_literals;
using test::HeaderOf;
using test::Json;
using test::Request;
using test::Rig;
using test::SpoofRequest;

TEST_CASE("a refusal of Radar's comes in Radar's own envelope") {
  Rig rig;
  const ServerResponse response = rig.Get("dateRange=7d&aggInterval=2h");
  CHECK(response.status == 400);
  CHECK(response.body == R"({"errors":[{"code":2001,"message":"aggInterval: '2h' is not valid; )"
                         R"(expected one of 15m, 1h, 1d, 1w"}],"success":false,"result":{}})");
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

TEST_CASE("the paths are those of the chosen style, by exact spelling") {
  const std::string old_path(test::kSpoof);
  const std::string dimensions = old_path.substr(0, old_path.size() - 5);
  struct Row {
    PathStyle style;
    std::string path;
    int status;
  };
  const Row rows[] = {{PathStyle::kBoth, old_path, 200},
                      {PathStyle::kBoth, dimensions + "SPOOF", 200},
                      {PathStyle::kOld, old_path, 200},
                      {PathStyle::kOld, dimensions + "SPOOF", 400},
                      {PathStyle::kNew, old_path, 400},
                      {PathStyle::kNew, dimensions + "SPOOF", 200},
                      {PathStyle::kBoth, dimensions + "SPAM", 400},
                      {PathStyle::kBoth, dimensions + "Spoof", 400},
                      {PathStyle::kBoth, dimensions, 404},
                      {PathStyle::kBoth, old_path + "/", 404},
                      {PathStyle::kBoth, "/client/v4/radar/email/security/summary/SPOOF", 404},
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
    if (row.status == 400) {
      CHECK(response.body == R"({"errors":[{"code":2001,"message":"Invalid option for )"
                             R"(dimension."}],"success":false,"result":{}})");
    }
    if (row.status == 404) {
      CHECK(response.body ==
            R"({"errors":[{"code":7003,"message":"Not Found"}],"success":false,"result":{}})");
    }
  }
}

TEST_CASE("a dimension that is not there can be 404 instead, in either of two shapes") {
  const std::pair<OtherDimensions, const char*> rows[] = {
      {OtherDimensions::kNotFound,
       R"({"errors":[{"code":7003,"message":"Not Found"}],"success":false,"result":{}})"},
      {OtherDimensions::kError, R"({"error":"Not found"})"}};
  for (const auto& row : rows) {
    SimulatorOptions options;
    options.path_style = PathStyle::kNew;
    options.other_dimensions = row.first;
    Rig rig(options);
    const ServerResponse response = rig.Get("dateRange=1d");
    CHECK(response.status == 404);
    CHECK(response.body == row.second);
  }
}

TEST_CASE("credentials are looked at before the dimension") {
  SimulatorOptions options;
  options.path_style = PathStyle::kNew;
  Rig rig(options);
  ServerRequest request = SpoofRequest("dateRange=1d");
  request.headers = {{"authorization", "Bearer wrong"}};
  CHECK(rig.simulator.Handle(request).status == 403);
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
