#include "src/query/ask.h"

#include <doctest/doctest.h>

#include "support/answered_query.h"
#include "support/scripted_http_client.h"

namespace radar_spoof {
namespace {

using namespace test;

constexpr std::string_view kToken = "canary/credential+0123456789";

struct AskFixture {
  Result<AnsweredQuery, Failure> AskOnce(ScriptedHttpClient::Script script) {
    http.emplace(clock, std::move(script));
    return Ask(asked.query, api, {}, credentials, *http, clock);
  }

  Asked asked = FullAnswer();
  FakeClock clock{asked.now};
  ApiConfig api;
  Credentials credentials = BearerToken{Secret(std::string(kToken))};
  std::optional<ScriptedHttpClient> http;
};

ScriptedHttpClient::Answer Respond(int status, std::string body) {
  return {HttpResponse{status, {}, std::move(body)}};
}

TEST_CASE_FIXTURE(AskFixture, "one request gives the sample and the window it is from") {
  const auto answer = AskOnce([&](const auto&) { return Respond(200, asked.answer.Body()); });
  REQUIRE(answer);
  REQUIRE(http->requests().size() == 1);
  CHECK(answer.value().url == http->requests()[0].url);
  CHECK(answer.value().url.find(kToken) == std::string::npos);
  CHECK(http->requests()[0].authorization == "Bearer " + std::string(kToken));
  const QueryState& state = answer.value().state;
  REQUIRE(state.sample);
  CHECK(state.sample->spoof.value() == 0.2);
  CHECK(state.sample->control->value() == 0.15);
  CHECK(state.success());
  CHECK(state.last_success->wall == answer.value().received.wall);
  CHECK(answer.value().window.buckets.size() == 5);
}

TEST_CASE_FIXTURE(AskFixture, "a path that is gone is replaced by the other one, once") {
  const auto answer = AskOnce([&](const auto& request) {
    return request.url.find("/SPOOF?") == std::string::npos ? Respond(404, "{}")
                                                            : Respond(200, asked.answer.Body());
  });
  REQUIRE(answer);
  CHECK(answer.value().url.find("/SPOOF?") != std::string::npos);
  const auto neither = AskOnce([](const auto&) { return Respond(404, "{}"); });
  REQUIRE_FALSE(neither);
  CHECK(neither.error().reason == FailureReason::kNotFound);
  CHECK(http->requests().size() == 2);
}

TEST_CASE_FIXTURE(AskFixture, "a path without another spelling is asked for once") {
  api.path = "/somewhere";
  const auto answer = AskOnce([](const auto&) { return Respond(404, "{}"); });
  REQUIRE_FALSE(answer);
  CHECK(http->requests().size() == 1);
}

TEST_CASE_FIXTURE(AskFixture, "an answer knows which kind of credential it was asked with") {
  const auto script = [&](const auto&) { return Respond(200, asked.answer.Body()); };
  CHECK_FALSE(AskOnce(script).value().by_legacy_key);
  credentials = LegacyKey{"you@example.com", Secret(std::string(kToken))};
  CHECK(AskOnce(script).value().by_legacy_key);
}

TEST_CASE_FIXTURE(AskFixture, "nothing else is asked twice") {
  for (const int status : {401, 403, 422, 429, 500, 503}) {
    CAPTURE(status);
    CHECK_FALSE(AskOnce([&](const auto&) { return Respond(status, "{}"); }));
    CHECK(http->requests().size() == 1);
  }
  const auto dead = AskOnce([](const auto&) {
    return ScriptedHttpClient::Answer{Failure(FailureReason::kConnect, "refused")};
  });
  REQUIRE_FALSE(dead);
  CHECK(dead.error().reason == FailureReason::kConnect);
  CHECK(http->requests().size() == 1);
}

TEST_CASE_FIXTURE(AskFixture, "an API that does not label series is asked again without names") {
  const auto script = [&](int status) {
    return [this, status](const auto& request) {
      return ParametersOf(request.url, "name").empty() ? Respond(200, asked.answer.Body())
             : status == 200                           ? Respond(200, asked.answer.Body())
                                                       : Respond(status, "{}");
    };
  };
  for (const int status : {200, 400}) {
    CAPTURE(status);
    http.emplace(clock, script(status));
    http->labels_series = false;
    const auto answer = Ask(asked.query, api, {}, credentials, *http, clock);
    REQUIRE(answer);
    CHECK(answer.value().state.sample->spoof.value() == 0.2);
    REQUIRE(http->requests().size() == 2);
    CHECK(http->requests()[1].own_connection);
  }
  const auto refused = AskOnce([](const auto&) { return Respond(400, "{}"); });
  REQUIRE_FALSE(refused);
  CHECK(http->requests().size() == 2);
}

TEST_CASE_FIXTURE(AskFixture, "the credential is in no failure, however it is echoed") {
  const std::string echo = R"({"success": false, "errors": [{"code": 1, "message": "bad )" +
                           std::string(kToken) + R"("}]})";
  for (const int status : {200, 400, 403}) {
    CAPTURE(status);
    const auto answer = AskOnce([&](const auto&) { return Respond(status, echo); });
    REQUIRE_FALSE(answer);
    CHECK(answer.error().detail.find("canary") == std::string::npos);
    CHECK(answer.error().detail.find("[redacted]") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(AskFixture, "a control period that does not add up costs the control alone") {
  asked.answer.serie_1->spoof[1] = "\"96\"";
  const auto answer = AskOnce([&](const auto&) { return Respond(200, asked.answer.Body()); });
  REQUIRE(answer);
  CHECK_FALSE(answer.value().state.sample->control);
}

}  // namespace
}  // namespace radar_spoof
