// One query, asked once, for a person who waits.
//
// Errors: as a poll's (error.h); the detail never holds the credential.
// Blocking: for one request, or one more for each other form that the API may want it in (the
// path's other spelling, without names); each takes at most the timeout that `http` was made with.
// Nothing else is repeated: the person can do that.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

struct AnsweredQuery {
  QueryState state;       // as the exporter would hold it after this poll; with a sample
  SpoofWindow window;     // what the sample was taken from
  PollingConfig polling;  // decides what the exporter would show
  Instant received;
  std::string url;             // that was asked; holds no credential
  SeriesNames names;           // of the query's series in the answer
  bool by_legacy_key = false;  // with the legacy pair, not a token
};

Result<AnsweredQuery, Failure> Ask(const Query& query, const ApiConfig& api,
                                   const PollingConfig& polling, const Credentials& credentials,
                                   HttpClient& http, const Clock& clock);

}  // namespace radar_spoof
