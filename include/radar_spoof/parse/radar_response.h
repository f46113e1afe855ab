// Parse: an HTTP answer becomes a SpoofSample, or the reason why not.
//
// The answer is validated whole, then used, or it is refused whole. A status other than 2xx is
// judged by the status; its body is read only for the API's error codes.
//
// Used by: the poller; the fuzzer. Sources: Cloudflare API reference (envelope, `result.serie_0`,
// `result.meta`) and answers seen (which fields may be missing or null).
// Thread rule: pure.
#pragma once

#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/words/error.h"
#include "radar_spoof/words/result.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

// `response` answers the request that BuildRequest() made for `query`; `now` is the wall clock.
//
// The sample is of the newest complete bucket: one that ended by `meta.lastUpdated` (when given)
// and by `now`, and is not covered by a PARTIAL_PROJECTION annotation. Without timestamps the last
// element is it.
//
// Failures beside those of the status: kParse (no JSON), kApiError (`success` is not true),
// kValidation (not the documented shape; other interval than asked; normalization other than
// PERCENTAGE; a bad value), kEmpty (no complete bucket).
Result<SpoofSample, Failure> ReadAnswer(const Query& query, const HttpResponse& response,
                                        WallTime now);

}  // namespace radar_spoof
