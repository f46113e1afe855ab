// What `doctor` asks the API, and what came of it.
//
// One request at a time. What may pass (a 5xx, a timeout, a 403 under load) is asked once more, and
// the first request in each form that the API may want it in, as the daemon does; in all at most
// PlannedExamination::most_requests. After HTTP 429, when a Ratelimit header leaves nothing for the
// next minute, without an accepted credential or any answer of Radar's, nothing more is asked.
// Thread rule: one thread.
#pragma once

#include <functional>

#include "proxy_variable.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/poll/answer_outcome.h"
#include "seen_answer.h"

namespace radar_spoof {

// What the exporter would be run with.
struct Subject {
  ApiConfig api;
  PollingConfig polling;
  std::vector<Query> queries;  // at least one
  // What the environment names for the host, whether or not `api.proxy` has it used.
  std::optional<ProxyVariable> proxy_variable = {};

  RadarEndpoint endpoint() const { return {api.base_url, api.path}; }  // as configured
};

enum class Step {
  kFirst,        // all mail, 1h over 7d, at the configured path
  kOtherPath,    // the same at its other spelling
  k15mOver1d,    // all mail
  k1hOver28d,    // likewise
  k1dOver28d,    // likewise
  k1wOver52w,    // likewise
  kOneFilter,    // SPF FAIL, 1d over 28d
  kTwoSeries,    // SPF PASS and SPF FAIL, 1d over 28d
  kTenSeries,    // combinations of filters, 1d over 28d
  kFiftySeries,  // likewise
  kValueList,    // spf=PASS,FAIL, 1d over 28d
  kControl,      // all mail with its control period, 1h over 7d
  kNarrow,       // what fails DKIM, DMARC and SPF, 15m over 1d: some buckets are empty
  kConfigured,   // queries of the configuration, as the daemon shares requests among them
  kAlone,        // the last query of the first shared request, asked alone to compare
};

struct PlannedRequest {
  Step step;
  std::string title;  // for a person
  std::vector<Query> queries;

  int CountSeries() const;  // control periods included
};

struct PlannedExamination {
  std::vector<PlannedRequest> requests;
  std::vector<Query> queries = {};  // those of the configuration that some request asks for
  std::size_t left_out = 0;         // the others
  std::size_t most_requests = 0;
};

PlannedExamination PlanExamination(const Subject& subject);

// Whether both ask for the same numbers, whatever they are called.
bool AskTheSame(const Query& one, const Query& other);

struct AskedRequest : PlannedRequest {
  RequestForm form;
  std::string url;  // holds no credential
  std::vector<SeriesNames> names;
  Instant received;
  Milliseconds duration;
  Connection connection;
  Result<HttpResponse, Failure> answer;  // without the credential
  AnswerOutcome outcome;
  std::optional<SeenAnswer> seen;  // of an answer of 2xx with a `result`

  // Why none of the queries has a value; nullptr when one has.
  const Failure* failure() const;
  bool FailedFor(FailureReason reason) const { return failure() && failure()->reason == reason; }
  // 0: no answer came.
  int status() const { return answer ? answer.value().status : 0; }
  bool HasSucceeded() const { return status() >= 200 && status() < 300; }
  bool IsRedirected() const { return status() >= 300 && status() < 400; }
  // "" without an answer or without that header.
  std::string Header(std::string_view name) const;
  // What Retry-After asks for, in words, however long: "2 hours"; "" without one.
  std::string WaitText() const;
};

struct Examination {
  Subject subject;
  PlannedExamination plan;
  std::string credential;           // its kind: "an API token"
  std::vector<AskedRequest> asked;  // in their order; without one that was given up
  std::string stopped;              // why not all was asked, half a sentence; "" when it was
  std::size_t requests = 0;         // that were made, with one that was given up

  // The last request of that step; nullptr when there was none.
  const AskedRequest* Last(Step step) const;
  // It was asked for, and got no answer of 2xx.
  bool WasRefused(Step step) const;
  // All mail, 1h over 7d: at the configured path, or at the other one if only that answers.
  const AskedRequest* AllMail() const;
  // The first that was answered, whatever with.
  const AskedRequest* FirstAnswered() const;
  std::vector<const AskedRequest*> Seen() const;     // those with something seen
  std::vector<const SeenSeries*> AllSeries() const;  // of all of these
};

struct ExaminationProgress {
  std::function<void(const PlannedRequest&)> begins;
  std::function<void(const AskedRequest&)> ended;
  std::function<bool()> stopped;  // asked several times a second
};

// Blocking: at most 4 minutes.
Examination Examine(const Subject& subject, const CredentialsInUse& credentials, HttpClient& http,
                    const Clock& clock, const ExaminationProgress& progress);

}  // namespace radar_spoof
