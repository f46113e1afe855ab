#include "radar_spoof/poll/api_metrics.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <prometheus/metric_family.h>

#include "support/api_counts.h"
#include "support/golden_snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

// `label=value` of each series, or what its gauge says where it has no labels.
Strings SeriesOf(const ApiMetrics::Families& families, std::string_view name) {
  Strings found;
  for (const prometheus::MetricFamily& family : *families) {
    if (family.name != name) continue;
    for (const auto& series : family.metric) {
      std::string text;
      for (const auto& label : series.label) text += label.name + '=' + label.value + ' ';
      found.push_back(text + std::to_string(static_cast<std::int64_t>(series.gauge.value)));
    }
  }
  return found;
}

TEST_CASE("statuses stand in their order, whichever was counted first") {
  ApiMetrics metrics;
  for (const int status : {503, 429, 200, 429, 404, 0}) metrics.CountRequest(status, 1ms);
  Strings codes;
  const auto families = metrics.Collect({}, {});
  for (const auto& family : *families) {
    if (family.name != "cloudflare_radar_api_requests_total") continue;
    for (const auto& series : family.metric) codes.push_back(series.label.front().value);
  }
  CHECK(codes == Strings{"0", "200", "404", "429", "503"});
  CHECK(test::RequestsOf(metrics) ==
        std::map<int, std::uint64_t>{{0, 1}, {200, 1}, {404, 1}, {429, 2}, {503, 1}});
}

TEST_CASE("a duration is counted in the first bucket it does not pass") {
  struct Row {
    Milliseconds duration;
    std::size_t bucket;
  };
  const Row rows[] = {{0ms, 0},    {25ms, 0},    {26ms, 1},     {300ms, 4},
                      {1000ms, 5}, {20000ms, 9}, {20001ms, 10}, {1'000'000'000ms, 10}};
  for (const Row& row : rows) {
    CAPTURE(row.duration.count());
    ApiMetrics metrics;
    metrics.CountRequest(200, row.duration);
    const auto durations = test::DurationsOf(metrics);
    REQUIRE(durations.bucket.size() == kDurationBuckets.size() + 1);
    for (std::size_t i = 0; i < durations.bucket.size(); ++i) {
      CHECK(durations.bucket[i].cumulative_count == (i < row.bucket ? 0 : 1));
    }
    CHECK(durations.sample_count == 1);
    CHECK(durations.sample_sum == std::chrono::duration<double>(row.duration).count());
  }
}

TEST_CASE("a request that was dropped is counted, and has no duration") {
  ApiMetrics metrics;
  metrics.CountRequest(0, std::nullopt);
  CHECK(test::RequestsOf(metrics) == std::map<int, std::uint64_t>{{0, 1}});
  CHECK(test::DurationsOf(metrics).sample_count == 0);
}

TEST_CASE("gauges are those of the snapshot, and leave with what is no longer known") {
  const ApiMetrics metrics;
  Snapshot snapshot;
  snapshot.api.host = "h";
  snapshot.api.path = "/p";
  snapshot.api.rate_limit = {{"b", {.limit = 10, .remaining = 0, .reset = WallTime(7s)}},
                             {"a", {.limit = {}, .remaining = 3, .reset = {}}}};
  auto families = metrics.Collect(snapshot, kGoldenNow);
  CHECK(SeriesOf(families, "cloudflare_radar_api_info") == Strings{"host=h path=/p 1"});
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_limit_requests") ==
        Strings{"policy=b 10"});
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_remaining_requests") ==
        Strings{"policy=a 3", "policy=b 0"});
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_reset_timestamp_seconds") ==
        Strings{"policy=b 7"});
  // As after a reload that names another API.
  snapshot.api.host = "other";
  snapshot.api.rate_limit.erase("b");
  families = metrics.Collect(snapshot, kGoldenNow);
  CHECK(SeriesOf(families, "cloudflare_radar_api_info") == Strings{"host=other path=/p 1"});
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_limit_requests").empty());
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_remaining_requests") ==
        Strings{"policy=a 3"});
  CHECK(SeriesOf(families, "cloudflare_radar_api_ratelimit_reset_timestamp_seconds").empty());
}

TEST_CASE("what is collected stays as it was") {
  ApiMetrics metrics;
  const auto before = metrics.Collect({}, {});
  metrics.CountFailure(FailureReason::kDns);
  const auto first_count = [](const ApiMetrics::Families& families) {
    const auto found = std::ranges::find(*families, "cloudflare_radar_api_failures_total",
                                         &prometheus::MetricFamily::name);
    return found->metric.front().counter.value;  // kDns is the first of the enum
  };
  CHECK(first_count(before) == 0);
  CHECK(first_count(metrics.Collect({}, {})) == 1);
}

TEST_CASE("a collection is one moment: never more failures or durations than requests") {
  ApiMetrics metrics;
  std::atomic<bool> stop = false;
  std::thread poller([&] {
    for (int i = 0; !stop; ++i) {
      metrics.CountRequest(400 + i % 100, 1ms);
      metrics.CountFailure(FailureReason::kRejected);
    }
  });
  double requests = 0;
  for (int i = 0; i < 200 || requests == 0; ++i) {
    double failures = 0;
    double durations = 0;
    requests = 0;
    const auto families = metrics.Collect({}, {});
    for (const auto& family : *families) {
      for (const auto& series : family.metric) {
        if (family.name == "cloudflare_radar_api_requests_total") requests += series.counter.value;
        if (family.name == "cloudflare_radar_api_failures_total") failures += series.counter.value;
        durations += static_cast<double>(series.histogram.sample_count);
      }
    }
    CHECK(requests == durations);
    CHECK(requests - failures >= 0);
    CHECK(requests - failures <= 1);
  }
  stop = true;
  poller.join();
}

}  // namespace
}  // namespace radar_spoof
