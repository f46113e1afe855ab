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

PollReport ReportOf(const Query& asked, const Outcome& outcome) {
  if (!outcome) {
    return {.failure = outcome.error().retry, .fewer_series = outcome.error().fewer_series};
  }
  PollReport report;
  report.last_updated = outcome.value().last_updated;
  if (const auto start = outcome.value().bucket_start) {
    report.newest_bucket_end = *start + Length(asked.agg_interval);
  }
  return report;
}

SharedJudgement OfOne(const Query& asked, const HttpClient::Finished& finished,
                      const Credentials& credentials, Instant now) {
  auto [window, retry_after, rate_limits] = JudgeWindow(asked, finished, credentials, now);
  // Nothing in the failures of SampleOf is text from upstream.
  Outcome outcome = window ? SampleOf(asked, window.value()) : Outcome(window.error());
  PollReport report = ReportOf(asked, outcome);
  report.retry_after = retry_after;
  return {
      .outcomes = {std::move(outcome)}, .reports = {report}, .rate_limits = std::move(rate_limits)};
}

SharedJudgement WholeFailure(const Failure& failure, std::size_t queries) {
  const PollReport report{.failure = failure.retry, .fewer_series = failure.fewer_series};
  return {.outcomes = Outcomes(queries, failure),
          .reports = std::vector<PollReport>(queries, report),
          .rate_limits = {}};
}

SharedJudgement OfAnswer(std::span<const Query* const> asked, const HttpResponse& response,
                         const Credentials& credentials, Instant now) {
  auto read = ReadRedacted(asked, response, credentials, now);
  SharedJudgement shared;
  if (read) {
    shared.outcomes = std::move(read).value();
    for (std::size_t i = 0; i < asked.size(); ++i) {
      shared.reports.push_back(ReportOf(*asked[i], shared.outcomes[i]));
    }
  } else {
    shared = WholeFailure(read.error(), asked.size());
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
  if (shared && !finished.result) return WholeFailure(finished.result.error(), asked.size());
  try {
    return shared ? OfAnswer(asked, finished.result.value(), credentials, now)
                  : OfOne(*asked.front(), finished, credentials, now);
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return WholeFailure(failure, asked.size());
  }
}

}  // namespace radar_spoof
