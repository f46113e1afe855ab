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
  const CredentialsInUse credentials;
  HttpClient& http;
  const Clock& clock;
  std::uint32_t number;

  // `form`: in which it is asked, and what the answer has against it.
  Result<AnsweredQuery, Failure> In(const RequestForm& form, FormProblem& problem) {
    const Query* const asked[] = {&query};
    const RadarRequest request = BuildRequest(form, asked, number++, credentials.credentials);
    auto finished = Fetch(http, request.http);
    const Instant now = clock.Now();
    AnswerOutcome outcome = OutcomeOf(asked, request.names, finished, credentials.redactor, now);
    problem = outcome.form;
    auto& window = outcome.windows.front();
    if (!window) return window.error();
    return AnsweredQuery{StateAfter(query, JudgedSampleOf(query, window.value()), now),
                         std::move(window).value(),
                         polling,
                         now,
                         request.http.url,
                         request.names.front(),
                         std::holds_alternative<LegacyKey>(credentials.credentials)};
  }
};

}  // namespace

Result<AnsweredQuery, Failure> Ask(const Query& query, const ApiConfig& api,
                                   const PollingConfig& polling, const Credentials& credentials,
                                   HttpClient& http, const Clock& clock) {
  Asking asking{query, polling, CredentialsInUse(credentials),
                http,  clock,   NumberFrom(clock.Now().wall)};
  EndpointInUse endpoint(RadarEndpoint(api.base_url, api.path));
  std::vector<RequestForm> tried;
  for (std::optional<RequestForm> form = endpoint.form();;) {
    FormProblem problem = FormProblem::kNone;
    tried.push_back(*std::move(form));
    auto answer = asking.In(tried.back(), problem);
    form = endpoint.Other(tried, problem, query.name);
    if (!form) return answer;
  }
}

}  // namespace radar_spoof
