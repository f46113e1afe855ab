// What the documents promise of the schedule, held against APIs that are drawn from seeds
// (support/adverse_api.h): the whole poller, for simulated days. Each test is one family of
// promises; what is broken names the seed, the query and the moment.
//
//   RADAR_SPOOF_SEEDS=FIRST-LAST   other seeds than those of each test, all of them in each
//   RADAR_SPOOF_DAYS=N             N times as long
// For example: RADAR_SPOOF_SEEDS=100-199 build/release/bin/schedule_test -tc='*outage*'
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <map>
#include <numeric>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/adverse_api.h"

namespace radar_spoof::test {
namespace {

using Minutes = std::chrono::minutes;

// `found`: others that have found something once.
std::vector<std::uint32_t> Seeds(int count, std::initializer_list<std::uint32_t> found = {}) {
  unsigned first = 1;
  auto last = static_cast<unsigned>(count);
  if (const char* const given = std::getenv("RADAR_SPOOF_SEEDS")) {
    REQUIRE(std::sscanf(given, "%u-%u", &first, &last) == 2);
  }
  std::vector<std::uint32_t> seeds(last + 1 - first);
  std::iota(seeds.begin(), seeds.end(), first);
  if (first == 1) seeds.insert(seeds.end(), found.begin(), found.end());
  return seeds;
}

Milliseconds Days(double days) {
  const char* const times = std::getenv("RADAR_SPOOF_DAYS");
  const double factor = times ? std::atof(times) : 1;
  return Milliseconds(static_cast<std::int64_t>(days * factor * 86'400'000));
}

double Hours(Milliseconds length) { return static_cast<double>(length.count()) / 3'600'000; }
double SecondsOf(Milliseconds length) { return static_cast<double>(length.count()) / 1000; }

// The requests that the configuration plans in so long, one for each poll of a query or a group.
double Planned(const AdverseQuery& query, Milliseconds length) {
  return static_cast<double>(length.count()) /
         static_cast<double>(Milliseconds(query.poll_interval).count());
}

// Judges one run. Of each promise that is broken in it the first few times are told.
class Judge {
 public:
  Judge(const AdverseWorld& world, const Trace& trace) : world_(world), trace_(trace) {}

  void Check(bool kept, const std::string& promise, std::optional<std::size_t> query = {},
             std::optional<SteadyTime> at = {}) {
    constexpr int kTold = 3;
    if (kept || ++broken_[promise.substr(0, promise.find_first_of("0123456789"))] > kTold) return;
    const std::string of = query ? ", query " + world_.NameOf(*query) : "";
    const std::string data =
        query ? " (" + world_.data[world_.queries[*query].data].name + ")" : "";
    const std::string when =
        at ? fmt::format(" at {} ({:.2f} h)", FormatRfc3339(trace_.WallAt(*at)),
                         Hours(*at - FakeClock::kStart))
           : "";
    const std::string message =
        fmt::format("seed {}{}{}{}: {}", world_.seed, of, data, when, promise);
    FAIL_CHECK(message);
  }

  // What holds in every world.
  void CheckAlways() {
    CheckRates();
    CheckHolds();
    for (std::size_t i = 0; i < world_.queries.size(); ++i) CheckPace(i);
    Check(trace_.most_in_flight <= 8, "at most 8 requests in flight");
    Check(!trace_.wrong_page, trace_.wrong_page.value_or(""));
    Check(trace_.errors.empty(), "no error: " + (trace_.errors.empty() ? "" : trace_.errors[0]));
  }

  // From `well` on nothing is wrong with the API: what every query shows is the newest there is, no
  // later than `within` after that.
  // later than `within` after that, or, where some answers were good, at its next slot.
  void CheckFreshWithin(Milliseconds well, Milliseconds within, bool or_slot = false) {
    for (std::size_t i = 0; i < world_.queries.size(); ++i) {
      if (world_.queries[i].manner != Manner::kGood) continue;
      SteadyTime by = trace_.At(well + within);
      if (or_slot) by += Milliseconds(world_.queries[i].poll_interval);
      if (by > trace_.At(world_.length)) continue;
      const auto& asks = trace_.asks[i];
      const bool found = std::any_of(asks.begin(), asks.end(), [&](std::size_t ask) {
        const SentRequest& sent = trace_.requests[ask];
        return sent.good && sent.at >= trace_.At(well) && sent.ended <= by;
      });
      // A query that is not due in that time has what there is, if its last poll was good.
      const auto last = std::find_if(asks.rbegin(), asks.rend(), [&](std::size_t ask) {
        return trace_.requests[ask].ended <= by;
      });
      const bool was_good = last != asks.rend() && trace_.requests[*last].good;
      Check(found || was_good,
            fmt::format("fresh again within {:.0f} s after the API is well", SecondsOf(within)), i,
            by);
    }
  }

  // And its data never wait longer than that in steady state.
  void CheckWaits(std::size_t query, Milliseconds from, Milliseconds to, Milliseconds longest) {
    for (const auto& [bucket_end, wait] :
         trace_.Waits(world_, query, trace_.At(from), trace_.At(to))) {
      Check(wait <= longest,
            fmt::format("a bucket waits at most {:.0f} s, not {:.0f}", SecondsOf(longest),
                        SecondsOf(wait)),
            query, trace_.At(bucket_end - trace_.began));
    }
  }

  // From then on so many in all; of one query, that which is asked first, somewhat more. While a
  // lag rises all the time, more asks come too early than on its way back.
  void CheckRequestsPerBucket(Milliseconds from) {
    const bool rises = std::any_of(world_.data.begin(), world_.data.end(), [](const auto& data) {
      return !data.name.starts_with("steady") && data.name.find("wavering") == std::string::npos;
    });
    const double most = rises ? 1.35 : 1.25;
    int requests = 0;
    double planned = 0;
    for (std::size_t i = 0; i < world_.queries.size(); ++i) {
      const int of_one = trace_.RequestsOf(i, trace_.At(from), trace_.At(world_.length));
      const double plan = Planned(world_.queries[i], world_.length - from);
      CheckAtMost(of_one, 1.5 * plan + 4, "1.5 a bucket", i);
      requests += of_one;
      planned += plan;
    }
    CheckAtMost(requests, most * planned + 4, fmt::format("{} a bucket", most));
  }

  void CheckAtMost(int requests, double bound, const std::string& what,
                   std::optional<std::size_t> query = {}) {
    Check(requests <= bound,
          fmt::format("at most {:.0f} requests, not {}: {}", bound, requests, what), query);
  }

 private:
  void CheckRates() {
    std::deque<SteadyTime> window;
    for (const SentRequest& sent : trace_.requests) {
      window.push_back(sent.at);
      while (window.front() <= sent.at - 5min) window.pop_front();
      Check(window.size() <= static_cast<std::size_t>(world_.rate_limit),
            fmt::format("at most {} requests in any 5 minutes, not {}", world_.rate_limit,
                        window.size()),
            sent.queries.front(), sent.at);
    }
  }

  // What Retry-After asks for, up to a quarter hour, is obeyed: by all after a 429, else by the
  // query.
  void CheckHolds() {
    SteadyTime until = SteadyTime::min();
    std::vector<std::size_t> by_end(trace_.requests.size());
    std::iota(by_end.begin(), by_end.end(), 0);
    std::stable_sort(by_end.begin(), by_end.end(), [&](std::size_t a, std::size_t b) {
      return trace_.requests[a].ended < trace_.requests[b].ended;
    });
    std::vector<SteadyTime> of_query(world_.queries.size(), SteadyTime::min());
    auto ended = by_end.begin();
    for (const SentRequest& sent : trace_.requests) {
      for (; ended != by_end.end() && trace_.requests[*ended].ended < sent.at; ++ended) {
        const SentRequest& answer = trace_.requests[*ended];
        const Seconds asked_for = answer.retry_after.value_or(answer.status == 429 ? 300s : 0s);
        const SteadyTime end = answer.ended + std::clamp<Seconds>(asked_for, 0s, 900s);
        // A date is by the second, and by a clock that may be wrong.
        if (answer.status == 429 && answer.retry_after) until = std::max(until, end - 1s);
        if (answer.status >= 500 && answer.retry_after) {
          for (const std::size_t query : answer.queries) of_query[query] = end - 1s;
        }
      }
      if (StepsNear(sent.at)) continue;
      Check(sent.at >= until, "nothing is asked while Retry-After of a 429 holds",
            sent.queries.front(), sent.at);
      for (const std::size_t query : sent.queries) {
        Check(sent.at >= of_query[query], "a query waits as long as Retry-After says", query,
              sent.at);
      }
    }
  }

  bool StepsNear(SteadyTime at) const {
    return std::any_of(world_.clock_steps.begin(), world_.clock_steps.end(), [&](const auto& step) {
      return std::chrono::abs(at - trace_.At(step.first)) < 2min;
    });
  }

  // Nothing spins, and nothing is asked twice at once.
  void CheckPace(std::size_t query) {
    // Two quick retries, one after a release; and a request of many series may be halved. What a
    // Retry-After asks for is no hurry.
    const std::size_t most = world_.max_series > 1 ? 14 : 5;
    // On a plain grid the first slot may come soon after a start, or after a retry.
    const bool grid = world_.queries[query].poll_interval < Length(world_.queries[query].interval);
    const Milliseconds apart = grid ? 1s : 30s;
    std::deque<SteadyTime> window;
    const SentRequest* before = nullptr;
    for (const std::size_t ask : trace_.asks[query]) {
      const SentRequest& sent = trace_.requests[ask];
      if (!before || before->status != 429) window.push_back(sent.at);
      while (!window.empty() && window.front() <= sent.at - 30s) window.pop_front();
      if (world_.queries[query].poll_interval >= 60s) {
        Check(window.size() <= most, fmt::format("at most {} requests of a query in 30 s", most),
              query, sent.at);
      }
      if (before) {
        Check(sent.at >= before->ended, "never two requests of a query at once", query, sent.at);
        Check(!before->good || world_.max_series > 1 || StepsNear(sent.at) ||
                  sent.at - before->at >= apart,
              "after a good answer a query waits", query, sent.at);
      }
      before = &sent;
    }
  }

  const AdverseWorld& world_;
  const Trace& trace_;
  std::map<std::string, int> broken_;  // by what the promise says before its first number
};

// --- worlds --------------------------------------------------------------------------------------

// A lag that the documents promise to follow, of queries with that interval.
AdverseData DrawData(Dice& dice, Seconds interval) {
  switch (dice.Between(0, 2)) {
    case 0: return Steady(Seconds(dice.Between(300, 3600)));
    case 1: return Drifting(Seconds(dice.Between(3, 20)), interval);
    default: return Wavering(Seconds(dice.Between(600, 3000)), Seconds(dice.Between(10, 30)));
  }
}

// `count` queries that are asked once for each of their buckets, every other combination.
AdverseWorld DrawWorld(Dice& dice, std::uint32_t seed, int count,
                       std::initializer_list<AggInterval> intervals) {
  AdverseWorld world;
  world.seed = seed;
  world.data.push_back(
      DrawData(dice, Length(*std::max_element(intervals.begin(), intervals.end()))));
  const int first = dice.Between(0, 1279);
  for (int i = 0; i < count; ++i) {
    AdverseQuery query;
    query.interval = dice.OneOf(intervals);
    query.poll_interval = Length(query.interval);
    query.combination = (first + 7 * i) % 1280;
    query.control = dice.Chance(0.1);
    world.queries.push_back(query);
  }
  return world;
}

AdverseWorld Well(AdverseWorld world) {
  world.troubles.clear();
  return world;
}

// How long one pass of all queries takes at the limit.
Milliseconds Pass(const AdverseWorld& world) {
  return Milliseconds(world.queries.size() * 300'000 / static_cast<std::size_t>(world.rate_limit));
}

// --- what a healthy API is asked -----------------------------------------------------------------

TEST_CASE("a healthy API is asked at most 1.25 times for a bucket, which waits at most 3 minutes") {
  for (const std::uint32_t seed : Seeds(12)) {
    Dice dice(seed);
    const bool narrow = dice.Chance(0.7);
    AdverseWorld world = narrow ? DrawWorld(dice, seed, dice.OneOf({1, 4, 20}), {AggInterval::k15m})
                                : DrawWorld(dice, seed, dice.OneOf({1, 4, 20}), {AggInterval::k1h});
    world.length = Days(narrow ? 2 : 5);
    if (narrow && world.queries.size() > 1) {
      world.queries.back().interval = dice.OneOf({AggInterval::k1h, AggInterval::k1d});
      world.queries.back().poll_interval = Length(world.queries.back().interval);
    }
    const Milliseconds learned = 20 * Milliseconds(Length(world.queries.front().interval));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckRequestsPerBucket(learned);
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, learned, world.length - 1h, 3min);
    }
  }
}

TEST_CASE("data sets that differ are each followed") {
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.Between(4, 20), {AggInterval::k15m});
    world.length = Days(2);
    world.data.push_back(DrawData(dice, 15min));
    world.data.push_back(DrawData(dice, 15min));
    for (AdverseQuery& query : world.queries) {
      query.data = static_cast<std::size_t>(dice.Between(0, 2));
    }
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckRequestsPerBucket(6h);
    // Lags that differ by less than a quarter hour may be taken for one, which is then the longest.
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, 6h, world.length - 1h, 3min + 15min);
    }
  }
}

TEST_CASE("a lag that jumps costs no more requests, and buckets wait a quarter hour at most") {
  for (const std::uint32_t seed : Seeds(6)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({1, 5, 20}), {AggInterval::k15m});
    world.length = Days(3);
    world.data[0] = Jumping(seed, Seconds(dice.OneOf({8, 12, 24}) * 3600));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckRequestsPerBucket(6h);
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, 6h, world.length - 2h, 17min);
    }
  }
}

TEST_CASE("data that come off the quarter hour are followed like others") {
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    const bool narrow = dice.Chance(0.3);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({1, 5, 20}),
                                   {narrow ? AggInterval::k15m : AggInterval::k1h});
    world.length = Days(narrow ? 2 : 4);
    AdverseData& data = world.data.front();
    data.step =
        narrow ? dice.OneOf<Seconds>({300s, 900s}) : dice.OneOf<Seconds>({900s, 1800s, 3600s});
    data.offset = Seconds(60 * dice.Between(1, 14) + dice.OneOf({0, 0, 13}));
    data.name += fmt::format(", in steps of {} s at {} s", data.step.count(), data.offset.count());
    const Milliseconds learned = 20 * Milliseconds(Length(world.queries.front().interval));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckRequestsPerBucket(learned);
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, learned, world.length - 2h, 3min);
    }
  }
}

TEST_CASE("a poll interval that is no multiple of the other costs 1.25 requests a poll at most") {
  struct Odd {
    AggInterval interval;
    Seconds poll_interval;
  };
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.Between(1, 4), {AggInterval::k15m});
    const std::size_t normal = world.queries.size();
    world.data[0] = dice.Chance(0.5) ? Steady(Seconds(dice.Between(300, 3600)))
                                     : Wavering(Seconds(dice.Between(600, 3000)), 30s);
    const Odd odd[] = {{AggInterval::k15m, 20min},
                       {AggInterval::k15m, Minutes(dice.Between(16, 80))},
                       {AggInterval::k1h, 61min},
                       {AggInterval::k1h, 90min},
                       {AggInterval::k1h, Minutes(dice.Between(61, 700))},
                       {AggInterval::k1d, 25h},
                       {AggInterval::k1w, 240h}};
    for (const Odd& each : odd) {
      AdverseQuery query{each.interval, each.poll_interval};
      query.combination = static_cast<int>(world.queries.size() + 1) * 11;
      world.queries.push_back(query);
    }
    world.length = Days(6);
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      const int requests = trace.RequestsOf(i, trace.At(6h), trace.At(world.length));
      const double planned = Planned(world.queries[i], world.length - 6h);
      judge.CheckAtMost(requests, 1.25 * planned + 4, "1.25 a poll", i);
      judge.Check(requests >= 0.8 * std::floor(planned) - 1, "asked once a poll", i);
      if (i < normal) judge.CheckWaits(i, 6h, world.length - 1h, 3min);
    }
  }
}

TEST_CASE("a plan of all that rate_limit allows is kept") {
  for (const std::uint32_t seed : Seeds(3)) {
    Dice dice(seed);
    const int count = dice.OneOf({24, 36, 48});
    AdverseWorld world = DrawWorld(dice, seed, count, {AggInterval::k15m});
    for (AdverseQuery& query : world.queries) {
      query.poll_interval = 60s;
      query.control = false;
    }
    world.rate_limit = 5 * count;
    world.length = Days(0.25);
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    const int requests = trace.Requests(trace.At(0s), trace.At(world.length));
    const double planned = count * Planned(world.queries.front(), world.length);
    judge.Check(
        requests >= 0.995 * planned,
        fmt::format("{:.0f} requests are planned and allowed, {} were sent", planned, requests));
  }
}

// --- what one query does to others ---------------------------------------------------------------

double Mean(const std::vector<Trace::Wait>& waits) {
  double sum = 0;
  for (const auto& each : waits) sum += SecondsOf(each.wait);
  return waits.empty() ? 0 : sum / static_cast<double>(waits.size());
}

double Longest(const std::vector<Trace::Wait>& waits) {
  double longest = 0;
  for (const auto& each : waits) longest = std::max(longest, SecondsOf(each.wait));
  return longest;
}

// The same world, whose last queries behave as they do, or as good ones.
void CheckIndependence(const AdverseWorld& world, std::size_t others) {
  AdverseWorld good = world;
  for (AdverseQuery& query : good.queries) query.manner = Manner::kGood;
  const Trace without = Run(good);
  const Trace with = Run(world);
  Judge judge(world, with);
  judge.CheckAlways();
  Seconds longest_interval{0};
  for (std::size_t i = 0; i < others; ++i) {
    longest_interval = std::max(longest_interval, Length(world.queries[i].interval));
  }
  const SteadyTime from = with.At(20 * Milliseconds(longest_interval));
  const SteadyTime to = with.At(world.length);
  int sum_without = 0;
  int sum_with = 0;
  for (std::size_t i = 0; i < others; ++i) {
    const int before = without.RequestsOf(i, from, to);
    const int after = with.RequestsOf(i, from, to);
    sum_without += before;
    sum_with += after;
    // Which of them is asked first, and so pays for what comes late, may change.
    const double planned = Planned(world.queries[i], to - from);
    judge.Check(std::abs(after - before) <= std::max(0.1 * before, 3.0) ||
                    (after >= 0.9 * planned && after <= 1.5 * planned + 4),
                fmt::format("as many requests as beside a good one, {} and not {}", before, after),
                i);
    if (world.queries[i].poll_interval != Length(world.queries[i].interval)) continue;
    const auto waits_without = without.Waits(world, i, from, to - 2h);
    const auto waits_with = with.Waits(world, i, from, to - 2h);
    judge.Check(Mean(waits_with) <= 1.1 * Mean(waits_without) + 20,
                fmt::format("data wait {:.0f} s in the mean beside a good one, not {:.0f}",
                            Mean(waits_without), Mean(waits_with)),
                i);
    judge.Check(Longest(waits_with) <= std::max(180.0, 1.1 * Longest(waits_without)),
                fmt::format("data wait {:.0f} s at most beside a good one, not {:.0f}",
                            Longest(waits_without), Longest(waits_with)),
                i);
  }
  judge.Check(std::abs(sum_with - sum_without) <= 0.1 * sum_without,
              fmt::format("{} requests beside good ones, not {}", sum_without, sum_with));
  // Nor does the other cost much more than its plan.
  for (std::size_t i = others; i < world.queries.size(); ++i) {
    const AdverseQuery& query = world.queries[i];
    const double planned = Planned(query, world.length);
    const double hours = Hours(world.length);
    const int requests = with.RequestsOf(i, with.At(0s), to);
    switch (query.manner) {
      case Manner::kGood:
      case Manner::kSparse:
        judge.CheckAtMost(requests, 1.25 * planned + 6, "1.25 a bucket", i);
        break;
      // They are asked for with growing delays, once for each bucket.
      case Manner::kFrozen:
      case Manner::kBehind:
        judge.CheckAtMost(requests, 3 * planned + 40, "3 a bucket, and a search", i);
        break;
      case Manner::kGlitching:
        judge.CheckAtMost(requests, 1.5 * planned + hours, "1.5 a bucket", i);
        break;
      case Manner::kDead:
        judge.CheckAtMost(requests, planned + 0.1 * with.Requests(with.At(0s), to) + 16 * hours,
                          "its slots, and the share of retries", i);
        break;
    }
  }
}

TEST_CASE("no query's behaviour moves another's polls by a tenth") {
  for (const std::uint32_t seed : Seeds(10, {119, 135})) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({4, 10, 20}),
                                   {dice.Chance(0.7) ? AggInterval::k15m : AggInterval::k1h});
    if (dice.Chance(0.2)) {
      world.queries[0].poll_interval = 60s;
    }
    world.length = Days(2);
    const std::size_t others = world.queries.size();
    const int added = dice.Between(1, 3);
    for (int i = 0; i < added; ++i) {
      AdverseQuery query;
      query.manner = dice.OneOf(
          {Manner::kSparse, Manner::kFrozen, Manner::kBehind, Manner::kGlitching, Manner::kDead});
      query.interval = dice.OneOf({AggInterval::k15m, AggInterval::k1h, AggInterval::k1d});
      query.poll_interval = Length(query.interval);
      if (dice.Chance(0.2)) query.poll_interval += Seconds(60 * dice.Between(1, 40));
      query.combination = (world.queries[0].combination + 3 + i) % 1280;
      world.queries.push_back(query);
    }
    CheckIndependence(world, others);
  }
}

TEST_CASE("queries whose data are hours behind move none of the others") {
  for (const std::uint32_t seed : Seeds(3)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, 20, {AggInterval::k15m});
    world.length = Days(2);
    for (const AggInterval interval : {AggInterval::k1h, AggInterval::k1d}) {
      AdverseQuery query{interval, Length(interval)};
      query.manner = Manner::kBehind;
      query.combination = 5;
      world.queries.push_back(query);
    }
    CheckIndependence(world, 20);
  }
}

// --- failures ------------------------------------------------------------------------------------

TEST_CASE("an API that limits the rate is asked no more than a healthy one") {
  for (const std::uint32_t seed : Seeds(16)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({1, 5, 50}),
                                   {AggInterval::k15m, AggInterval::k15m, AggInterval::k1h});
    const Milliseconds from = 4h;
    const Milliseconds to = from + Days(0.25) + Minutes(dice.Between(0, 30));
    world.length = to + 2h;
    const std::optional<std::string> waits[] = {
        "1",   "5",   "30", "60",   "300", "900",   std::nullopt,
        "0",   "7",   "-5", "soon", "1.5", "90000", "Sun, 06 Nov 1994 08:49:37 GMT",
        "@30", "@600"};
    const auto& retry_after = waits[(seed - 1) % std::size(waits)];
    world.troubles.push_back({from, to, 1, spoil::Status(429, retry_after)});
    const Trace well = Run(Well(world));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    // One probe follows each hold, which lasts 900 s at most.
    judge.CheckAtMost(
        trace.Requests(trace.At(from), trace.At(to)),
        std::max<double>(well.Requests(well.At(from), well.At(to)), 4.1 * Hours(to - from)) + 10,
        "no more than of a healthy API, with Retry-After " + retry_after.value_or("none"));
    // 900 s and a twentieth, then all of them.
    // Where a healthy API is asked less often than so, the next slot is waited for.
    double planned = 0;
    for (const AdverseQuery& query : world.queries) planned += Planned(query, 1h);
    judge.CheckFreshWithin(to, 945s + Pass(world) + 1min, planned < 4);
  }
}

TEST_CASE("429 now and then costs no more than a tenth") {
  for (const std::uint32_t seed : Seeds(4, {101, 104})) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({5, 50, 200}), {AggInterval::k15m});
    const Milliseconds from = 4h;
    const Milliseconds to = from + 6h;
    world.length = to + 2h;
    world.troubles.push_back({from, to, dice.OneOf({0.1, 0.3, 0.3, 0.6, 0.9}),
                              spoil::Status(429, dice.OneOf({"1", "5", "30"}))});
    const Trace well = Run(Well(world));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckAtMost(trace.Requests(trace.At(from), trace.At(to)),
                      1.1 * well.Requests(well.At(from), well.At(to)) + 15 * 6,
                      fmt::format("a tenth more than of a healthy API, though {:.0f} % are 429",
                                  100 * world.troubles[0].share));
    // Where a healthy API is asked less often than so, the next slot is waited for.
    double planned = 0;
    for (const AdverseQuery& query : world.queries) planned += Planned(query, 1h);
    judge.CheckFreshWithin(to, 945s + Pass(world) + 1min, planned < 4);
  }
}

std::function<void(PollerFixture::Answer&, Dice&)> DrawOutage(Dice& dice) {
  switch (dice.Between(0, 4)) {
    case 0: return spoil::TimesOut;
    case 1: return spoil::Refuses;
    default: return spoil::Status(dice.OneOf({500, 502, 503, 504, 520}));
  }
}

TEST_CASE("retries stay within a tenth of what a healthy API gets, however failures are spread") {
  for (const std::uint32_t seed : Seeds(6)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({20, 100, 400}),
                                   {AggInterval::k15m, AggInterval::k15m, AggInterval::k1h});
    const Milliseconds from = 2h;
    const Milliseconds to = from + 6h;
    world.length = to + 2h;
    const double share = dice.OneOf({0.1, 0.3, 0.5, 0.7, 0.9});
    world.troubles.push_back({from, to, share, DrawOutage(dice)});
    if (dice.Chance(0.2)) world.max_series = 10;
    const Trace well = Run(Well(world));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    const int healthy = well.Requests(well.At(from), well.At(to));
    judge.CheckAtMost(
        trace.Requests(trace.At(from), trace.At(to)), 1.1 * healthy + 15 * 6,
        fmt::format("a tenth more than {}, though {:.0f} % fail", healthy, 100 * share));
    judge.CheckFreshWithin(to, 300s + Pass(world) + 1min, share < 0.9);
  }
}

TEST_CASE("dead queries among good ones cost no more than the share of retries") {
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.Between(2, 40), {AggInterval::k15m});
    const std::size_t good = static_cast<std::size_t>(dice.Between(1, 2));
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      if (i >= good) world.queries[i].manner = Manner::kDead;
    }
    world.queries[0].poll_interval = dice.OneOf<Seconds>({60s, 300s, 900s});
    world.length = Days(0.5);
    AdverseWorld healthy = world;
    for (AdverseQuery& query : healthy.queries) query.manner = Manner::kGood;
    const Trace well = Run(healthy);
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    const int planned = well.Requests(well.At(0s), well.At(world.length));
    judge.CheckAtMost(trace.Requests(trace.At(0s), trace.At(world.length)),
                      1.1 * planned + 15 * Hours(world.length),
                      fmt::format("a tenth more than {}, though {} of {} are dead", planned,
                                  world.queries.size() - good, world.queries.size()));
  }
}

TEST_CASE("in a total outage one probe stands for all, and then all are fresh again") {
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({1, 10, 100, 400}),
                                   {AggInterval::k15m, AggInterval::k1h, AggInterval::k1d});
    const Milliseconds from = 4h + Minutes(dice.Between(0, 59));
    const Milliseconds to = from + Minutes(dice.OneOf({7, 50, 200, 600}));
    world.length = to + 3h;
    world.troubles.push_back({from, to, 1, DrawOutage(dice)});
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    // What is noticed by: some fail before one probe stands for all.
    judge.CheckAtMost(trace.Requests(trace.At(from), trace.At(to)), 40 + 30 * Hours(to - from),
                      fmt::format("one probe for all in an outage of {:.1f} h", Hours(to - from)));
    judge.CheckFreshWithin(to, 300s + 20s + Pass(world) + 1min);
  }
}

TEST_CASE("the end of an outage is noticed within retry_max, whatever the queries") {
  for (const std::uint32_t seed : Seeds(8)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.OneOf({1, 10, 100}),
                                   {AggInterval::k15m, AggInterval::k1d, AggInterval::k1w});
    const Milliseconds from = dice.OneOf<Milliseconds>({0s, 3h});
    const Milliseconds to = from + Minutes(dice.OneOf({20, 300}));
    world.length = to + 2h;
    world.troubles.push_back({from, to, 1, spoil::Status(503)});
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    judge.CheckFreshWithin(to, 300s + Pass(world) + 1min);
  }
}

// --- policies ------------------------------------------------------------------------------------

// Never more than the headers left, by each of the policies, until its reset. An answer of the very
// moment of a request may have been read before it or not: one of both must hold.
void CheckLeft(Judge& judge, const Trace& trace) {
  struct Left {
    int left;
    SteadyTime until;
  };
  std::vector<std::size_t> by_end(trace.requests.size());
  std::iota(by_end.begin(), by_end.end(), 0);
  std::stable_sort(by_end.begin(), by_end.end(), [&](std::size_t a, std::size_t b) {
    return trace.requests[a].ended < trace.requests[b].ended;
  });
  std::map<std::size_t, int> broken;
  std::map<std::size_t, std::string> by;
  for (const Milliseconds unread : {1ms, 0ms}) {
    std::map<std::string, Left> known;
    auto ended = by_end.begin();
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
      const SentRequest& sent = trace.requests[i];
      for (; ended != by_end.end() && trace.requests[*ended].ended + unread <= sent.at; ++ended) {
        const SentRequest& answer = trace.requests[*ended];
        for (const Told& told : answer.told)
          known[told.policy] = {told.left, answer.ended + told.reset};
      }
      bool is_broken = false;
      for (auto& [policy, left] : known) {
        if (sent.at >= left.until || --left.left >= 0) continue;
        is_broken = true;
        by[i] = policy;
      }
      if (is_broken) ++broken[i];
    }
  }
  for (const auto& [i, times] : broken) {
    const SentRequest& sent = trace.requests[i];
    judge.Check(times < 2, "no request beyond what policy " + by[i] + " left before its reset",
                sent.queries.front(), sent.at);
  }
}

TEST_CASE("the strictest of the API's policies is kept to the last request") {
  for (const std::uint32_t seed : Seeds(16)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.Between(10, 60), {AggInterval::k15m});
    const int count = static_cast<int>(world.queries.size());
    world.length = Days(1);
    // One allows a pass in a few windows, and others more: much more, or little. Their names are in
    // any order.
    const Seconds window(dice.OneOf({60, 120, 300}));
    const int quota = std::max(8, dice.OneOf({count / 2, count / 3}));
    const QuotaPolicy strict{dice.OneOf({"burst", "default", "zone"}), quota, window};
    const QuotaPolicy lax =
        dice.Chance(0.3)
            ? QuotaPolicy{dice.OneOf({"account", "lax", "user"}), 1200, 300s}
            : QuotaPolicy{dice.OneOf({"account", "lax", "user"}), count + count / 3 + 5, 900s};
    const QuotaPolicy other{dice.OneOf({"all", "minute"}), dice.OneOf({200, 1000}), 60s};
    world.policies = {strict, lax, other};
    std::swap(world.policies[0], world.policies[static_cast<std::size_t>(dice.Between(0, 2))]);
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    CheckLeft(judge, trace);
    for (const SentRequest& sent : trace.requests) {
      judge.Check(sent.status != 429, "what the headers tell is never overrun",
                  sent.queries.front(), sent.at);
    }
    // Every bucket still comes, as soon as the quota allows a pass.
    const Milliseconds longest =
        3min + (count / quota + 2) * Milliseconds(window) + Milliseconds(lax.window);
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, 6h, world.length - 1h, longest);
    }
  }
}

TEST_CASE(
    "a low count of requests left slows nothing any more once the API says that all is well") {
  for (const std::uint32_t seed : Seeds(4)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, dice.Between(10, 40), {AggInterval::k15m});
    world.length = Days(2);
    const int left = dice.Between(2, 15);
    Trouble low;
    low.spoils = false;
    low.spoil =
        spoil::TellsLow(R"("default";r=1100;t=280)",
                        fmt::format(R"("default";r={};t={})", left, dice.OneOf({300, 900})), 0.01);
    world.troubles.push_back(low);
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    // One request is put off by what is left, and the next answer takes that back.
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      judge.CheckWaits(i, 6h, world.length - 1h, 3min + 2 * Milliseconds(900'000 / left));
    }
  }
}

// --- series and size -----------------------------------------------------------------------------

TEST_CASE("an API that takes fewer series for a while is asked in fewer requests again") {
  for (const std::uint32_t seed : Seeds(6)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, 0, {AggInterval::k15m});
    for (int i = 0; i < 60; ++i) world.queries.push_back({.combination = i});
    world.max_series = dice.OneOf({5, 10, 50});
    const Milliseconds from = 4h;
    const Milliseconds to = from + Minutes(dice.OneOf({20, 60, 170}));
    world.length = to + 8h;
    const int status = dice.OneOf({422, 413, 414, 400});
    world.troubles.push_back({from, to, 1, spoil::Status(status), dice.OneOf({1, 2, 4})});
    const Trace well = Run(Well(world));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    if (status != 400) judge.CheckFreshWithin(from + 30min, 15min);
    judge.CheckFreshWithin(to, 20min);
    judge.CheckAtMost(trace.Requests(trace.At(to + 6h), trace.At(world.length)),
                      1.1 * well.Requests(well.At(to + 6h), well.At(world.length)) + 4,
                      fmt::format("as few as before the {}, six hours later", status));
  }
}

TEST_CASE("a fault of all series alike halves nothing for long") {
  for (const std::uint32_t seed : Seeds(6)) {
    Dice dice(seed);
    AdverseWorld world = DrawWorld(dice, seed, 0, {AggInterval::k15m});
    const int count = dice.OneOf({60, 324});
    for (int i = 0; i < count; ++i) world.queries.push_back({.combination = i});
    world.max_series = dice.OneOf({10, 50});
    const Milliseconds from = 4h;
    const Milliseconds to = from + Minutes(dice.OneOf({20, 180}));
    world.length = to + 4h;
    const auto spoil = dice.Chance(0.5) ? spoil::HasRawValues : spoil::IsHtml;
    world.troubles.push_back({from, to, 1, dice.Chance(0.2) ? spoil::Status(400) : spoil});
    const Trace well = Run(Well(world));
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    const int healthy = well.Requests(well.At(from), well.At(to));
    judge.CheckAtMost(trace.Requests(trace.At(from), trace.At(to)),
                      1.1 * healthy + 15 * Hours(to - from) + 20,
                      "a tenth more than of a healthy API");
    judge.CheckAtMost(trace.Requests(trace.At(to + 2h), trace.At(world.length)),
                      1.1 * well.Requests(well.At(to + 2h), well.At(world.length)) + 10,
                      "as few as before, two hours later");
    judge.CheckFreshWithin(to, 20min);
  }
}

// --- anything ------------------------------------------------------------------------------------

TEST_CASE("whatever happens, nothing spins, nothing is lost, and all is fresh again in the end") {
  for (const std::uint32_t seed : Seeds(20)) {
    Dice dice(seed);
    AdverseWorld world =
        DrawWorld(dice, seed, dice.OneOf({1, 3, 20, 60}),
                  {AggInterval::k15m, AggInterval::k1h, AggInterval::k1d, AggInterval::k1w});
    if (dice.Chance(0.3)) world.data[0] = Jumping(seed, 4h);
    for (AdverseQuery& query : world.queries) {
      if (dice.Chance(0.3)) query.poll_interval = Seconds(60 * dice.Between(1, 2000));
      if (dice.Chance(0.2)) {
        query.manner = dice.OneOf(
            {Manner::kSparse, Manner::kFrozen, Manner::kBehind, Manner::kGlitching, Manner::kDead});
      }
    }
    // One that fails costs all of its request.
    const bool none_fails =
        std::none_of(world.queries.begin(), world.queries.end(), [](const AdverseQuery& query) {
          return query.manner == Manner::kDead || query.manner == Manner::kGlitching;
        });
    if (none_fails && dice.Chance(0.7)) world.max_series = dice.Between(2, 20);
    if (dice.Chance(0.3)) world.policies.push_back({"default", 300, 300s});
    const Milliseconds troubled = Days(1.5);
    const int troubles = dice.Between(1, 8);
    for (int i = 0; i < troubles; ++i) {
      const Milliseconds from = Minutes(dice.Between(0, 1900));
      const Milliseconds to = std::min(troubled, from + Minutes(dice.Between(1, 400)));
      Trouble trouble{from, to, dice.OneOf({0.05, 0.5, 1.0}), DrawOutage(dice)};
      if (dice.Chance(0.1)) trouble.spoil = spoil::IsHtml;
      if (dice.Chance(0.1)) trouble.spoil = spoil::Status(503, dice.OneOf({"10", "120", "1000"}));
      if (dice.Chance(0.3)) trouble.spoil = spoil::Status(429, dice.OneOf({"1", "30", "600"}));
      if (dice.Chance(0.2)) trouble.spoil = spoil::Status(dice.OneOf({400, 401, 403, 404, 422}));
      world.troubles.push_back(trouble);
    }
    // The clock is set wrong, and right again.
    for (int i = dice.Between(0, 2); i > 0; --i) {
      const Seconds by(dice.Between(-90'000, 90'000));
      const Milliseconds from = Minutes(dice.Between(1, 1500));
      world.clock_steps.emplace_back(from, by);
      world.clock_steps.emplace_back(from + Minutes(dice.Between(1, 500)), -by);
    }
    world.length = troubled + 4h;
    const Trace trace = Run(world);
    Judge judge(world, trace);
    judge.CheckAlways();
    // Hopeless failures are tried again in an hour.
    judge.CheckFreshWithin(troubled, 1h + 945s + Pass(world) + 1min);
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      const Milliseconds patience = 2 * Milliseconds(world.queries[i].poll_interval) + 2h;
      if (patience > world.length) continue;
      judge.Check(
          trace.RequestsOf(i, trace.At(world.length - patience), trace.At(world.length)) > 0,
          "no query is forgotten", i);
    }
  }
}

}  // namespace
}  // namespace radar_spoof::test
