// A stand-in for the Radar API's e-mail spoof endpoint: demo, tests, and rehearsal of alerts.
//
// Handle() is what HttpServer calls; nothing here knows sockets.
//
//   /client/v4/radar/email/security/timeseries_groups/spoof   the API (and .../SPOOF)
//   GET /scenario, PUT or POST /scenario/NAME, GET /requests   control, outside the API
//
// Thread rule: every function may be called from any thread. Never blocks for long: a late answer
// carries its delay in ServerResponse.delay.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"
#include "simulator/api_error.h"
#include "simulator/credential_check.h"
#include "simulator/radar_answer.h"
#include "simulator/rate_limit_block.h"
#include "simulator/request_log.h"
#include "simulator/request_parameters.h"
#include "simulator/scenario.h"

namespace radar_spoof::simulator {

// Which spellings of the dimension exist: ".../spoof" is deprecated in favour of ".../SPOOF".
enum class PathStyle { kBoth, kOld, kNew };

// How the API answers a dimension that it does not have, the other spelling of this one included:
// 400 "Invalid option for dimension."; 404 with code 7003; or 404 with one `error`. Paths of any
// other kind are 404 with code 7003.
enum class OtherDimensions { kInvalidOption, kNotFound, kError };

// What answers look like: as seen in the wild; the same without `timestamps`; or the example of the
// API reference, whatever was asked for.
enum class AnswerForm { kObserved, kWithoutTimestamps, kReference };

struct SimulatorOptions {
  Scenario scenario = Scenario::kCalm;
  DataSet data = {};
  Seconds lag{1200};  // `lastUpdated` is the quarter hour this long ago; 0 or more
  AnswerForm answer_form = AnswerForm::kObserved;
  SeriesNames series_names = SeriesNames::kHonoured;
  PathStyle path_style = PathStyle::kBoth;
  OtherDimensions other_dimensions = OtherDimensions::kInvalidOption;
  int max_series = kUsualMaxSeries;  // in one request
  int rate_limit = 1200;             // calls in five minutes; 1 or more
  Milliseconds slow_delay{10000};
  Credentials credentials;
};

class Simulator {
 public:
  // `clock` must outlive this.
  Simulator(const SimulatorOptions& options, const Clock& clock);

  ServerResponse Handle(const ServerRequest& request);

  // To switch to the scenario that already runs changes nothing.
  void Switch(Scenario scenario);
  Scenario scenario() const;

 private:
  ServerResponse HandleApi(const ServerRequest& request);
  ServerResponse AnswerApi(const ServerRequest& request, const ActiveScenario& active,
                           const RateLimitBlock::Admission& admission) const;
  ServerResponse AnswerSpoof(const ServerRequest& request, const ActiveScenario& active) const;
  ServerResponse HandleControl(const ServerRequest& request);
  ServerResponse HandleScenario(const ServerRequest& request);

  WallTime LastUpdated(const ActiveScenario& active) const;
  bool IsServed(std::string_view dimension) const;

  const SimulatorOptions options_;
  const Clock& clock_;

  mutable std::mutex mutex_;  // guards what follows
  ActiveScenario active_;
  RateLimitBlock block_;
  RequestLog log_;
};

}  // namespace radar_spoof::simulator
