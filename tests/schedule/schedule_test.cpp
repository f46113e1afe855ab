// What the schedule decides after each kind of outcome. Times are seconds after a quarter hour that
// is also a full hour, a midnight and a Monday, unless a test says otherwise.
#include "radar_spoof/schedule/schedule.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::MakeQuery;

// 2026-06-08T00:00:00Z, a Monday.
constexpr WallTime kMidnight{Seconds(1'780'876'800)};

class Rig {
 public:
  explicit Rig(std::vector<Query> queries, ApiConfig api = {}, PollingConfig polling = {})
      : schedule(api, polling, std::move(queries), 1) {}

  // Runs the clock to the next start, at most `longest`; how long that took, or nullopt.
  std::optional<Milliseconds> UntilNextStart(Milliseconds longest = 2000h) {
    const SteadyTime begin = now.steady;
    while (now.steady - begin <= longest) {
      Start();
      if (started) return now.steady - begin;
      const SteadyTime wake = schedule.WakeAt(now);
      if (wake == SteadyTime::max()) return std::nullopt;
      Pass(std::max(wake - now.steady, Milliseconds(1)));
    }
    return std::nullopt;
  }

  void Start() {
    const auto queries = schedule.StartNext(now);
    started = queries ? std::optional(queries->front()) : std::nullopt;
  }

  void Pass(Milliseconds time) { now = now + time; }

  // A good answer whose data reach to `lag` ago, on quarter hours.
  void AnswerWell(Seconds lag = 20min) {
    const WallTime reach = FloorTo(now.wall - lag, 15min);
    schedule.Record(*started, {.last_updated = reach}, now);
  }

  void Fail(RetryClass retry, std::optional<Seconds> retry_after = {}) {
    schedule.Record(*started, {.failure = retry, .retry_after = retry_after}, now);
  }

  Schedule schedule;
  Instant now{kMidnight + 7min, SteadyTime(500s)};
  std::optional<std::size_t> started;
};

std::vector<Query> Queries(int count) {
  std::vector<Query> queries;
  queries.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) queries.push_back(MakeQuery("q" + std::to_string(i)));
  return queries;
}

TEST_CASE("every query is due at start, in the order of the configuration") {
  Rig rig({MakeQuery("a"), MakeQuery("b"), MakeQuery("c", AggInterval::k1w, "52w")});
  for (const std::size_t expected : {0U, 1U, 2U})
    CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{expected});
  CHECK_FALSE(rig.schedule.StartNext(rig.now).has_value());
}

TEST_CASE("no more polls than max_concurrency are in flight, and ending one frees its place") {
  ApiConfig api;
  api.max_concurrency = 2;
  Rig rig({MakeQuery("a"), MakeQuery("b"), MakeQuery("c")}, api);
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{0});
  rig.Start();
  CHECK(rig.started == 1U);
  CHECK_FALSE(rig.schedule.StartNext(rig.now).has_value());
  CHECK(rig.schedule.WakeAt(rig.now) == SteadyTime::max());
  rig.AnswerWell();
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{2});
}

TEST_CASE("without a good answer a query is polled at its boundary plus settle plus a spread") {
  struct Case {
    AggInterval interval;
    WallTime boundary;
  };
  for (const Case& c :
       {Case{AggInterval::k15m, kMidnight + 15min}, {AggInterval::k1h, kMidnight + 1h}}) {
    CAPTURE(RequestName(c.interval));
    Rig rig({MakeQuery("all", c.interval)});
    CHECK(rig.UntilNextStart() == 0ms);
    rig.schedule.Record(0, {.failure = RetryClass::kNextSlot}, rig.now);
    rig.UntilNextStart();
    CHECK(rig.now.wall >= c.boundary + 2min);
    CHECK(rig.now.wall <= c.boundary + 2min + 20s);
  }
}

TEST_CASE("the spread is the same after every start, and differs between names") {
  const auto first_slot = [](const std::string& name) {
    Rig rig({MakeQuery(name)});
    rig.UntilNextStart();
    rig.schedule.Record(0, {.failure = RetryClass::kNextSlot}, rig.now);
    rig.UntilNextStart();
    return rig.now.wall;
  };
  CHECK(first_slot("all") == first_slot("all"));
  CHECK(first_slot("all") != first_slot("dmarc_fail"));
}

TEST_CASE("a poll interval shorter than the aggregation interval is a plain grid") {
  Query query = MakeQuery("all", AggInterval::k1h, "7d");
  query.poll_interval = 60s;
  Rig rig({query});
  rig.UntilNextStart();
  rig.AnswerWell();
  rig.UntilNextStart();
  for (int i = 0; i < 5; ++i) {
    rig.AnswerWell();
    CHECK(rig.UntilNextStart() == 60s);
  }
}

TEST_CASE("an answer without the awaited bucket is asked again soon, with growing delays") {
  Rig rig({MakeQuery("all", AggInterval::k1h, "7d")});
  rig.UntilNextStart();
  rig.AnswerWell(5min);
  rig.UntilNextStart();
  const WallTime first_ask = rig.now.wall;
  CHECK(first_ask < kMidnight + 1h + 20min);
  Milliseconds previous{0};
  for (int i = 0; i < 8; ++i) {
    rig.AnswerWell(Seconds(3h));
    const auto delay = rig.UntilNextStart();
    CHECK(*delay >= 30s);
    CHECK(*delay <= 10min);
    previous = *delay;
  }
  CHECK(previous > 90s);
}

TEST_CASE("a transient failure is retried twice within seconds, then with growing delays") {
  Rig rig({MakeQuery("all", AggInterval::k1d, "7d")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kTransient);
  CHECK(*rig.UntilNextStart() <= 1s);
  rig.Fail(RetryClass::kTransient);
  CHECK(*rig.UntilNextStart() <= 2s);
  rig.Fail(RetryClass::kTransient);
  const auto third = *rig.UntilNextStart();
  CHECK(third >= 15s);
  CHECK(third <= 30s);
}

TEST_CASE("retries are at most 3 an hour while little else is asked") {
  PollingConfig patient;
  patient.retry_max = 20min;
  Rig rig({MakeQuery("all", AggInterval::k1d, "7d")}, {}, patient);
  rig.UntilNextStart();
  const SteadyTime begin = rig.now.steady;
  int polls = 0;
  while (rig.now.steady - begin < 5h) {
    rig.Fail(RetryClass::kTransient);
    rig.UntilNextStart();
    ++polls;
  }
  CHECK(polls <= 5 * 3 + 3);
  CHECK(polls >= 5 * 3 - 1);
}

TEST_CASE("in an outage some query is asked in each retry_max, and all of them no more often") {
  Rig rig({MakeQuery("a", AggInterval::k1d, "7d"), MakeQuery("b", AggInterval::k1d, "8d"),
           MakeQuery("c", AggInterval::k1w, "9d")});
  for (int first = 0; first < 3; ++first) {
    rig.UntilNextStart();
    rig.Fail(RetryClass::kTransient);
  }
  const SteadyTime begin = rig.now.steady;
  int retries = 0;
  while (rig.now.steady - begin < 5h) {
    const auto gap = rig.UntilNextStart();
    REQUIRE(gap.has_value());
    CHECK(*gap <= 5min);
    rig.Fail(RetryClass::kTransient);
    ++retries;
  }
  CHECK(retries <= 3 + 5 * 12 + 1);
}

TEST_CASE("after an outage one good answer brings every query that failed back at once") {
  Rig rig({MakeQuery("a", AggInterval::k1d, "7d"), MakeQuery("b", AggInterval::k1d, "8d"),
           MakeQuery("c", AggInterval::k1w, "9d")});
  for (int failure = 0; failure < 9; ++failure) {
    rig.UntilNextStart();
    rig.Fail(RetryClass::kTransient);
  }
  rig.UntilNextStart();
  rig.AnswerWell();
  for (int other = 0; other < 2; ++other) {
    CHECK(*rig.UntilNextStart() <= 1s);
    rig.AnswerWell();
  }
  CHECK(*rig.UntilNextStart() > 1h);
}

TEST_CASE("a query that fails for itself is not asked with every good answer of another") {
  Rig rig({MakeQuery("broken", AggInterval::k1d, "7d"), MakeQuery("well")});
  int broken = 0;
  const SteadyTime begin = rig.now.steady;
  while (rig.now.steady - begin < 6h) {
    rig.UntilNextStart();
    if (*rig.started == 1) {
      rig.AnswerWell();
      continue;
    }
    rig.Fail(RetryClass::kTransient);
    ++broken;
  }
  CHECK(broken <= 6 * 12 + 6 * 4 + 4);
}

TEST_CASE("what is failing in another way has the quick retry of that way") {
  Rig rig({MakeQuery("all", AggInterval::k1d, "7d")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kTransient);
  rig.UntilNextStart();
  rig.Fail(RetryClass::kCredentials);
  CHECK(*rig.UntilNextStart() <= 1s);
  rig.Fail(RetryClass::kCredentials);
  CHECK(*rig.UntilNextStart() == 15min);
  rig.Fail(RetryClass::kTransientOnce);
  CHECK(*rig.UntilNextStart() <= 1s);
}

TEST_CASE("where the next slot is days away, what no quick retry helps is tried again in an hour") {
  for (const RetryClass failure : {RetryClass::kNextSlot, RetryClass::kTransientOnce}) {
    Rig rig({MakeQuery("all", AggInterval::k1w, "52w")});
    rig.UntilNextStart();
    rig.Fail(failure);
    rig.UntilNextStart();
    rig.Fail(failure);
    CHECK(*rig.UntilNextStart() == 1h);
  }
}

TEST_CASE("a Retry-After on a server failure is waited out though a slot comes sooner") {
  Query query = MakeQuery("all");
  query.poll_interval = 10s;
  Rig rig({query});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kTransient, 30s);
  CHECK(*rig.UntilNextStart() >= 30s);
  rig.AnswerWell();
  CHECK(*rig.UntilNextStart() <= 11s);
}

TEST_CASE("a failure that a retry cannot help waits for the next slot") {
  Rig rig({MakeQuery("all")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kNextSlot);
  rig.UntilNextStart();
  CHECK(rig.now.wall >= kMidnight + 15min + 2min);
  rig.Fail(RetryClass::kNextSlot);
  CHECK(rig.UntilNextStart() == 15min);
}

TEST_CASE("a broken answer is retried once") {
  Rig rig({MakeQuery("all", AggInterval::k1d, "7d")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kTransientOnce);
  CHECK(*rig.UntilNextStart() <= 1s);
  rig.Fail(RetryClass::kTransientOnce);
  CHECK(*rig.UntilNextStart() == 1h);
}

TEST_CASE("a Retry-After on a server failure is waited out") {
  Rig rig({MakeQuery("all", AggInterval::k1d, "7d")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kTransient, 120s);
  CHECK(rig.UntilNextStart() == 120s);
}

TEST_CASE("refused credentials: one quick retry, then every 15 minutes, or when they change") {
  Rig rig({MakeQuery("all")});
  rig.UntilNextStart();
  rig.Fail(RetryClass::kCredentials);
  CHECK(*rig.UntilNextStart() <= 1s);
  CHECK_FALSE(rig.schedule.HasRefused());
  rig.Fail(RetryClass::kCredentials);
  CHECK(rig.schedule.HasRefused());
  CHECK(rig.UntilNextStart() == 15min);
  rig.Fail(RetryClass::kCredentials);
  rig.Pass(10s);
  rig.schedule.ReleaseRefused(rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
}

TEST_CASE("one good answer frees the queries that were refused by mistake, once each") {
  Rig rig({MakeQuery("refused"), MakeQuery("good")});
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{0});
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{1});
  const PollReport refusal{.failure = RetryClass::kCredentials};
  rig.schedule.Record(0, refusal, rig.now);
  rig.UntilNextStart();
  rig.schedule.Record(0, refusal, rig.now);
  CHECK(rig.schedule.NextPoll(0, rig.now) == rig.now.wall + 15min);

  rig.schedule.Record(1, {.last_updated = kMidnight}, rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
  CHECK(rig.started == 0U);
  rig.schedule.Record(0, refusal, rig.now);
  const WallTime refused_until = rig.schedule.NextPoll(0, rig.now);
  rig.UntilNextStart();
  CHECK(rig.started == 1U);
  rig.schedule.Record(1, {.last_updated = kMidnight}, rig.now);
  CHECK(rig.schedule.NextPoll(0, rig.now) == refused_until);
}

TEST_CASE("a 429 holds every query for as long as asked, clamped, and 300 s without a header") {
  struct Case {
    std::optional<Seconds> retry_after;
    Milliseconds at_least;
  };
  for (const Case& c : {Case{30s, 30s},
                        {std::nullopt, 300s},
                        {Seconds(-5), 1s},
                        {0s, 1s},
                        {Seconds::max(), 900s}}) {
    CAPTURE(c.at_least.count());
    Rig rig({MakeQuery("a"), MakeQuery("b")}, [] {
      ApiConfig api;
      api.max_concurrency = 1;
      return api;
    }());
    rig.UntilNextStart();
    rig.Fail(RetryClass::kThrottled, c.retry_after);
    const auto held = rig.UntilNextStart();
    CHECK(*held >= c.at_least);
    CHECK(*held <= c.at_least * 21 / 20 + 100ms);
    CHECK(rig.schedule.held_until()->steady <= rig.now.steady);
  }
}

TEST_CASE("what was missed while the machine slept is made up once") {
  Rig rig({MakeQuery("all")});
  for (int i = 0; i < 5; ++i) {
    rig.UntilNextStart();
    rig.AnswerWell();
  }
  // Suspended for 10 hours: the steady clock stood still.
  rig.now.wall += 10h;
  CHECK(*rig.UntilNextStart() <= 1min);
  rig.AnswerWell();
  CHECK(*rig.UntilNextStart() >= 1min);
}

TEST_CASE("a step of the wall clock makes what failed due at once, a small one does not") {
  for (const RetryClass failure : {RetryClass::kNextSlot, RetryClass::kTransient,
                                   RetryClass::kTransientOnce, RetryClass::kCredentials}) {
    Rig rig({MakeQuery("all", AggInterval::k1d, "7d")});
    for (int i = 0; i < 4; ++i) {
      rig.UntilNextStart();
      rig.Fail(failure);
    }
    rig.now.wall += 30s;
    CHECK(rig.schedule.WakeAt(rig.now) > rig.now.steady);
    rig.now.wall += 2min;
    CHECK(rig.UntilNextStart() == 0ms);
  }
}

TEST_CASE("a wall clock that steps a day back does not stop polling") {
  Rig rig({MakeQuery("all")});
  for (int i = 0; i < 5; ++i) {
    rig.UntilNextStart();
    rig.AnswerWell();
  }
  rig.now.wall -= 24h;
  CHECK(*rig.UntilNextStart() <= 30min);
}

TEST_CASE("few requests left by the API's own count are spread until its reset") {
  ApiConfig api;
  Rig rig({MakeQuery("a"), MakeQuery("b"), MakeQuery("c")}, api);
  rig.UntilNextStart();
  rig.schedule.ObserveRateLimit(0, "default", 2, 30s, rig.now);
  CHECK(rig.UntilNextStart() == 10s);
  CHECK(rig.UntilNextStart() == 10s);
}

TEST_CASE("plenty of requests left slow nothing down") {
  Rig rig({MakeQuery("a"), MakeQuery("b")});
  rig.UntilNextStart();
  rig.schedule.ObserveRateLimit(0, "default", 1190, 300s, rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
}

TEST_CASE("of several policies the strictest holds, and none of them is overspent") {
  Rig rig(Queries(40));
  rig.UntilNextStart();
  const SteadyTime answered = rig.now.steady;
  rig.schedule.ObserveRateLimit(*rig.started, "burst", 0, 60s, rig.now);
  rig.schedule.ObserveRateLimit(*rig.started, "default", 15, 300s, rig.now);
  CHECK(*rig.UntilNextStart() >= 60s);
  int sent = 0;
  for (; rig.now.steady - answered < 300s; rig.UntilNextStart()) {
    ++sent;
    rig.AnswerWell();
  }
  CHECK(sent <= 15);
  CHECK(sent >= 14);
}

TEST_CASE("what is left is counted from the request that was answered, whatever is in flight") {
  ApiConfig api;
  api.max_concurrency = 10;
  Rig rig(Queries(40), api);
  for (int i = 0; i < 10; ++i) CHECK(rig.UntilNextStart() == 0ms);
  // The first of ten is answered; the API had not counted the other nine.
  rig.schedule.ObserveRateLimit(0, "default", 9, 100s, rig.now);
  rig.schedule.Record(0, {.last_updated = kMidnight}, rig.now);
  CHECK(*rig.UntilNextStart() >= 100s);
}

TEST_CASE("an answer that was overtaken does not loosen what a later one said") {
  ApiConfig api;
  Rig rig(Queries(40), api);
  rig.UntilNextStart();
  rig.UntilNextStart();
  rig.schedule.ObserveRateLimit(1, "default", 0, 60s, rig.now);
  rig.schedule.ObserveRateLimit(0, "default", 100, 60s, rig.now);
  CHECK(*rig.UntilNextStart() >= 60s);
}

TEST_CASE("a later answer that says all is well lifts the limit, one that says nothing does not") {
  Rig rig(Queries(3));
  rig.UntilNextStart();
  rig.UntilNextStart();
  rig.schedule.ObserveRateLimit(0, "default", 0, 60s, rig.now);
  CHECK(rig.schedule.WakeAt(rig.now) >= rig.now.steady + 60s);
  rig.schedule.ObserveRateLimit(1, "other", 100, 60s, rig.now);
  CHECK(rig.schedule.WakeAt(rig.now) >= rig.now.steady + 60s);
  rig.schedule.ObserveRateLimit(1, "default", 100, 60s, rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
}

TEST_CASE("a reset is believed for 15 minutes, and policies beyond sixteen are not") {
  Rig rig(Queries(3));
  rig.UntilNextStart();
  for (int i = 0; i < 100; ++i) {
    rig.schedule.ObserveRateLimit(0, "policy" + std::to_string(i), 1000, 24h, rig.now);
  }
  rig.schedule.ObserveRateLimit(0, "policy100", 0, 24h, rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
  rig.schedule.ObserveRateLimit(1, "policy1", 0, 24h, rig.now);
  CHECK(rig.UntilNextStart() == 15min);
}

TEST_CASE("another API has its own limits") {
  Rig rig({MakeQuery("a"), MakeQuery("b")});
  rig.UntilNextStart();
  rig.schedule.ObserveRateLimit(0, "default", 0, 300s, rig.now);
  rig.Fail(RetryClass::kThrottled, 900s);
  rig.schedule.Reconfigure({}, {}, {MakeQuery("a"), MakeQuery("b")});
  CHECK(rig.schedule.WakeAt(rig.now) >= rig.now.steady + 900s);
  rig.schedule.ForgetApi();
  CHECK(rig.UntilNextStart() == 0ms);
}

TEST_CASE("what is released from outside is not held back by an outage") {
  Rig rig(Queries(30));
  for (int i = 0; i < 60; ++i) {
    rig.UntilNextStart();
    rig.Fail(RetryClass::kTransient);
  }
  CHECK(rig.schedule.WakeAt(rig.now) > rig.now.steady + 10s);
  rig.schedule.ReleaseFailed(rig.now);
  CHECK(*rig.UntilNextStart() <= 1s);
}

TEST_CASE("a plan that just fits rate_limit is sent whole") {
  auto queries = Queries(600);
  for (Query& query : queries) {
    query.agg_interval = AggInterval::k1h;
    query.poll_interval = 300s;
  }
  Rig rig(std::move(queries));
  const SteadyTime begin = rig.now.steady;
  int sent = 0;
  for (; rig.now.steady - begin < 24h; rig.UntilNextStart()) {
    if (rig.started) rig.AnswerWell();
    ++sent;
  }
  CHECK(sent >= 288 * 599);
}

TEST_CASE("holds that follow each other grow, and then only slots are asked") {
  for (const AggInterval interval : {AggInterval::k15m, AggInterval::k1d}) {
    Rig rig({MakeQuery("all", interval)});
    rig.UntilNextStart();
    rig.Fail(RetryClass::kThrottled, 1s);
    CHECK(*rig.UntilNextStart() <= 1050ms);
    rig.Fail(RetryClass::kThrottled, 1s);
    const auto second = *rig.UntilNextStart();
    CHECK(second >= 300s);
    CHECK(second <= 315s);
    for (int i = 0; i < 5; ++i) {
      rig.Fail(RetryClass::kThrottled, 1s);
      const auto next = *rig.UntilNextStart();
      CHECK(next >= 900s);
      CHECK(next <= 1h);
    }
    rig.AnswerWell();
    rig.UntilNextStart();
    rig.Fail(RetryClass::kThrottled, 1s);
    CHECK(*rig.UntilNextStart() <= 1050ms);
  }
}

TEST_CASE("thousands of queries are freed after refused credentials at no more than linear cost") {
  const auto cost = [](int count) {
    ApiConfig api;
    api.rate_limit = 1'000'000;
    api.max_concurrency = 10'000;
    Rig rig(Queries(count), api);
    for (int round = 0; round < 2; ++round) {
      while (const auto started = rig.schedule.StartNext(rig.now)) {
        const std::size_t query = started->front();
        rig.schedule.Record(query, {.failure = RetryClass::kCredentials}, rig.now);
      }
      rig.Pass(1h);
    }
    rig.schedule.ReleaseRefused(rig.now);
    const std::uint64_t before = rig.schedule.revision();
    int answered = 0;
    while (rig.UntilNextStart(10min)) {
      rig.AnswerWell();
      ++answered;
      (void)rig.schedule.WakeAt(rig.now);
    }
    CHECK(answered >= count);
    return rig.schedule.revision() - before;  // each of them a look at all
  };
  CHECK(cost(2000) <= cost(20) + 10);
}

TEST_CASE("a new configuration keeps the place of unchanged queries and starts new ones at once") {
  Rig rig({MakeQuery("kept"), MakeQuery("removed")});
  for (int i = 0; i < 2; ++i) {
    rig.UntilNextStart();
    rig.AnswerWell();
  }
  const WallTime kept_at = rig.schedule.NextPoll(0, rig.now);
  rig.schedule.Reconfigure({}, {}, {MakeQuery("new"), MakeQuery("kept")});
  CHECK(rig.schedule.NextPoll(1, rig.now) == kept_at);
  CHECK(rig.UntilNextStart() == 0ms);
  CHECK(rig.started == 0U);
  rig.AnswerWell();
  CHECK(*rig.UntilNextStart() > 1min);
}

TEST_CASE("a query whose settings changed is polled at once") {
  Rig rig({MakeQuery("all")});
  rig.UntilNextStart();
  rig.AnswerWell();
  rig.schedule.Reconfigure({}, {}, {MakeQuery("all", AggInterval::k1h, "7d")});
  CHECK(rig.UntilNextStart() == 0ms);
}

TEST_CASE("an abandoned poll is due again at once, and the request stays counted") {
  ApiConfig api;
  api.rate_limit = 2;
  Rig rig({MakeQuery("all")}, api);
  rig.UntilNextStart();
  rig.schedule.DropAllInFlight(rig.now);
  CHECK(rig.schedule.in_flight() == 0);
  CHECK(*rig.UntilNextStart() >= 2min);
}

TEST_CASE("an extra request is granted only where the budget has room") {
  ApiConfig api;
  api.rate_limit = 1;
  Rig rig({MakeQuery("all")}, api);
  CHECK(rig.schedule.TryExtraRequest(0, rig.now));
  CHECK_FALSE(rig.schedule.TryExtraRequest(0, rig.now));
}

TEST_CASE("what is left is counted from the extra request, once that was answered") {
  Rig rig(Queries(3));
  rig.UntilNextStart();
  rig.UntilNextStart();
  CHECK(rig.schedule.TryExtraRequest(0, rig.now));
  rig.schedule.ObserveRateLimit(1, "default", 0, 60s, rig.now);
  rig.schedule.ObserveRateLimit(0, "default", 100, 60s, rig.now);
  CHECK(rig.UntilNextStart() == 0ms);
}

// --- queries that share a request ----------------------------------------------------------------

ApiConfig Sharing(int max_series) {
  ApiConfig api;
  api.max_series_per_request = max_series;
  return api;
}

PollReport AnswerOf(const Rig& rig) {
  return {.last_updated = FloorTo(rig.now.wall - 20min, 15min)};
}

// Ends the request of the query started last; `failing` fails alone.
void AnswerAll(Rig& rig, std::optional<std::size_t> failing = {}) {
  const RequestGroup together = rig.schedule.QueriesSharingRequest(*rig.started);
  for (const std::size_t query : together) {
    rig.schedule.Record(
        query, query == failing ? PollReport{.failure = RetryClass::kNextSlot} : AnswerOf(rig),
        rig.now);
  }
}

TEST_CASE("queries that share a request are started as one, and it counts once") {
  ApiConfig api = Sharing(2);
  api.max_concurrency = 2;
  Rig rig(Queries(5), api);
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{0, 1});
  CHECK(rig.schedule.QueriesSharingRequest(1) == RequestGroup{0, 1});
  CHECK(rig.schedule.IsInFlight(1));
  CHECK_FALSE(rig.schedule.IsInFlight(2));
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{2, 3});
  CHECK(rig.schedule.in_flight() == 2);
  CHECK(rig.schedule.SpentLately(rig.now) == 2);
  CHECK_FALSE(rig.schedule.StartNext(rig.now).has_value());
  rig.schedule.Record(0, AnswerOf(rig), rig.now);
  CHECK(rig.schedule.in_flight() == 2);
  rig.schedule.Record(1, AnswerOf(rig), rig.now);
  CHECK(rig.schedule.in_flight() == 1);
  CHECK(rig.schedule.StartNext(rig.now) == RequestGroup{4});
}

TEST_CASE("queries that share a request stay together, also when one of them fails alone") {
  Rig rig(Queries(3), Sharing(3));
  for (int i = 0; i < 40; ++i) {
    REQUIRE(rig.UntilNextStart());
    CHECK(rig.started == 0U);
    for (std::size_t query = 0; query < 3; ++query) CHECK(rig.schedule.IsInFlight(query));
    AnswerAll(rig, i % 3 == 1 ? std::optional<std::size_t>(1) : std::nullopt);
    CHECK(rig.schedule.NextPoll(1, rig.now) == rig.schedule.NextPoll(0, rig.now));
  }
  // One ask a quarter of an hour, and the search for the lag.
  CHECK(rig.now.wall - kMidnight >= 7h);
}

TEST_CASE("who is asked early, as another of its request is due, does not wait longer for it") {
  Rig rig({MakeQuery("bad", AggInterval::k1d), MakeQuery("good", AggInterval::k1d)}, Sharing(2));
  const auto ends = [&] {
    const WallTime reach = FloorTo(rig.now.wall - 20min, 15min);
    rig.schedule.Record(0, {.failure = RetryClass::kNextSlot}, rig.now);
    rig.schedule.Record(1, {.last_updated = reach}, rig.now);
    return reach;
  };
  Milliseconds longest{0};
  WallTime found{};
  for (rig.UntilNextStart(); rig.now.wall < kMidnight + 240h; rig.UntilNextStart()) {
    const WallTime day = FloorTo(ends(), 24h);
    if (day > found && found > kMidnight + 48h) {
      longest = std::max(longest, rig.now.wall - (day + 20min));
    }
    found = std::max(found, day);
  }
  CHECK(longest > 0ms);
  CHECK(longest <= 3min);
}

TEST_CASE("when their request fails, they wait for their retry together") {
  Rig rig(Queries(3), Sharing(3));
  rig.UntilNextStart();
  for (int failures = 1; failures <= 4; ++failures) {
    for (const std::size_t query : {0U, 1U, 2U}) {
      rig.schedule.Record(query, {.failure = RetryClass::kTransient}, rig.now);
    }
    CHECK(rig.schedule.NextPoll(0, rig.now) == rig.schedule.NextPoll(2, rig.now));
    REQUIRE(rig.UntilNextStart());
    for (std::size_t query = 0; query < 3; ++query) CHECK(rig.schedule.IsInFlight(query));
  }
}

TEST_CASE("the more queries share a request, its retries come no sooner") {
  ApiConfig api = Sharing(20);
  api.rate_limit = 1'000'000;
  const auto mean_of_first_retries = [&](int queries) {
    Rig rig(Queries(queries), api);
    Milliseconds sum{0};
    constexpr int kTimes = 200;
    for (int i = 0; i < kTimes; ++i) {
      rig.UntilNextStart();
      for (const std::size_t query : rig.schedule.QueriesSharingRequest(0)) {
        rig.schedule.Record(query, {.failure = RetryClass::kTransientOnce}, rig.now);
      }
      sum += *rig.UntilNextStart();
      AnswerAll(rig);
      // Enough others asked for a tenth of them to be a retry.
      for (int other = 0; other < 100; ++other) CHECK(rig.schedule.TryExtraRequest(0, rig.now));
    }
    return sum / kTimes;
  };
  // Between 100 ms and 1 s, evenly.
  CHECK(mean_of_first_retries(1) > 480ms);
  CHECK(mean_of_first_retries(20) > 480ms);
  CHECK(mean_of_first_retries(20) < 620ms);
}

TEST_CASE("a halved request is two, both due at once, and stays so until the next configuration") {
  const auto queries = Queries(5);
  Rig rig(queries, Sharing(5));
  CHECK(rig.UntilNextStart() == 0ms);
  rig.schedule.Halve(0, rig.now);
  CHECK(rig.schedule.in_flight() == 0);
  CHECK(rig.schedule.QueriesSharingRequest(0) == RequestGroup{0, 1, 2});
  CHECK(rig.schedule.QueriesSharingRequest(4) == RequestGroup{3, 4});
  for (const std::size_t first : {0U, 3U}) {
    CHECK(rig.UntilNextStart() == 0ms);
    CHECK(rig.started == first);
    AnswerAll(rig);
  }
  CHECK(*rig.UntilNextStart() > 1min);
  std::set<std::size_t> asked;
  for (int i = 0; i < 8; ++i) {
    asked.insert(*rig.started);
    AnswerAll(rig);
    rig.UntilNextStart();
  }
  CHECK(asked == std::set<std::size_t>{0, 3});
  AnswerAll(rig);
  rig.schedule.Reconfigure(Sharing(5), {}, queries);
  CHECK(rig.schedule.QueriesSharingRequest(4) == RequestGroup{0, 1, 2, 3, 4});
}

TEST_CASE("after a restart what shared a request is counted once, and is asked together again") {
  Rig rig(Queries(5), Sharing(3));
  std::vector<Schedule::Resumed> asked;
  for (std::size_t query = 0; query < 5; ++query) {
    const WallTime at = rig.now.wall - (query < 3 ? 20s : 10s);
    asked.push_back({query, at, true, FloorTo(at - 20min, 15min)});
  }
  rig.schedule.Resume(asked, std::nullopt, rig.now);
  CHECK(rig.schedule.SpentLately(rig.now) == 2);
  CHECK(*rig.UntilNextStart() >= 30s);
  CHECK(rig.started == 0U);
  CHECK(rig.schedule.IsInFlight(2));
}

TEST_CASE("halving spends what the budget has, and no more") {
  ApiConfig api = Sharing(4);
  api.rate_limit = 2;
  Rig rig(Queries(4), api);
  CHECK(rig.UntilNextStart() == 0ms);
  rig.schedule.Halve(0, rig.now);
  CHECK(*rig.UntilNextStart() >= 2min);
  AnswerAll(rig);
  CHECK(*rig.UntilNextStart() >= 2min);
  CHECK(rig.started == 2U);
}

}  // namespace
}  // namespace radar_spoof
