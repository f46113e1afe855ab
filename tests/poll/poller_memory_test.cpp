// What a lack of memory does to the loop: every allocation of a reload and of the polls after it
// fails once. operator new is replaced for this executable alone.
#include <cstdlib>
#include <new>

#include <doctest/doctest.h>

#include "support/poller_fixture.h"

namespace {

int allocations_left = -1;  // until they fail; negative: they do not
int failures_left = 0;

void* Allocate(std::size_t size) {
  if (allocations_left == 0 && failures_left > 0) {
    --failures_left;
    throw std::bad_alloc();
  }
  if (allocations_left > 0) --allocations_left;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace radar_spoof::test {
namespace {

constexpr const char* kOld = "queries:\n  - { name: old, filters: { spf: PASS } }\n";
constexpr const char* kNew =
    "queries:\n  - { name: new, filters: { spf: FAIL } }\n"
    "  - { name: more, filters: { spf: NONE } }\n";

double PercentOf(std::string_view text, std::string_view pass, std::string_view fail) {
  if (text.find(pass) != std::string_view::npos) return 10;
  return text.find(fail) != std::string_view::npos ? 20 : 30;
}

bool EveryValueIsItsQuerysOwn(const Snapshot& snapshot) {
  return std::all_of(snapshot.queries.begin(), snapshot.queries.end(), [](const QueryState& state) {
    return !state.sample ||
           state.sample->spoof == Ratio::FromPercent(PercentOf(state.query.name, "old", "new"));
  });
}

// One life with a reload at whose `begin`-th allocation `count` in a row fail. False when the
// reload and the polls after it had no such allocation.
bool SurvivesFailures(int begin, int count) {
  bool own = true;
  PollerFixture* running = nullptr;
  PollerFixture f(
      [&](const PollerFixture::Request& request) {
        own = own && EveryValueIsItsQuerysOwn(*running->Now());
        // A status that was never seen: its counter needs memory.
        if (request.number == 2) return Outage();
        return Good(request, PercentOf(request.url, "spf=PASS", "spf=FAIL"));
      },
      kOld);
  running = &f;
  f.http.At(1min, [&] {
    f.Reconfigure(kNew);
    allocations_left = begin;
    failures_left = count;
  });
  f.http.At(2min, [&] {
    allocations_left = -1;
    // The page shows what the loop does, and how the reload ended.
    const auto snapshot = f.Now();
    CHECK((snapshot->queries.front().query.name == "new") == snapshot->reload.successful);
    // So is whoever asked for it told.
    CHECK(f.poller.AwaitReload(0ms) == (snapshot->reload.successful
                                            ? Poller::ReloadEnd::kTakenOver
                                            : Poller::ReloadEnd::kNotTakenOver));
  });
  // What an operator does who sees that the reload failed.
  f.http.At(3min, [&] { f.Reconfigure(kNew); });
  f.RunFor(40min);
  const auto snapshot = f.Now();
  CHECK(own);
  CHECK(EveryValueIsItsQuerysOwn(*snapshot));
  REQUIRE(snapshot->queries.size() == 2);
  for (const QueryState& state : snapshot->queries) {
    CHECK(state.success());
    CHECK(state.sample->bucket_start == *ParseRfc3339("2026-06-05T12:45:00Z"));
  }
  CHECK(snapshot->reload.successful);
  // What was in flight when there was no memory, two at most, is not counted; nothing is twice.
  std::uint64_t counted = 0;
  for (const auto& [status, requests] : f.Requests()) counted += requests;
  CHECK(counted <= f.http.requests().size());
  CHECK(counted + 2 * static_cast<std::uint64_t>(count) >= f.http.requests().size());
  CHECK(f.Failures(FailureReason::kServer) <= 1);
  return failures_left < count;
}

TEST_CASE("no lack of memory puts a value under another query's name or ends the loop") {
  for (const int count : {1, 8}) {
    int begin = 0;
    for (; SurvivesFailures(begin, count); ++begin) CAPTURE(begin);
    CAPTURE(count);
    CHECK(begin > 100);  // there were as many to fail
  }
}

// One day whose answer with a new bucket meets a lack of memory, at the `begin`-th allocation from
// when it is asked for. False when nothing from then on failed.
bool ShowsTheNewDay(int begin) {
  PollerFixture f(
      [&](const PollerFixture::Request& request) {
        if (request.number == 1) {
          allocations_left = begin;
          failures_left = 1;
        }
        return Good(request);
      },
      "queries:\n  - { name: day, agg_interval: 1d, date_range: 7d }\n");
  f.clock.StepWall(11h);  // half an hour before midnight
  f.http.At(3h, [&] { allocations_left = -1; });
  f.RunFor(3h);
  REQUIRE(f.http.requests().size() >= 2);
  REQUIRE(f.State().sample);
  CHECK(f.State().sample->bucket_start == *ParseRfc3339("2026-06-05T00:00:00Z"));
  return failures_left == 0;
}

TEST_CASE("a lack of memory while an answer is taken over does not put it off to the next slot") {
  int begin = 0;
  for (; ShowsTheNewDay(begin); ++begin) CAPTURE(begin);
  CHECK(begin > 100);
}

TEST_CASE("a state for which there is no memory is tried again a minute later, and harms nothing") {
  PollerFixture f([](const PollerFixture::Request& request) { return Good(request); });
  f.RunFor(1min);
  StateSaver saver(f.directory.Path("."), f.log);
  const Settings settings = SettingsOf(ConfigText(f.directory, "queries:\n  - name: all\n"));
  const ApiConfig& api = settings.config.api();
  const Schedule schedule(api, settings.config.polling(), settings.config.queries(), 1);
  int begin = 0;
  for (bool failed = true; failed; ++begin) {
    CAPTURE(begin);
    const Instant now = f.clock.Now();
    saver.NoteChange();
    allocations_left = begin;
    failures_left = 1;
    saver.Save(api, *f.Now(), schedule, now);
    failed = failures_left == 0;
    allocations_left = -1;
    CHECK(saver.DueAt() >= now.steady + 1min);
  }
  CHECK(begin > 10);
  CHECK(f.LinesWith("the state cannot be saved").size() == 1);
}

}  // namespace
}  // namespace radar_spoof::test
