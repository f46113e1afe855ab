#include "shared_judge.h"

#include <algorithm>
#include <new>

#include "radar_spoof/parse/radar_response.h"
#include "radar_spoof/publish/judge.h"
#include "redaction.h"

namespace radar_spoof {
namespace {

using Outcome = Result<SpoofSample, Failure>;
using Outcomes = std::vector<Outcome>;

// As `failure`, in the words that the redacted answer is refused with.
Failure Reworded(Failure failure, const Failure* again, const Credentials& credentials) {
  failure.detail = Redacted(again == nullptr ? "" : again->detail, credentials);
  return failure;
}

Result<Outcomes, Failure> ReadRedacted(std::span<const Query* const> asked,
                                       const HttpResponse& response, const Credentials& credentials,
                                       Instant now) {
  auto read = ReadAnswers(asked, response, now.wall);
  if (read && std::all_of(read.value().begin(), read.value().end(),
                          [](const Outcome& outcome) { return outcome.ok(); })) {
    return read;
  }
  HttpResponse redacted = response;
  redacted.body = Redacted(std::move(redacted.body), credentials);
  const auto again = ReadAnswers(asked, redacted, now.wall);
  if (!read) return Reworded(read.error(), again ? nullptr : &again.error(), credentials);
  Outcomes outcomes = std::move(read).value();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i]) continue;
    const bool fails_again = again && !again.value()[i];
    outcomes[i] = Reworded(outcomes[i].error(), fails_again ? &again.value()[i].error() : nullptr,
                           credentials);
  }
  return outcomes;
}

PollReport ReportOf(const Outcome& outcome) {
  if (!outcome) return {.failure = outcome.error().retry};
  // A bucket without mail is as new as any: the schedule waits for what comes after it.
  return {.failure = {},
          .retry_after = {},
          .last_updated = outcome.value().last_updated,
          .newest_bucket_end = outcome.value().complete_until};
}

// 400 and 422 are what the API is known to say to too many series; 413 and 414 what any server
// says to what is too long. Validation: our own limits of an answer, or a series that is missing.
bool MayBeTooManySeries(const Failure& failure, int status) {
  switch (failure.reason) {
    case FailureReason::kTooLarge:
    case FailureReason::kValidation: return true;
    case FailureReason::kRejected:
      return status == 400 || status == 413 || status == 414 || status == 422;
    case FailureReason::kDns:
    case FailureReason::kConnect:
    case FailureReason::kTls:
    case FailureReason::kTimeout:
    case FailureReason::kTransport:
    case FailureReason::kRateLimited:
    case FailureReason::kUnauthorized:
    case FailureReason::kNotFound:
    case FailureReason::kServer:
    case FailureReason::kApiError:
    case FailureReason::kParse:
    case FailureReason::kEmpty: break;
  }
  return false;
}

SharedJudgement OfOne(const Query& asked, const HttpClient::Finished& finished,
                      const Credentials& credentials, Instant now) {
  auto [window, retry_after, rate_limits] = JudgeWindow(asked, finished, credentials, now);
  Outcome outcome = window ? SampleOf(asked, window.value()) : Outcome(window.error());
  PollReport report = ReportOf(outcome);
  report.retry_after = retry_after;
  return {
      .outcomes = {std::move(outcome)}, .reports = {report}, .rate_limits = std::move(rate_limits)};
}

SharedJudgement WholeFailure(const Failure& failure, int status, std::size_t queries) {
  return {.outcomes = Outcomes(queries, failure),
          .reports = std::vector<PollReport>(queries, {.failure = failure.retry}),
          .rate_limits = {},
          .too_many_series = MayBeTooManySeries(failure, status)};
}

SharedJudgement OfAnswer(std::span<const Query* const> asked, const HttpResponse& response,
                         const Credentials& credentials, Instant now) {
  auto read = ReadRedacted(asked, response, credentials, now);
  SharedJudgement shared;
  if (read) {
    shared.outcomes = std::move(read).value();
    for (const Outcome& outcome : shared.outcomes) shared.reports.push_back(ReportOf(outcome));
  } else {
    shared = WholeFailure(read.error(), response.status, asked.size());
  }
  const auto retry_after = ParseRetryAfter(response.Header("retry-after"), now.wall);
  for (PollReport& report : shared.reports) report.retry_after = retry_after;
  shared.rate_limits =
      ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"));
  return shared;
}

}  // namespace

SharedJudgement JudgeShared(std::span<const Query* const> asked,
                            const HttpClient::Finished& finished, const Credentials& credentials,
                            Instant now) {
  const bool shared = asked.size() > 1;
  if (shared && !finished.result) return WholeFailure(finished.result.error(), 0, asked.size());
  try {
    return shared ? OfAnswer(asked, finished.result.value(), credentials, now)
                  : OfOne(*asked.front(), finished, credentials, now);
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return WholeFailure(failure, 0, asked.size());
  }
}

}  // namespace radar_spoof
