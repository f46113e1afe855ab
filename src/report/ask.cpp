#include "radar_spoof/report/ask.h"

#include <utility>
#include <variant>

#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/publish/judge.h"

namespace radar_spoof {
namespace {

HttpClient::Finished Fetch(HttpClient& http, const HttpRequest& request) {
  constexpr Seconds kTurn{60};
  http.Start(0, request);
  for (;;) {
    if (auto finished = http.Wait(kTurn)) return std::move(*finished);
  }
}

QueryState StateAfter(const Query& query, SpoofSample sample, Instant now) {
  return {.query = query,
          .sample = std::move(sample),
          .last_success = now,
          .last_failure = {},
          .next_poll = {},
          .polls = 1};
}

struct Asking {
  const Query& query;
  const PollingConfig& polling;
  const Credentials& credentials;
  HttpClient& http;
  const Clock& clock;

  Result<AnsweredQuery, Failure> At(const RadarEndpoint& endpoint) const {
    const HttpRequest request = BuildRequest(endpoint, query, credentials);
    const auto finished = Fetch(http, request);
    const Instant now = clock.Now();
    auto window = JudgeWindow(query, finished, credentials, now).outcome;
    if (!window) return window.error();
    return AnsweredQuery{StateAfter(query, SampleOf(query, window.value()), now),
                         std::move(window).value(),
                         polling,
                         now,
                         request.url,
                         std::holds_alternative<LegacyKey>(credentials)};
  }
};

}  // namespace

Result<AnsweredQuery, Failure> Ask(const Query& query, const ApiConfig& api,
                                   const PollingConfig& polling, const Credentials& credentials,
                                   HttpClient& http, const Clock& clock) {
  const Asking asking{query, polling, credentials, http, clock};
  const RadarEndpoint configured(api.base_url, api.path);
  auto answer = asking.At(configured);
  if (answer || answer.error().reason != FailureReason::kNotFound) return answer;
  const auto other = configured.Alternative();
  return other ? asking.At(*other) : answer;
}

}  // namespace radar_spoof
