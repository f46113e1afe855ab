#include "radar_spoof/poll/answer_outcome.h"

#include <algorithm>
#include <array>
#include <new>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kDetailBytes = 300;

// What the API's "aggregation interval is too low for date range" does not say.
std::string KnownToWork(const Query& query, const Failure& failure) {
  const std::string words = LowerCase(failure.detail);
  const DateRange known = KnownRange(query.agg_interval);
  if (failure.reason != FailureReason::kRejected || words.find("interval") == std::string::npos ||
      words.find("range") == std::string::npos || query.date_range.Length() <= known.Length()) {
    return "";
  }
  return fmt::format("; {} is known to work over {}", RequestName(query.agg_interval),
                     known.Text());
}

AnswerOutcome WholeFailure(Failure failure, std::size_t queries) {
  AnswerOutcome outcome;
  outcome.windows.assign(queries, std::move(failure));
  return outcome;
}

AnswerOutcome Read(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                   const HttpResponse& response, WallTime now) {
  AnswerOutcome outcome;
  auto read = ReadSharedAnswer(asked, names, response, now);
  if (read) {
    outcome.windows = std::move(read).value();
  } else {
    outcome = WholeFailure(read.error().failure, asked.size());
    outcome.form = read.error().form;
  }
  outcome.retry_after =
      ParseRetryAfter(response.Header("retry-after"), response.Header("date"), now);
  outcome.rate_limits =
      ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"));
  return outcome;
}

}  // namespace

DateRange KnownRange(AggInterval interval) {
  constexpr std::array kRanges = {"1d", "7d", "84d", "52w"};  // by AggInterval
  return DateRange::Parse(kRanges[static_cast<std::size_t>(interval)]).value();
}

AnswerOutcome OutcomeOf(std::span<const Query* const> asked, std::span<const SeriesNames> names,
                        HttpClient::Finished& finished, const Redactor& redactor, Instant now) {
  try {
    AnswerOutcome outcome;
    if (finished.result) {
      redactor.Redact(finished.result.value());
      outcome = Read(asked, names, finished.result.value(), now.wall);
    } else {
      outcome = WholeFailure(finished.result.error(), asked.size());
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto& window = outcome.windows[i];
      if (window) continue;
      Failure failure = window.error();
      failure.detail = redactor.Redacted(failure.detail) + KnownToWork(*asked[i], failure);
      failure.detail.resize(std::min(failure.detail.size(), kDetailBytes));
      window = std::move(failure);
    }
    return outcome;
  } catch (const std::bad_alloc&) {
    return WholeFailure({FailureReason::kTransport, "out of memory while reading the answer"},
                        asked.size());
  }
}

std::vector<Result<SpoofSample, Failure>> SamplesOf(
    std::span<const Query* const> asked, std::span<const Result<SpoofWindow, Failure>> windows) {
  std::vector<Result<SpoofSample, Failure>> samples;
  samples.reserve(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    using Sample = Result<SpoofSample, Failure>;
    samples.push_back(windows[i] ? Sample(JudgedSampleOf(*asked[i], windows[i].value()))
                                 : Sample(windows[i].error()));
  }
  return samples;
}

}  // namespace radar_spoof
