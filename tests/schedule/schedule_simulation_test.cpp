// Days and months of polling in simulated time: what the schedule promises in the long run.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/schedule/schedule.h"
#include "support/data_set.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::DataSet;
using test::MakeQuery;

constexpr Instant kStart{WallTime(Seconds(1'780'272'345)), SteadyTime(1000s)};
constexpr Milliseconds kLatency = 300ms;

std::function<Milliseconds(WallTime)> Constant(Seconds lag) {
  return [lag](WallTime) { return lag; };
}

// From 5 to 60 minutes and back, `drift` a step of `interval`.
std::function<Milliseconds(WallTime)> Drifting(Seconds drift, Seconds interval) {
  const auto half_period = static_cast<double>((3300s / drift) * interval.count());
  return [half_period](WallTime at) {
    const double phase = std::fmod(UnixSeconds(at) / half_period, 2.0);
    const double share = phase < 1.0 ? phase : 2.0 - phase;
    return Milliseconds(static_cast<std::int64_t>(300'000 + 3'300'000 * share));
  };
}

// Not std::bernoulli_distribution, which draws otherwise in each version of the library.
bool Happens(double probability, std::minstd_rand& random) {
  return static_cast<double>(random()) < probability * static_cast<double>(random.max());
}

std::function<Milliseconds(WallTime)> Wavering(Seconds lag, int amplitude_seconds) {
  return [lag, amplitude_seconds](WallTime at) {
    std::minstd_rand random(static_cast<std::uint32_t>(at.time_since_epoch() / 15min));
    random.discard(3);
    std::uniform_int_distribution<int> within(-amplitude_seconds, amplitude_seconds);
    return Milliseconds(lag) + Seconds(within(random));
  };
}

struct SteadyState {
  double requests_per_bucket = 0;
  Milliseconds longest_wait{0};  // from available to answered
  int buckets = 0;
};

// Polls `queries` for `intervals` of the longest one; the first 20 are not counted: it is learning.
SteadyState RunSteadyState(const DataSet& api, const std::vector<Query>& queries, int intervals) {
  const Seconds period = queries.front().poll_interval;
  Schedule schedule(ApiConfig{}, PollingConfig{}, queries, 7);
  std::map<std::size_t, WallTime> newest;
  SteadyState seen;
  int requests = 0;
  Instant now = kStart;
  const WallTime counted_from = kStart.wall + 20 * period;
  while (now.wall < kStart.wall + intervals * period) {
    while (const auto started = schedule.StartNext(now)) {
      const std::size_t query = started->front();
      const PollReport answer = api.Answer(now.wall);
      const Instant ended = now + kLatency;
      const Seconds interval = Length(queries[query].agg_interval);
      const WallTime bucket_end = FloorTo(answer.last_updated, interval);
      const auto before = newest.find(query);
      if (now.wall > counted_from) {
        ++requests;
        if (before != newest.end() && bucket_end > before->second) {
          ++seen.buckets;
          const WallTime awaited = before->second + interval;
          seen.longest_wait = std::max(seen.longest_wait, ended.wall - api.AvailableAt(awaited));
        }
      }
      newest[query] = bucket_end;
      schedule.Record(query, answer, ended);
      now = ended;
    }
    const SteadyTime wake = std::max(schedule.WakeAt(now), now.steady + 1ms);
    now = now + (wake - now.steady);
  }
  seen.requests_per_bucket = static_cast<double>(requests) / seen.buckets;
  return seen;
}

struct LagCase {
  const char* name;
  DataSet api;
};

std::vector<LagCase> LagCases(Seconds interval) {
  std::vector<LagCase> cases;
  for (const Seconds step : {Seconds(15min), 1s}) {
    const auto add = [&](const char* name, std::function<Milliseconds(WallTime)> lag) {
      cases.push_back({name, {.lag = std::move(lag), .step = step}});
    };
    add("5 min", Constant(5min));
    add("17 min", Constant(17min));
    add("20 min", Constant(20min));
    add("37 min", Constant(37min));
    add("60 min", Constant(60min));
    add("drifting 5 s", Drifting(5s, interval));
    add("drifting 10 s", Drifting(10s, interval));
    add("drifting 20 s", Drifting(20s, interval));
    add("wavering 15 s", Wavering(20min, 15));
    add("wavering 30 s", Wavering(45min, 30));
  }
  return cases;
}

TEST_CASE("in steady state a bucket costs at most 1.25 requests and waits at most 3 minutes") {
  for (const AggInterval interval : {AggInterval::k15m, AggInterval::k1h, AggInterval::k1d}) {
    for (const LagCase& lag : LagCases(Length(interval))) {
      CAPTURE(RequestName(interval));
      CAPTURE(std::string(lag.name));
      CAPTURE(lag.api.step.count());
      const SteadyState seen = RunSteadyState(lag.api, {MakeQuery("all", interval)}, 700);
      CHECK(seen.buckets > 650);
      CHECK(seen.requests_per_bucket <= 1.25);
      CHECK(seen.longest_wait <= 3min);
    }
  }
}

TEST_CASE("whatever the steps of lastUpdated are, the lag is found by asking") {
  struct Row {
    AggInterval interval;
    Seconds step;
    Seconds phase;
  };
  for (const Row& row : {Row{AggInterval::k1h, 1h, 7min},
                         {AggInterval::k1h, 1h, 0s},
                         {AggInterval::k1h, 30min, 29min},
                         {AggInterval::k1h, 15min, 7min},
                         {AggInterval::k1d, 24h, 0s},
                         {AggInterval::k1d, 6h, 3h},
                         {AggInterval::k1d, 1h, 59min},
                         {AggInterval::k1w, 24h, 0s}}) {
    for (const Seconds lag : {Seconds(3min), Seconds(20min), Seconds(58min)}) {
      CAPTURE(RequestName(row.interval));
      CAPTURE(row.step.count());
      CAPTURE(row.phase.count());
      CAPTURE(lag.count());
      const DataSet api{.lag = Constant(lag), .step = row.step, .phase = row.phase};
      const SteadyState seen = RunSteadyState(api, {MakeQuery("all", row.interval)}, 200);
      CHECK(seen.requests_per_bucket <= 1.25);
      CHECK(seen.longest_wait <= 3min);
    }
  }
}

TEST_CASE("queries share what one of them learns about the lag") {
  std::vector<Query> queries;
  for (int i = 0; i < 20; ++i) queries.push_back(MakeQuery("q" + std::to_string(i)));
  for (const LagCase& lag : LagCases(15min)) {
    CAPTURE(std::string(lag.name));
    CAPTURE(lag.api.step.count());
    const SteadyState seen = RunSteadyState(lag.api, queries, 400);
    CHECK(seen.requests_per_bucket <= 1.1);
    CHECK(seen.longest_wait <= 3min);
  }
}

TEST_CASE("a lag that jumps is followed again within a few intervals") {
  const WallTime jump = kStart.wall + 100 * 15min;
  DataSet api{.lag = [jump](WallTime at) { return at < jump ? 10min : 50min; }};
  const SteadyState before_and_after = RunSteadyState(api, {MakeQuery("all")}, 400);
  CHECK(before_and_after.requests_per_bucket <= 1.25);
}

TEST_CASE("frozen data are asked for with growing delays, and found soon after they thaw") {
  DataSet api{.lag = Constant(20min)};
  const std::vector<Query> queries = {MakeQuery("all")};
  Schedule schedule(ApiConfig{}, PollingConfig{}, queries, 7);
  const WallTime freeze = kStart.wall + 24h;
  const WallTime thaw = freeze + 12h;
  int requests_while_frozen = 0;
  std::optional<WallTime> found;
  Instant now = kStart;
  while (!found) {
    now = now + (std::max(schedule.WakeAt(now), now.steady + 1ms) - now.steady);
    api.frozen = false;
    if (now.wall >= freeze && now.wall < thaw) {
      api.frozen_reach = api.Reach(freeze);
      api.frozen = true;
    }
    while (const auto started = schedule.StartNext(now)) {
      const std::size_t query = started->front();
      if (api.frozen) ++requests_while_frozen;
      if (now.wall >= thaw) found = now.wall;
      schedule.Record(query, api.Answer(now.wall), now);
    }
  }
  // 48 intervals; the plausible lag of an hour is searched closely, then once an interval.
  CHECK(requests_while_frozen <= 100);
  CHECK(requests_while_frozen >= 40);
  CHECK(*found - thaw <= 16min);
}

// What each of several queries costs and gets when their data differ.
struct OfOne {
  int requests = 0;
  Milliseconds longest_wait{0};  // from when data are there to when they are found
};

std::vector<OfOne> RunDiffering(
    const std::vector<Query>& queries, Milliseconds length,
    const std::function<PollReport(std::size_t query, WallTime now)>& answer,
    const DataSet& normal) {
  Schedule schedule(ApiConfig{}, PollingConfig{}, queries, 7);
  std::vector<OfOne> seen(queries.size());
  std::vector<std::optional<WallTime>> found(queries.size());
  Instant now = kStart;
  const WallTime counted_from = kStart.wall + 6h;
  while (now.wall < kStart.wall + length) {
    while (const auto started = schedule.StartNext(now)) {
      const std::size_t query = started->front();
      const PollReport report = answer(query, now.wall);
      const Instant ended = now + kLatency;
      const WallTime bucket_end = FloorTo(report.last_updated, Length(queries[query].agg_interval));
      if (now.wall > counted_from) {
        OfOne& one = seen[query];
        ++one.requests;
        if (found[query] && bucket_end > *found[query]) {
          const WallTime next = *found[query] + Length(queries[query].agg_interval);
          one.longest_wait = std::max(one.longest_wait, ended.wall - normal.AvailableAt(next));
        }
      }
      found[query] = bucket_end;
      schedule.Record(query, report, ended);
      now = ended;
    }
    now = now + (std::max(schedule.WakeAt(now), now.steady + 1ms) - now.steady);
  }
  return seen;
}

std::vector<Query> ManyQueries(int count, AggInterval interval) {
  std::vector<Query> queries;
  for (int i = 0; i < count; ++i) queries.push_back(MakeQuery("q" + std::to_string(i), interval));
  return queries;
}

TEST_CASE("a query whose data are behind, or glitch, moves no other's polls by a tenth") {
  const DataSet api{.lag = Constant(20min)};
  auto queries = ManyQueries(20, AggInterval::k15m);
  queries.push_back(MakeQuery("hour", AggInterval::k1h));
  queries.push_back(MakeQuery("day", AggInterval::k1d));
  const auto good = [&](std::size_t, WallTime now) { return api.Answer(now); };
  const auto sum = [](const std::vector<OfOne>& seen) {
    int requests = 0;
    for (std::size_t query = 0; query < 19; ++query) requests += seen[query].requests;
    return requests;
  };
  const auto well = RunDiffering(queries, 46h, good, api);
  const std::function<bool(std::size_t, WallTime)> behind[] = {
      [](std::size_t query, WallTime) { return query >= 20; },
      // One glitch of one query in each six hours, of ten minutes.
      [](std::size_t query, WallTime now) {
        return query == 19 && now.time_since_epoch() % 6h < 10min;
      },
      [](std::size_t query, WallTime) { return query == 19; }};
  for (const auto& is_behind : behind) {
    const auto seen = RunDiffering(
        queries, 46h,
        [&](std::size_t query, WallTime now) {
          PollReport report = good(query, now);
          if (is_behind(query, now)) report.last_updated -= 5h;
          return report;
        },
        api);
    CHECK(sum(seen) <= sum(well) * 1.1);
    CHECK(sum(seen) >= sum(well) * 0.9);
    for (std::size_t query = 0; query < 19; ++query) {
      CAPTURE(query);
      CHECK(seen[query].longest_wait <= 3min);
    }
    // Nor does the one that is behind cost more than three times its share.
    for (std::size_t query = 19; query < queries.size(); ++query) {
      CHECK(seen[query].requests <= 3 * std::max(well[query].requests, 8));
    }
  }
}

TEST_CASE("a poll interval that is no multiple of the aggregation interval costs what is planned") {
  struct Row {
    AggInterval interval;
    Seconds poll_interval;
  };
  for (const Row& row : {Row{AggInterval::k15m, 20min},
                         {AggInterval::k1h, 61min},
                         {AggInterval::k1h, 90min},
                         {AggInterval::k1d, 25h},
                         {AggInterval::k1w, 240h}}) {
    CAPTURE(row.poll_interval.count());
    Query odd = MakeQuery("odd", row.interval);
    odd.poll_interval = row.poll_interval;
    const DataSet api{.lag = Constant(20min)};
    const Milliseconds length = 60 * Milliseconds(row.poll_interval) + 6h;
    const std::vector<Query> queries = {odd, MakeQuery("normal")};
    const auto seen = RunDiffering(
        queries, length, [&](std::size_t, WallTime now) { return api.Answer(now); }, api);
    CHECK(seen[0].requests <= 60 * 1.25);
    CHECK(seen[0].requests >= 30);
    CHECK(seen[1].longest_wait <= 3min);
  }
}

// --- what fails ----------------------------------------------------------------------------------

struct Asked {
  std::size_t query;
  WallTime at;
};

// Every request of so long, one after the other; each answered at once.
std::vector<Asked> RequestsOf(
    const std::vector<Query>& queries, Milliseconds length,
    const std::function<PollReport(std::size_t query, WallTime now)>& answer) {
  Schedule schedule(ApiConfig{}, PollingConfig{}, queries, 7);
  std::vector<Asked> asked;
  Instant now = kStart;
  while (now.wall < kStart.wall + length) {
    while (const auto started = schedule.StartNext(now)) {
      const std::size_t query = started->front();
      asked.push_back({query, now.wall});
      const PollReport report = answer(query, now.wall);
      now = now + kLatency;
      schedule.Record(query, report, now);
    }
    now = now + (std::max(schedule.WakeAt(now), now.steady + 1ms) - now.steady);
  }
  return asked;
}

std::size_t CountOf(const std::vector<Asked>& asked, std::size_t query) {
  return static_cast<std::size_t>(std::count_if(
      asked.begin(), asked.end(), [query](const Asked& each) { return each.query == query; }));
}

std::size_t CountBetween(const std::vector<Asked>& asked, WallTime from, WallTime to) {
  return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](const Asked& each) {
    return from <= each.at && each.at < to;
  }));
}

const DataSet kData{.lag = Constant(20min)};
constexpr PollReport kUnavailable{.failure = RetryClass::kTransient};

TEST_CASE("retries stay within a tenth of the requests, however failures are spread") {
  const auto queries = ManyQueries(400, AggInterval::k15m);
  const auto good = [&](std::size_t, WallTime now) { return kData.Answer(now); };
  const auto healthy = RequestsOf(queries, 6h, good).size();
  for (const RetryClass failure : {RetryClass::kTransient, RetryClass::kTransientOnce}) {
    for (const double share : {0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97}) {
      std::minstd_rand random(static_cast<std::uint32_t>(1000 * share));
      const auto asked = RequestsOf(queries, 6h, [&](std::size_t query, WallTime now) {
        const bool fails = Happens(share, random);
        return fails ? PollReport{.failure = failure} : good(query, now);
      });
      CAPTURE(share);
      // Where nearly everything fails, by chance queries are asked a little too early, too; or the
      // API is taken for down, and asked next to nothing.
      CHECK(asked.size() <= (share < 0.8 ? healthy * 11 / 10 + 3 : healthy * 111 / 100));
      if (share < 0.8) CHECK(asked.size() >= healthy / 2);
    }
  }
  // Answered with 429 now and then.
  std::minstd_rand random(11);
  const auto throttled = RequestsOf(queries, 6h, [&](std::size_t query, WallTime now) {
    const bool fails = Happens(0.3, random);
    return fails ? PollReport{.failure = RetryClass::kThrottled, .retry_after = 1s}
                 : good(query, now);
  });
  CHECK(throttled.size() <= healthy * 11 / 10 + 3);
}

TEST_CASE("an answer of one query a minute does not have those that fail asked with it") {
  auto queries = ManyQueries(4, AggInterval::k15m);
  queries[0].poll_interval = 60s;
  const auto asked = RequestsOf(queries, 6h, [&](std::size_t query, WallTime now) {
    return query == 0 ? kData.Answer(now) : kUnavailable;
  });
  CHECK(CountOf(asked, 0) >= 359);
  for (const std::size_t dead : {1U, 2U, 3U}) CHECK(CountOf(asked, dead) <= 6 * 10.5);
}

TEST_CASE("while nothing answers one request in each retry_max stands for all; then all are back") {
  std::vector<Query> queries;
  for (int i = 0; i < 1280; ++i) {
    queries.push_back(
        MakeQuery("q" + std::to_string(i), kAllAggIntervals[static_cast<std::size_t>(i) % 4]));
  }
  for (const Milliseconds begins : {Milliseconds(0), Milliseconds(20h)}) {
    const WallTime begin = kStart.wall + begins;
    const WallTime end = begin + 30h;
    const auto asked = RequestsOf(queries, begins + 31h, [&](std::size_t, WallTime now) {
      return begin <= now && now < end ? kUnavailable : kData.Answer(now);
    });
    CHECK(CountBetween(asked, begin, begin + 2h) <= 200);
    CHECK(CountBetween(asked, begin + 2h, end) <= 28 * 12 + 1);
    WallTime last = begin;
    for (const Asked& each : asked) {
      if (each.at < begin || each.at >= end) continue;
      CHECK(each.at - last <= 5min);
      last = each.at;
    }
    // Noticed within retry_max, then 1,280 requests at two a second.
    std::set<std::size_t> back;
    for (const Asked& each : asked) {
      if (each.at >= end && each.at < end + 5min + 11min) back.insert(each.query);
    }
    std::size_t due = 0;
    for (std::size_t query = 0; query < queries.size(); ++query) {
      // Those whose slot did not come in the outage have nothing to be back for.
      const auto in_outage = std::find_if(asked.begin(), asked.end(), [&](const Asked& each) {
        return each.query == query && begin <= each.at && each.at < end;
      });
      const bool is_long = queries[query].poll_interval > 30h;
      if (begins == 0ms || !is_long || in_outage != asked.end()) {
        ++due;
        CAPTURE(query);
        CHECK(back.contains(query));
      }
    }
    CHECK(due >= 960);
  }
}

TEST_CASE("a second outage soon after the first is over just so for whoever has a slot") {
  const auto queries = ManyQueries(100, AggInterval::k15m);
  const auto fails = [](WallTime now) {
    const auto since = now - kStart.wall;
    return (since >= 6h && since < 6h + 20min) || (since >= 6h + 40min && since < 7h);
  };
  const auto asked = RequestsOf(queries, 9h, [&](std::size_t, WallTime now) {
    return fails(now) ? kUnavailable : kData.Answer(now);
  });
  std::set<std::size_t> back;
  for (const Asked& each : asked) {
    if (each.at >= kStart.wall + 7h && each.at < kStart.wall + 7h + 22min) back.insert(each.query);
  }
  CHECK(back.size() == queries.size());
}

TEST_CASE("what is down for some is no outage for the others") {
  auto queries = ManyQueries(45, AggInterval::k15m);
  for (std::size_t query = 0; query < 20; ++query)
    queries[query] = MakeQuery("h" + std::to_string(query), AggInterval::k1h);
  const auto all_good = RunDiffering(
      queries, 46h, [&](std::size_t, WallTime now) { return kData.Answer(now); }, kData);
  std::map<std::size_t, Milliseconds> longest;
  std::map<std::size_t, WallTime> found;
  const auto asked = RequestsOf(queries, 46h, [&](std::size_t query, WallTime now) {
    if (query >= 20) return kUnavailable;
    const PollReport report = kData.Answer(now);
    const WallTime bucket_end = FloorTo(report.last_updated, 1h);
    if (now > kStart.wall + 6h && found[query] < bucket_end) {
      longest[query] = std::max(longest[query], now - kData.AvailableAt(bucket_end));
    }
    found[query] = bucket_end;
    return report;
  });
  for (std::size_t query = 0; query < 20; ++query) {
    CAPTURE(query);
    CHECK(longest[query] <= all_good[query].longest_wait + 1min);
  }
}

TEST_CASE("a query that is refused for itself does not keep an outage of the others from ending") {
  for (const Seconds often : {120s, 300s, 290s}) {
    auto queries = ManyQueries(31, AggInterval::k1h);
    queries[30].poll_interval = often;
    const auto asked = RequestsOf(queries, 40h, [&](std::size_t query, WallTime now) {
      if (query == 30) return PollReport{.failure = RetryClass::kNextSlot};
      return now < kStart.wall + 20h ? kUnavailable : kData.Answer(now);
    });
    std::set<std::size_t> back;
    for (const Asked& each : asked) {
      if (each.at >= kStart.wall + 20h && each.at < kStart.wall + 20h + 11min) {
        back.insert(each.query);
      }
    }
    CAPTURE(often.count());
    CHECK(back.size() == queries.size());
  }
}

TEST_CASE("a query whose data stand still takes no retry from the others") {
  const auto queries = ManyQueries(5, AggInterval::k15m);
  std::map<std::size_t, WallTime> failed;
  Milliseconds longest{0};
  std::minstd_rand random(3);
  (void)RequestsOf(queries, 96h, [&](std::size_t query, WallTime now) {
    if (const auto at = failed.find(query); at != failed.end()) {
      longest = std::max(longest, now - at->second);
      failed.erase(at);
    }
    PollReport report = kData.Answer(now);
    if (query == 0 && now.time_since_epoch() % 4h < 2h) {
      report.last_updated = FloorTo(now, 4h) - 30min;
    } else if (query != 0 && Happens(0.01, random)) {
      failed[query] = now;
      return kUnavailable;
    }
    return report;
  });
  CHECK(longest > 0ms);
  CHECK(longest <= 5s);
}

TEST_CASE("a cold start of 1,280 queries is spread evenly and done within 11 minutes") {
  std::vector<Query> queries;
  for (int i = 0; i < 1280; ++i)
    queries.push_back(MakeQuery("q" + std::to_string(i), AggInterval::k1d));
  Schedule schedule(ApiConfig{}, PollingConfig{}, queries, 7);
  const DataSet api{.lag = Constant(20min)};
  std::map<std::int64_t, int> per_minute;
  int polled = 0;
  Instant now = kStart;
  SteadyTime last = now.steady;
  while (polled < 1280) {
    while (const auto started = schedule.StartNext(now)) {
      const std::size_t query = started->front();
      ++polled;
      ++per_minute[(now.steady - kStart.steady) / 1min];
      last = now.steady;
      schedule.Record(query, api.Answer(now.wall), now);
    }
    now = now + (std::max(schedule.WakeAt(now), now.steady + 1ms) - now.steady);
  }
  CHECK(last - kStart.steady <= 11min);
  for (const auto& [begin, requests] : per_minute) {
    const auto minute = begin;
    CAPTURE(minute);
    CHECK(requests <= 150);
  }
}

}  // namespace
}  // namespace radar_spoof
