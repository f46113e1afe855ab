#include "radar_spoof/poll/answer_outcome.h"

#include <new>

#include "redaction.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kDetailBytes = 300;

// Whatever of a failure's detail is from upstream goes through here.
Failure Redacted(Failure failure, const Credentials& credentials) {
  failure.detail = Redacted(failure.detail, credentials).substr(0, kDetailBytes);
  return failure;
}

AnswerOutcome WholeFailure(Failure failure, std::size_t queries) {
  AnswerOutcome outcome;
  outcome.windows.assign(queries, std::move(failure));
  return outcome;
}

AnswerOutcome OfAnswer(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                       const HttpResponse& response, const Credentials& credentials, Instant now) {
  AnswerOutcome outcome;
  auto read = ReadAnswers(asked, names, response, now.wall);
  if (read) {
    outcome.windows = std::move(read).value();
    for (auto& window : outcome.windows) {
      if (!window) window = Redacted(window.error(), credentials);
    }
  } else {
    outcome = WholeFailure(Redacted(read.error().failure, credentials), asked.size());
    outcome.form = read.error().form;
  }
  const auto header = [&](std::string_view name) {
    return Redacted(response.Header(name), credentials);
  };
  outcome.retry_after =
      ParseRetryAfter(response.Header("retry-after"), response.Header("date"), now.wall);
  outcome.rate_limits = ParseRateLimit(header("ratelimit"), header("ratelimit-policy"));
  return outcome;
}

}  // namespace

AnswerOutcome OutcomeOf(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                        const HttpClient::Finished& finished, const Credentials& credentials,
                        Instant now) {
  if (!finished.result) {
    return WholeFailure(Redacted(finished.result.error(), credentials), asked.size());
  }
  try {
    return OfAnswer(asked, names, finished.result.value(), credentials, now);
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return WholeFailure(failure, asked.size());
  }
}

}  // namespace radar_spoof
