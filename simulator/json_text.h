// Everything the simulator says in JSON.
//
// Shapes of the API's own answers from the Cloudflare API reference and from answers seen; the
// control endpoints' shapes are ours.
// Thread rule: pure.
#pragma once

#include "simulator/api_error.h"
#include "simulator/radar_answer.h"
#include "simulator/request_log.h"

namespace radar_spoof::simulator {

// The API: {"success":true,...} and its refusals.
std::string JsonText(const RadarAnswer& answer, bool with_timestamps);
std::string JsonText(const ApiError& error);

// GET /scenario: {"scenario":"calm","scenarios":["calm",...]}.
std::string JsonText(Scenario current);
// GET /requests: {"api_requests":3,"by_status":{"200":3},"last":{...}}; "last" is null at first.
std::string JsonText(const RequestLog& log);
// A control endpoint's refusal: {"error":"..."}.
std::string JsonErrorText(std::string_view message);

}  // namespace radar_spoof::simulator
