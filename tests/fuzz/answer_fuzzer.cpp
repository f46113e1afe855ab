// Whatever the API answers, a poll ends in a sample within its ranges or in a printable failure,
// and /metrics stays well formed.
//
// The input reads like a reply: "STATUS INTERVAL [control | RANGE]", header lines, an empty line,
// the body.
#include <algorithm>
#include <string>
#include <string_view>

#include "radar_spoof/core/text.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/parse/json.h"
#include "radar_spoof/parse/radar_headers.h"
#include "radar_spoof/parse/radar_response.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/read_answer.h"

namespace radar_spoof::test {
namespace {

constexpr Instant kNow = {WallTime(Seconds(1'781'007'000)),  // 2026-06-09T12:10:00Z
                          SteadyTime(Seconds(1'000'000))};

Query ReadQuery(std::string_view line) {
  const auto interval = ParseAggInterval(TakeUntil(line, " "));
  return Query{.name = "fuzzed",
               .filters = {},
               .agg_interval = interval.value_or(AggInterval::k1h),
               .date_range = DateRange::Parse(line).value_or(DateRange::Parse("7d").value()),
               .control = line == "control",
               .poll_interval = Seconds(3600)};
}

HttpResponse ReadResponse(std::string_view status, std::string_view rest) {
  HttpResponse response;
  for (const char c : status.substr(0, 3)) {
    if (c >= '0' && c <= '9') response.status = response.status * 10 + (c - '0');
  }
  for (std::string_view line = TakeUntil(rest, "\n"); !line.empty(); line = TakeUntil(rest, "\n")) {
    const std::string_view name = TakeUntil(line, ": ");
    response.headers.emplace_back(name, line);
  }
  response.body = rest;
  return response;
}

void CheckFailure(const Failure& failure) {
  Require(!failure.detail.empty() && failure.detail.size() <= 300);
  for (const char c : failure.detail) Require(c >= 0x20 && c < 0x7f);
}

void CheckRatio(double ratio) { Require(ratio >= 0 && ratio <= 1); }

void CheckExpectation(const SpoofSample& sample, AggInterval interval) {
  if (!sample.expectation) return;
  const Expectation& expectation = *sample.expectation;
  CheckRatio(expectation.ratio);
  CheckRatio(expectation.upper);
  Require(expectation.ratio <= expectation.upper);
  const bool is_above = sample.spoof.value() > expectation.upper;
  Require(is_above ? expectation.buckets_above > 0 : expectation.buckets_above == 0);
  Require(expectation.buckets_above <= static_cast<int>(LongestRun(interval)));
}

void CheckSample(const SpoofSample& sample, const Query& query) {
  CheckRatio(sample.spoof.value());
  CheckRatio(sample.not_spoof.value());
  const double sum = sample.spoof.value() + sample.not_spoof.value();
  Require(sum > 0 && sum < 1.00011);
  if (sample.window) {
    CheckRatio(sample.window->mean);
    CheckRatio(sample.window->standard_deviation);
  }
  if (sample.control) CheckRatio(sample.control->value());
  Require(query.control || !sample.control);
  CheckExpectation(sample, query.agg_interval);
  if (sample.confidence_level) {
    Require(*sample.confidence_level >= 1 && *sample.confidence_level <= 5);
  }
  Require(sample.last_updated <= kNow.wall + Seconds(3600));
  if (!sample.bucket_start) return;
  const Seconds interval = Length(query.agg_interval);
  Require(FloorTo(*sample.bucket_start, interval) == *sample.bucket_start);
  Require(*sample.bucket_start + interval <= std::min(kNow.wall, sample.last_updated));
}

// As if the request had been for two queries, the first without its control period.
void CheckShared(const Query& query, const HttpResponse& response) {
  Query alone = query;
  alone.control = false;
  const Query* const asked[] = {&alone, &query};
  const SeriesNames names[] = {{"s0", "c0"}, {"s1", "c1"}};
  const auto windows = ReadSharedAnswer(asked, names, response, kNow.wall);
  if (!windows) return CheckFailure(windows.error().failure);
  Require(windows.value().size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& window = windows.value()[i];
    if (!window) {
      CheckFailure(window.error());
      continue;
    }
    CheckSample(JudgedSampleOf(*asked[i], window.value()), *asked[i]);
  }
}

void CheckPage(const std::string& page) {
  Require(page.ends_with('\n'));
  for (const std::string_view wrong : {"nan", "NaN", " inf", " -inf", "\n\n"}) {
    Require(page.find(wrong) == std::string::npos);
  }
  std::string quoted = "\"";
  for (const char c : page) {
    if (c != '"' && c != '\\' && c != '\n') quoted += c;
  }
  Require(ParseJson(quoted + '"').ok());  // valid UTF-8 without control characters
}

}  // namespace

FUZZ_TARGET(answer) {
  std::string_view rest = input;
  std::string_view first = TakeUntil(rest, "\n");
  const std::string_view status = TakeUntil(first, " ");
  const Query query = ReadQuery(first);
  const HttpResponse response = ReadResponse(status, rest);
  (void)ParseRetryAfter(response.Header("retry-after"), response.Header("date"), kNow.wall);

  QueryState state{query, {}, {}, {}, {}};
  state.polls = 1;
  state.next_poll = kNow.wall;
  const auto window = ReadWindow(query, response, kNow.wall);
  if (window) {
    state.sample = JudgedSampleOf(query, window.value());
    CheckSample(*state.sample, query);
    state.last_success = kNow;
  } else {
    CheckFailure(window.error());
    state.last_failure = window.error();
    state.failures = 1;
  }

  CheckShared(query, response);

  Snapshot snapshot;
  snapshot.queries = {std::move(state)};
  snapshot.polling.max_data_age = Seconds(400 * 86'400);
  ApiMetrics metrics;
  metrics.CountRequest(response.status, std::nullopt);
  for (const auto& [name, header] :
       ParseRateLimit(response.Header("ratelimit"), response.Header("ratelimit-policy"))) {
    RateLimitPolicy& policy = snapshot.api.rate_limit[name];
    policy.limit = header.quota;
    policy.remaining = header.remaining;
    if (header.reset_in) policy.reset = kNow.wall + *header.reset_in;
  }
  for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
    CheckPage(RenderWithoutProcess(snapshot, metrics, kNow, format) + RenderProcess({}, format));
  }
}

}  // namespace radar_spoof::test
