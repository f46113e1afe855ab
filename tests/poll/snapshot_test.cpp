#include "radar_spoof/poll/snapshot.h"

#include <algorithm>
#include <atomic>
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

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

const Instant kNow = {WallTime(1'780'000'000s), SteadyTime(1'000'000s)};

QueryState NeverAnswered() { return {test::MakeQuery("all"), {}, {}, {}, {}}; }

// Polled well `age` ago; its bucket ended `data_age` ago.
QueryState GoodFor(Milliseconds age, Milliseconds data_age = 30min) {
  QueryState state = NeverAnswered();
  const WallTime bucket_start = kNow.wall - data_age - Length(state.query.agg_interval);
  state.sample = SpoofSample{
      *Ratio::FromPercent(10), *Ratio::FromPercent(90), bucket_start, {}, {}, {}, {}, {}};
  state.last_success = kNow + -age;
  state.polls = 1;
  return state;
}

QueryState FailingFor(Milliseconds age) {
  QueryState state = GoodFor(age);
  state.last_failure = Failure(FailureReason::kServer, "HTTP 503");
  state.polls = 2;
  state.failures = 1;
  return state;
}

PollingConfig StaleAfter(int poll_intervals) {
  PollingConfig polling;
  polling.stale_after = poll_intervals;
  return polling;
}

PollingConfig WithMaxDataAge(Seconds age) {
  PollingConfig polling;
  polling.max_data_age = age;
  return polling;
}

TEST_CASE("A query that was never polled well has nothing to show") {
  QueryState never = NeverAnswered();
  CHECK_FALSE(IsFresh(never, {}, kNow));
  never.last_failure = Failure(FailureReason::kDns, "no such host");
  never.polls = never.failures = 1;
  CHECK_FALSE(IsFresh(never, {}, kNow));
}

TEST_CASE("A failing query keeps its last good values for stale_after poll intervals") {
  CHECK(IsFresh(FailingFor(0ms), {}, kNow));
  CHECK(IsFresh(FailingFor(45min), {}, kNow));
  CHECK_FALSE(IsFresh(FailingFor(45min + 1ms), {}, kNow));
  CHECK(IsFresh(FailingFor(15min), StaleAfter(1), kNow));
  CHECK_FALSE(IsFresh(FailingFor(15min + 1ms), StaleAfter(1), kNow));
}

TEST_CASE("The age of a good poll is measured in the query's own poll intervals") {
  QueryState state = FailingFor(10s);
  state.query.poll_interval = 3s;
  CHECK_FALSE(IsFresh(state, {}, kNow));
  state.query.poll_interval = 4s;
  CHECK(IsFresh(state, {}, kNow));
}

TEST_CASE("The age of a good poll is steady time: a wall clock step neither ages nor renews it") {
  QueryState young = FailingFor(1min);
  young.last_success->wall -= 24h;
  CHECK(IsFresh(young, {}, kNow));
  QueryState old = FailingFor(2h);
  old.last_success->wall = kNow.wall;
  CHECK_FALSE(IsFresh(old, {}, kNow));
}

TEST_CASE("A good query stays while its next answer is slow or polling is held") {
  QueryState state = GoodFor(30s);
  state.query.poll_interval = 1s;
  CHECK(IsFresh(state, {}, kNow));
  CHECK(IsFresh(GoodFor(16min), StaleAfter(1), kNow));
}

TEST_CASE("A good answer does not stay for ever when polling has stopped") {
  CHECK(IsFresh(GoodFor(45min + kPollGrace), {}, kNow));
  CHECK_FALSE(IsFresh(GoodFor(45min + kPollGrace + 1ms), {}, kNow));
}

TEST_CASE("Data older than max_data_age are not shown, however well the API answers") {
  CHECK(IsFresh(GoodFor(0ms, 6h), {}, kNow));
  CHECK_FALSE(IsFresh(GoodFor(0ms, 6h + 1ms), {}, kNow));
  CHECK(IsFresh(GoodFor(0ms, 40min), WithMaxDataAge(40min), kNow));
  CHECK_FALSE(IsFresh(GoodFor(0ms, 41min), WithMaxDataAge(40min), kNow));
}

TEST_CASE("By default data may be as old as the larger of 6 hours and 3 aggregation intervals") {
  CHECK(MaxDataAge(test::MakeQuery("all"), {}) == 6h);
  CHECK(MaxDataAge(test::MakeQuery("all", AggInterval::k1h), {}) == 6h);
  CHECK(MaxDataAge(test::MakeQuery("all", AggInterval::k1d), {}) == 72h);
  CHECK(MaxDataAge(test::MakeQuery("all", AggInterval::k1w), {}) == 504h);
  CHECK(MaxDataAge(test::MakeQuery("all", AggInterval::k1w), WithMaxDataAge(1h)) == 1h);
}

TEST_CASE("A bucket's age counts from its end") {
  QueryState state = GoodFor(0ms);
  state.query.agg_interval = AggInterval::k1w;
  state.sample->bucket_start = kNow.wall - 4 * 168h;
  CHECK(IsFresh(state, {}, kNow));
  state.sample->bucket_start = kNow.wall - 4 * 168h - 1ms;
  CHECK_FALSE(IsFresh(state, {}, kNow));
}

TEST_CASE("Without timestamps lastUpdated tells how old the data are") {
  QueryState state = GoodFor(0ms);
  state.sample->bucket_start.reset();
  state.sample->last_updated = kNow.wall - 6h;
  CHECK(IsFresh(state, {}, kNow));
  state.sample->last_updated = kNow.wall - 6h - 1ms;
  CHECK_FALSE(IsFresh(state, {}, kNow));
}

// Whether any value of `snapshot` may be shown.
bool AnyFresh(const Snapshot& snapshot, Instant now) {
  return std::ranges::any_of(snapshot.queries, [&](const QueryState& state) {
    return IsFresh(state, snapshot.polling, now);
  });
}

TEST_CASE("a page is good until the first of its values must leave, to the millisecond") {
  Snapshot snapshot;
  snapshot.queries = {GoodFor(0ms), FailingFor(10min), NeverAnswered(), FailingFor(46min)};
  // The second one: 3 poll intervals of 15 minutes, of which 10 minutes are over.
  CHECK(FreshUntil(snapshot, kNow).steady == kNow.steady + 35min + 1ms);
  // Each bucket ended 30 minutes ago.
  CHECK(FreshUntil(snapshot, kNow).wall == kNow.wall + 5h + 30min + 1ms);

  snapshot.queries = {FailingFor(10min)};
  const Instant until = FreshUntil(snapshot, kNow);
  CHECK(AnyFresh(snapshot, {kNow.wall, until.steady - 1ms}));
  CHECK_FALSE(AnyFresh(snapshot, {kNow.wall, until.steady}));
  CHECK(AnyFresh(snapshot, {until.wall - 1ms, kNow.steady}));
  CHECK_FALSE(AnyFresh(snapshot, {until.wall, kNow.steady}));
}

TEST_CASE("a page is good until a rate-limit hold ends") {
  Snapshot snapshot;
  snapshot.api.blocked_until = kNow + 20s;
  CHECK(FreshUntil(snapshot, kNow).steady == kNow.steady + 20s);
  snapshot.api.blocked_until = kNow;
  CHECK(FreshUntil(snapshot, kNow).steady == SteadyTime::max());
  CHECK(FreshUntil(snapshot, kNow).wall == WallTime::max());
}

TEST_CASE("lastUpdated does not make an old bucket young") {
  QueryState state = GoodFor(0ms, 7h);
  state.sample->last_updated = kNow.wall;
  CHECK_FALSE(IsFresh(state, {}, kNow));
}

}  // namespace
}  // namespace radar_spoof
