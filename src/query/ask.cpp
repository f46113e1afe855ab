#include "ask.h"

#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/poll/answer_outcome.h"

namespace radar_spoof {
namespace {

HttpClient::Finished Fetch(HttpClient& http, const HttpRequest& request) {
  constexpr Seconds kTurn{60};
  http.Start(0, request);
  for (;;) {
    if (auto finished = http.Wait(kTurn)) return std::move(*finished);
  }
}

// A proxy may know the requests of an earlier run.
std::uint32_t NumberFrom(WallTime now) {
  return static_cast<std::uint32_t>(now.time_since_epoch().count());
}

}  // namespace

Result<AnsweredQuery, Failure> Ask(const Query& query, const ApiConfig& api,
                                   const PollingConfig& polling, const Credentials& credentials,
                                   HttpClient& http, const Clock& clock) {
  const CredentialsInUse in_use(credentials);
  const Query* const asked[] = {&query};
  std::uint32_t number = NumberFrom(clock.Now().wall);
  EndpointInUse endpoint(RadarEndpoint(api.base_url, api.path));
  std::vector<RequestForm> tried;
  for (std::optional<RequestForm> form = endpoint.form();;) {
    tried.push_back(*std::move(form));
    const RadarRequest request = BuildRequest(tried.back(), asked, number++, credentials);
    auto finished = Fetch(http, request.http);
    const Instant now = clock.Now();
    AnswerOutcome outcome = OutcomeOf(asked, request.names, finished, in_use.redactor, now);
    form = endpoint.Other(tried, outcome.form, query.name);
    if (form) continue;
    auto& window = outcome.windows.front();
    if (!window) return window.error();
    return AnsweredQuery{{.query = query,
                          .sample = JudgedSampleOf(query, window.value()),
                          .last_success = now,
                          .polls = 1},
                         std::move(window).value(),
                         polling,
                         now,
                         request.http.url,
                         request.names.front(),
                         std::holds_alternative<LegacyKey>(credentials)};
  }
}

}  // namespace radar_spoof
