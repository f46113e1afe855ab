// An HTTP answer becomes a SpoofSample, or the reason why not.
//
// The answer is validated whole, then used, or it is refused whole; of an answer for several
// queries that holds for what is common to them, and for what each of them has of its own. A status
// other than 2xx is judged by the status; its body is read only for the API's error codes.
//
// Sources: Cloudflare API reference (envelope, the series by their names, `result.meta`) and
// answers seen (which fields may be missing or null).
// Thread rule: pure.
#pragma once

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/answer_meta.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

// What one answer holds of a query: complete buckets only, which are those that ended by
// `meta.lastUpdated` and by `now`, and are not covered by a PARTIAL_PROJECTION annotation. Of
// buckets that have no place in time all are complete, but for the last where there is a
// projection. docs/adr/0017 has the reasons.
struct SpoofWindow {
  std::vector<SpoofBucket> buckets;  // oldest first, at least one; each with mail
  // The control period's; empty unless `query.control` and nothing is wrong with it.
  std::vector<SpoofBucket> control;
  Confidence confidence;
  WallTime last_updated;         // `meta.lastUpdated`
  bool placed_by_range = false;  // starts are from `meta.dateRange`, for want of timestamps
};

// Why an answer is of no use, and whether the form of its request may be to blame.
struct AnswerRefusal {
  Failure failure;
  FormProblem form = FormProblem::kNone;
};

// `response` answers the request that BuildRequest() made for `queries`, whose series it has under
// `names`; `now` is the wall clock. One window for each query, in their order.
//
// Failures of the whole beside those of the status: kParse (no JSON), kApiError (`success` is not
// true), kValidation (not the documented shape; other interval than asked; normalization other than
// PERCENTAGE; no `meta.lastUpdated` that can be believed; a series is missing). What is wrong
// within a series fails only the query it is of: kValidation (a broken bucket, more time than asked
// for), kEmpty (no complete bucket with mail). What is wrong with a control period fails nothing.
// REQUIRES: at least one query, and as many names.
Result<std::vector<Result<SpoofWindow, Failure>>, AnswerRefusal> ReadSharedAnswer(
    std::span<const Query* const> queries, std::span<const SeriesNames> names,
    const HttpResponse& response, WallTime now);

// Of the window's newest bucket.
SpoofSample SampleOf(const Query& query, const SpoofWindow& window);

// The control period's bucket that is compared with the window's newest one; nullptr when there is
// none.
const SpoofBucket* ControlBucket(const Query& query, const SpoofWindow& window);
// Whether an annotation concerns the window's newest bucket; without timestamps all do.
bool ConcernsNewest(const Query& query, const SpoofWindow& window, const Annotation& annotation);

}  // namespace radar_spoof
