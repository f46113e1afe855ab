#include "support/golden_snapshot.h"

#include <stdexcept>
#include <utility>

#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kGoldenNoon(Seconds(1'780'660'800));  // 2026-06-05T12:00:00Z

Ratio Percent(double percent) { return Ratio::FromPercent(percent).value(); }

void Accept(Query& query, Dimension dimension, std::string_view value) {
  if (!query.filters.Add(dimension, value)) throw std::logic_error("not a value of the filter");
}

QueryState WithControl() {
  QueryState state = Good("dmarc_fail", 5min);
  Accept(state.query, Dimension::kDmarc, "FAIL");
  state.query.agg_interval = AggInterval::k1h;
  state.query.date_range = DateRange::Parse("7d").value();
  state.query.control = true;
  SpoofSample& sample = *state.sample;
  sample.bucket_start = kGoldenNoon - 1h;
  sample.window = WindowStatistics{.mean = 0.125, .standard_deviation = 0.0325};
  sample.control = Percent(1.4e-05);
  sample.expectation = {.ratio = 0.125, .upper = 0.1875, .buckets_above = 2};
  sample.confidence_level = 5;
  sample.annotations[static_cast<std::size_t>(EventType::kPipeline)] = 1;
  sample.annotations[static_cast<std::size_t>(EventType::kOther)] = 2;
  return state;
}

QueryState WithOldData() {
  QueryState state = Good("data_old", 3min);
  state.sample->bucket_start = kGoldenNoon - 6h;
  state.sample->last_updated = kGoldenNoon - 6h + 15min;
  return state;
}

QueryState WithSeveralValues() {
  QueryState state = Good("several_values", 4min);
  Accept(state.query, Dimension::kDmarc, "NONE");
  Accept(state.query, Dimension::kDmarc, "FAIL");
  Accept(state.query, Dimension::kTlsVersion, "TLSv1_3");
  Accept(state.query, Dimension::kTlsVersion, "TLSv1_2");
  return state;
}

ApiState GoldenApi() {
  ApiState api;
  api.host = "api.cloudflare.com";
  api.path = "/radar/email/security/timeseries_groups/spoof";
  api.up = true;
  api.rate_limit["burst"].limit = 100;
  api.rate_limit["default"] = {.limit = 1200, .remaining = 0, .reset = kGoldenNow.wall + 30s};
  api.blocked_until = kGoldenNow + 30500ms;
  return api;
}

}  // namespace

QueryState NeverPolled(const std::string& name) { return {test::MakeQuery(name), {}, {}, {}, {}}; }

QueryState Good(const std::string& name, Milliseconds age) {
  QueryState state = NeverPolled(name);
  state.sample = SpoofSample{Percent(18.99756), Percent(81.00244), kGoldenNoon, {}, {}, {}, {}, {}};
  state.sample->last_updated = kGoldenNoon + 15min;
  state.last_success = kGoldenNow + -age;
  state.next_poll = kGoldenNow.wall + 4min + 250ms;
  state.polls = 12;
  return state;
}

QueryState Failing(const std::string& name, Milliseconds age) {
  QueryState state = Good(name, age);
  state.last_failure = Failure(FailureReason::kServer, "HTTP 503");
  state.failures = 3;
  return state;
}

Snapshot GoldenSnapshot() {
  Snapshot snapshot;
  snapshot.queries = {NeverPolled("never_polled"),
                      Good("good", 2min),
                      WithControl(),
                      Failing("failing_young", 44min),
                      Failing("failing_old", 46min),
                      WithOldData(),
                      WithSeveralValues(),
                      Good("\"quoted\" back\\slash p\xC3\xA4iv\xC3\xA4 broken \xC3(", 1min)};
  snapshot.queries[1].query.alert = {
      {}, AlertSeverity::kWarning, {{"team", "mail"}, {"tier", "\"1\" \\"}}};
  snapshot.queries[3].query.alert.severity = AlertSeverity::kNone;
  snapshot.api = GoldenApi();
  snapshot.reload.last_success = kGoldenNow.wall - 24h;
  return snapshot;
}

void CountGolden(ApiMetrics& metrics) {
  for (const auto duration : {20ms, 125ms, 250ms, 1500ms, 25000ms}) {
    metrics.CountRequest(200, duration);
  }
  // Of these the file says nothing but that they were.
  for (int i = 0; i < 36; ++i) metrics.CountRequest(200, std::nullopt);
  for (const int status : {0, 429, 429}) metrics.CountRequest(status, std::nullopt);
  for (const FailureReason reason :
       {FailureReason::kTimeout, FailureReason::kRateLimited, FailureReason::kRateLimited}) {
    metrics.CountFailure(reason);
  }
}

ProcessMetrics GoldenProcessMetrics() {
  return {.cpu_seconds = 1.25,
          .open_fds = 14,
          .max_fds = 4096,
          .virtual_memory_bytes = 123'456'789,
          .virtual_memory_max_bytes = 18'446'744'073'709'551'615U,
          .resident_memory_bytes = 9'437'184,
          .start_time = kGoldenNow.wall - 24h - 1500ms,
          .threads = 5};
}

}  // namespace radar_spoof
