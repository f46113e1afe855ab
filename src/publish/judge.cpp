#include "judge.h"

#include <new>

#include "radar_spoof/parse/radar_response.h"
#include "redaction.h"

namespace radar_spoof {
namespace {

Result<SpoofSample, Failure> ReadRedacted(const Query& asked, const HttpResponse& response,
                                          const Credentials& credentials, Instant now) {
  auto outcome = ReadAnswer(asked, response, now.wall);
  if (outcome) return outcome;
  // The detail is made again from a body without the credential: an excerpt may have cut it.
  HttpResponse redacted = response;
  redacted.body = Redacted(std::move(redacted.body), credentials);
  const auto again = ReadAnswer(asked, redacted, now.wall);
  Failure failure = outcome.error();
  failure.detail = Redacted(again ? "" : again.error().detail, credentials);
  return failure;
}

PollReport ReportOf(const Query& asked, const Result<SpoofSample, Failure>& outcome) {
  PollReport report;
  if (!outcome) {
    report.failure = outcome.error().retry;
    return report;
  }
  report.last_updated = outcome.value().last_updated;
  if (const auto start = outcome.value().bucket_start) {
    report.newest_bucket_end = *start + Length(asked.agg_interval);
  }
  return report;
}

}  // namespace

Judgement Judge(const Query& asked, const HttpClient::Finished& finished,
                const Credentials& credentials, Instant now) {
  if (!finished.result) {
    const Failure& failure = finished.result.error();
    return {failure, {.failure = failure.retry}, {}};
  }
  const HttpResponse& response = finished.result.value();
  try {
    auto outcome = ReadRedacted(asked, response, credentials, now);
    PollReport report = ReportOf(asked, outcome);
    report.retry_after = ParseRetryAfter(response.Header("retry-after"), now.wall);
    return {std::move(outcome), report,
            ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"))};
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return {failure, {.failure = failure.retry}, {}};
  }
}

}  // namespace radar_spoof
