// What stands around every answer of the API: status, coding, JSON, and the envelope that says
// whether it is a success.
//
// Pure.
#pragma once

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/result.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

// The document's root is the object `result` of an answer that says `success`. Failures: those of
// the status, kParse, kApiError, kValidation.
Result<JsonDocument, Failure> OpenEnvelope(const HttpResponse& response);

}  // namespace radar_spoof
