#include "radar_spoof/poll/snapshot.h"

#include <atomic>
#include <numeric>
#include <thread>

#include <doctest/doctest.h>

#include "support/query_builder.h"

namespace radar_spoof::test {
namespace {

const WallTime kNow(Seconds(1'780'662'480));

Config TwoQueries() {
  auto config = ParseConfig(
      "api: { path: /radar/other }\npolling: { stale_after: 7 }\n"
      "queries: [ { name: b }, { name: a, agg_interval: 1h, date_range: 7d } ]\n",
      "test.yaml");
  REQUIRE(config.ok());
  return std::move(config).value();
}

TEST_CASE("the first snapshot knows every query and nothing about it") {
  const Snapshot first = FirstSnapshot(TwoQueries(), kNow);
  REQUIRE(first.queries.size() == 2);
  CHECK(first.queries[0].query.name == "b");
  CHECK(first.queries[1].query.name == "a");
  for (const QueryState& state : first.queries) {
    CHECK_FALSE(state.tried());
    CHECK_FALSE(state.success());
    CHECK_FALSE(state.sample);
    CHECK_FALSE(state.last_success);
    CHECK(state.next_poll == kNow);
  }
  CHECK_FALSE(first.api.up);
  CHECK(first.api.host == "api.cloudflare.com");
  CHECK(first.api.path == "/radar/other");
  CHECK(first.polling.stale_after == 7);
  CHECK(first.reload.successful);
  CHECK(first.reload.last_success == kNow);
}

TEST_CASE("a query succeeds when its last poll did, not when it ever did") {
  QueryState state{.query = MakeQuery("all"),
                   .sample = {},
                   .last_success = {},
                   .last_failure = {},
                   .next_poll = {}};
  CHECK_FALSE(state.success());
  state.last_success = Instant{kNow, SteadyTime{}};
  CHECK(state.success());
  state.last_failure = Failure(FailureReason::kServer, "x");
  CHECK_FALSE(state.success());
}

TEST_CASE("a duration is counted in the first bucket it does not pass") {
  struct Row {
    double seconds;
    std::size_t bucket;
  };
  const Row rows[] = {{0, 0},   {0.025, 0}, {0.0251, 1},  {0.3, 4},
                      {1.0, 5}, {20.0, 9},  {20.001, 10}, {1e6, 10}};
  for (const Row& row : rows) {
    CAPTURE(row.seconds);
    DurationHistogram histogram;
    histogram.Observe(row.seconds);
    CHECK(histogram.counts[row.bucket] == 1);
    CHECK(std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0U) == 1);
    CHECK(histogram.sum == row.seconds);
  }
}

TEST_CASE("what was loaded stays as it was when the next snapshot is published") {
  SnapshotStore store(FirstSnapshot(TwoQueries(), kNow));
  const auto before = store.Load();
  Snapshot next = *before;
  next.api.up = true;
  store.Publish(next);
  CHECK_FALSE(before->api.up);
  CHECK(store.Load()->api.up);
}

TEST_CASE("a change of one query leaves the others, and what was loaded, as they were") {
  SnapshotStore store(FirstSnapshot(TwoQueries(), kNow));
  const auto before = store.Load();
  QueryState changed = before->queries[1];
  changed.polls = 7;
  ApiState api = before->api;
  api.up = true;
  store.Publish({.queries = {{1, changed}}, .api = api});
  CHECK(before->queries[1].polls == 0);
  CHECK_FALSE(before->api.up);
  const auto after = store.Load();
  CHECK(after->queries[0].query.name == "b");
  CHECK(after->queries[1].polls == 7);
  CHECK(after->api.up);
  CHECK(after->polling.stale_after == 7);
}

TEST_CASE("readers on other threads only ever see whole snapshots") {
  constexpr std::uint64_t kLast = 2000;
  SnapshotStore store(FirstSnapshot(TwoQueries(), kNow));
  const std::vector<QueryState> states = store.Load()->queries;
  std::atomic<int> torn = 0;
  const auto read = [&] {
    std::uint64_t seen = 0;
    while (seen < kLast) {
      const auto snapshot = store.Load();
      const std::uint64_t polls = snapshot->queries[0].polls;
      if (snapshot->queries[1].failures != polls || polls < seen) ++torn;
      seen = polls;
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (std::uint64_t i = 1; i <= kLast; ++i) {
    QueryState first_state = states[0];
    QueryState second_state = states[1];
    first_state.polls = i;
    second_state.failures = i;
    store.Publish({.queries = {{0, first_state}, {1, second_state}}, .api = {}});
  }
  first.join();
  second.join();
  CHECK(torn == 0);
}

}  // namespace
}  // namespace radar_spoof::test
