// What each stage costs for N combinations, by Google Benchmark. scripts/bench runs it and puts the
// figures into docs/performance.md.
#include <algorithm>

#include <benchmark/benchmark.h>

#include "bench/combinations.h"
#include "radar_spoof/expect/expectation.h"
#include "radar_spoof/http/gzip.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/page/metrics_page.h"
#include "radar_spoof/poll/answer_outcome.h"
#include "radar_spoof/schedule/schedule.h"
#include "simulator/simulator.h"
#include "tests/support/read_answer.h"

namespace radar_spoof::bench {
namespace {

class StoppedClock final : public Clock {
 public:
  Instant Now() const override { return now; }
  Instant now = SystemClock().Now();
};

std::vector<Query> Asked(const benchmark::State& state) {
  return Combinations(static_cast<std::size_t>(state.range(0)));
}

// One answer of the simulator: the buckets of a day, 15 minutes each.
HttpResponse AnswerAt(const Clock& clock) {
  simulator::Simulator simulator({}, clock);
  ServerRequest request{"GET",
                        "/client/v4/radar/email/security/timeseries_groups/spoof",
                        {{"aggInterval", "15m"}, {"dateRange", "1d"}, {"format", "json"}},
                        {{"host", "localhost"}, {"authorization", "Bearer simulator-token"}}};
  HttpResponse answer;
  answer.status = 200;
  answer.body = simulator.Handle(request).body;
  return answer;
}

void BM_Parse(benchmark::State& state) {
  const StoppedClock clock;
  const HttpResponse answer = AnswerAt(clock);
  const Query query = Combinations(1).front();
  for (auto _ : state) {
    const auto sample = test::ReadAnswer(query, answer, clock.now.wall);
    if (!sample) {
      state.SkipWithError("not a good answer");
      break;
    }
    benchmark::DoNotOptimize(sample);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(answer.body.size()));
}

// All that is done with an answer before it is recorded: credentials are looked for in it, too.
void BM_Outcome(benchmark::State& state) {
  const StoppedClock clock;
  const Query query = Combinations(1).front();
  const Query* const asked[] = {&query};
  const SeriesNames names[] = {{"serie_0", ""}};
  const Redactor redactor(BearerToken{Secret("v1.0-0123456789abcdef0123456789abcdef")});
  HttpClient::Finished finished{0, AnswerAt(clock), Milliseconds(1)};
  for (auto _ : state) {
    const AnswerOutcome outcome = OutcomeOf(asked, names, finished, redactor, clock.now);
    if (!outcome.windows.front()) {
      state.SkipWithError("not a good answer");
      break;
    }
    benchmark::DoNotOptimize(outcome);
  }
}

// Four weeks of hours, of which the last three are far above.
void BM_Expect(benchmark::State& state) {
  std::vector<SpoofBucket> buckets;
  for (std::size_t i = 0; i < 672; ++i) {
    const double usual = 0.1 + 0.02 * static_cast<double>(i * 7919 % 101) / 101;
    buckets.push_back({WallTime(static_cast<std::int64_t>(i) * Length(AggInterval::k1h)),
                       *Ratio::FromFraction(i < 669 ? usual : 3 * usual), *Ratio::FromFraction(0.5),
                       i});
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(ExpectationOf(buckets, AggInterval::k1h, {}));
  }
}

void BM_Render(benchmark::State& state) {
  const StoppedClock clock;
  const ApiMetrics metrics;
  const Snapshot snapshot = Answered(Asked(state), clock.now, 1);
  std::size_t size = 0;
  for (auto _ : state) {
    const std::string text =
        RenderWithoutProcess(snapshot, metrics, clock.now, ExpositionFormat::kText);
    size = text.size();
  }
  state.counters["bytes"] = static_cast<double>(size);
  state.SetComplexityN(state.range(0));
}

void BM_Compress(benchmark::State& state) {
  const StoppedClock clock;
  const std::string text = RenderWithoutProcess(Answered(Asked(state), clock.now, 1), ApiMetrics(),
                                                clock.now, ExpositionFormat::kText);
  std::size_t size = 0;
  GzipCompressor compressor;
  for (auto _ : state) size = compressor.Compress(text).bytes.size();
  state.counters["bytes"] = static_cast<double>(size);
  state.SetComplexityN(state.range(0));
}

// The first scrape after polls: of every query, or of one.
void FirstScrape(benchmark::State& state, bool all) {
  const StoppedClock clock;
  const std::vector<Query> queries = Asked(state);
  const std::size_t changed = all ? queries.size() : 1;
  SnapshotStore store(Answered(queries, clock.now, 1));
  const ApiMetrics metrics;
  const MetricsPage page(store, metrics, clock, [] { return ProcessMetrics{}; });
  int round = 1;
  for (auto _ : state) {
    state.PauseTiming();
    store.Publish(PartlyAnswered(queries, clock.now, ++round, changed));
    state.ResumeTiming();
    benchmark::DoNotOptimize(page.Render(ExpositionFormat::kText, true));
  }
  state.SetComplexityN(state.range(0));
}
void BM_FirstScrapeAllNew(benchmark::State& state) { FirstScrape(state, true); }
void BM_FirstScrapeOneNew(benchmark::State& state) { FirstScrape(state, false); }

void BM_NextScrape(benchmark::State& state) {
  const StoppedClock clock;
  SnapshotStore store(Answered(Asked(state), clock.now, 1));
  const WallTime start = clock.now.wall;
  const ApiMetrics metrics;
  const MetricsPage page(store, metrics, clock, [start] { return ReadProcessMetrics(start); });
  for (auto _ : state) benchmark::DoNotOptimize(page.Render(ExpositionFormat::kText, true));
  state.SetComplexityN(state.range(0));
}

// One poll, as the schedule sees it: chosen, recorded, and the next wake-up found.
void BM_Schedule(benchmark::State& state) {
  ApiConfig api;
  api.rate_limit = 100'000'000;
  std::vector<Query> queries = Asked(state);
  Schedule schedule(api, {}, queries, 1);
  Instant now = SystemClock().Now();
  for (auto _ : state) {
    auto started = schedule.StartNext(now);
    while (!started) {
      now = now + std::max(schedule.WakeAt(now) - now.steady, Milliseconds(1));
      started = schedule.StartNext(now);
    }
    schedule.Record(started->front(), {.last_updated = now.wall}, now);
    benchmark::DoNotOptimize(schedule.WakeAt(now));
  }
  state.SetComplexityN(state.range(0));
}

constexpr std::int64_t kOneWindow = 1280;
constexpr std::int64_t kSixWindows = 7680;

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t size : {std::int64_t{1}, std::int64_t{80}, std::int64_t{320}, kOneWindow,
                                  std::int64_t{2560}, kSixWindows}) {
    benchmark->Arg(size);
  }
}

BENCHMARK(BM_Parse)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Outcome)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Expect)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Render)->Apply(Sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Compress)->Apply(Sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_FirstScrapeAllNew)->Apply(Sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_FirstScrapeOneNew)->Apply(Sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_NextScrape)->Apply(Sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Schedule)->Apply(Sizes)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace radar_spoof::bench

BENCHMARK_MAIN();
