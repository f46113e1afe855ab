#include "radar_spoof/publish/judge.h"

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

}  // namespace

WindowJudgement JudgeWindow(const Query& asked, const HttpClient::Finished& finished,
                            const Credentials& credentials, Instant now) {
  if (!finished.result) return {finished.result.error(), std::nullopt, {}};
  const HttpResponse& response = finished.result.value();
  return {ReadRedacted(asked, response, credentials, now),
          ParseRetryAfter(response.Header("retry-after"), now.wall),
          ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"))};
}

}  // namespace radar_spoof
