#include "radar_spoof/publish/answer_outcome.h"

#include <new>

#include "redaction.h"

namespace radar_spoof {
namespace {

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

constexpr std::size_t kDetailBytes = 300;

// Whatever of a failure's detail is from upstream goes through here.
Failure Redacted(Failure failure, const Credentials& credentials) {
  failure.detail = Redacted(failure.detail, credentials).substr(0, kDetailBytes);
  return failure;
}

AnswerOutcome WholeFailure(Failure failure, int status, std::size_t queries) {
  AnswerOutcome outcome;
  outcome.too_many_series = queries > 1 && MayBeTooManySeries(failure, status);
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
    outcome =
        WholeFailure(Redacted(read.error().failure, credentials), response.status, asked.size());
    outcome.form = read.error().form;
  }
  const auto header = [&](std::string_view name) {
    return Redacted(response.Header(name), credentials);
  };
  outcome.retry_after = ParseRetryAfter(header("retry-after"), now.wall);
  outcome.rate_limits = ParseRateLimit(header("ratelimit"), header("ratelimit-policy"));
  return outcome;
}

}  // namespace

AnswerOutcome OutcomeOf(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                        const HttpClient::Finished& finished, const Credentials& credentials,
                        Instant now) {
  if (!finished.result) {
    return WholeFailure(Redacted(finished.result.error(), credentials), 0, asked.size());
  }
  try {
    return OfAnswer(asked, names, finished.result.value(), credentials, now);
  } catch (const std::bad_alloc&) {
    const Failure failure(FailureReason::kTransport, "out of memory while reading the answer");
    return WholeFailure(failure, 0, asked.size());
  }
}

}  // namespace radar_spoof
