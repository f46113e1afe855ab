#include "judge.h"

#include <new>

#include "redaction.h"

namespace radar_spoof {
namespace {

Result<SpoofWindow, Failure> ReadRedacted(const Query& asked, const HttpResponse& response,
                                          const Credentials& credentials, Instant now) {
  auto outcome = ReadWindow(asked, response, now.wall);
  if (outcome) return outcome;
  // The detail is made again from a body without the credential: an excerpt may have cut it.
  HttpResponse redacted = response;
  redacted.body = Redacted(std::move(redacted.body), credentials);
  const auto again = ReadWindow(asked, redacted, now.wall);
  Failure failure = outcome.error();
  failure.detail = Redacted(again ? "" : again.error().detail, credentials);
  return failure;
}

// Nothing in its failures is text from upstream.
Result<SpoofSample, Failure> NewestOf(const Query& asked,
                                      const Result<SpoofWindow, Failure>& window) {
  if (!window) return window.error();
  return SampleOf(asked, window.value());
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

WindowJudgement JudgeWindow(const Query& asked, const HttpClient::Finished& finished,
                            const Credentials& credentials, Instant now) {
  if (!finished.result) return {finished.result.error(), std::nullopt, {}};
  const HttpResponse& response = finished.result.value();
  return {ReadRedacted(asked, response, credentials, now),
          ParseRetryAfter(response.Header("retry-after"), now.wall),
          ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"))};
}

Judgement Judge(const Query& asked, const HttpClient::Finished& finished,
                const Credentials& credentials, Instant now) {
  try {
    auto [window, retry_after, rate_limits] = JudgeWindow(asked, finished, credentials, now);
    auto outcome = NewestOf(asked, window);
    PollReport report = ReportOf(asked, outcome);
    report.retry_after = retry_after;
    return {std::move(outcome), report, std::move(rate_limits)};
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return {failure, {.failure = failure.retry}, {}};
  }
}

}  // namespace radar_spoof
