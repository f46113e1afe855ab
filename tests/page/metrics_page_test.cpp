#include "radar_spoof/page/metrics_page.h"

#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/page/exposition.h"
#include "support/fake_clock.h"
#include "support/golden_snapshot.h"
#include "support/gunzip.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

class MetricsPageFixture {
 protected:
  static Snapshot Of(std::vector<QueryState> queries) {
    Snapshot snapshot;
    snapshot.queries = std::move(queries);
    return snapshot;
  }
  ProcessMetrics Process() { return {.threads = ++scrapes_}; }
  std::string Text(ExpositionFormat format = ExpositionFormat::kText) {
    const auto [shared, own] = page_.Render(format, false);
    return *shared + own;
  }
  std::shared_ptr<const std::string> Shared(bool gzip = false) {
    return page_.Render(ExpositionFormat::kText, gzip).shared;
  }

  std::atomic<std::uint64_t> scrapes_ = 0;
  test::FakeClock clock_{kGoldenNow};
  SnapshotStore store_{Of({Good("all", 3min), Failing("failing", 44min)})};
  MetricsPage page_{store_, clock_, [this] { return Process(); }};
};

TEST_CASE_FIXTURE(MetricsPageFixture, "the page is the exposition, with the process as it is now") {
  for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
    const std::string text = Text(format);
    const ProcessMetrics process{.threads = scrapes_};
    CHECK(text ==
          RenderPolled(*store_.Load(), kGoldenNow, format) + RenderProcess(process, format));
  }
}

TEST_CASE_FIXTURE(MetricsPageFixture, "a crowd of scrapes shares what the process says of itself") {
  for (const bool gzip : {false, true}) {
    const auto own = [this, gzip] { return page_.Render(ExpositionFormat::kText, gzip).own; };
    const std::string first = own();
    CHECK(own() == first);
    clock_.Advance(MetricsPage::kProcessMetricsAge - 1ms);
    CHECK(own() == first);
    clock_.Advance(1ms);
    CHECK(own() != first);
  }
}

TEST_CASE_FIXTURE(MetricsPageFixture, "what does not change is made once and shared") {
  const auto plain = Shared();
  const auto zipped = Shared(true);
  CHECK(plain != zipped);
  clock_.Advance(30s);
  CHECK(Shared() == plain);
  CHECK(Shared(true) == zipped);
}

TEST_CASE_FIXTURE(MetricsPageFixture, "a compressed page is whole, whatever of it changed") {
  std::vector<QueryState> queries;
  for (int i = 0; i < 600; ++i) queries.push_back(Good("q" + std::to_string(i), 3min));
  const auto check = [this, &queries] {
    store_.Publish(Of(queries));
    for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
      const auto [shared, own] = page_.Render(format, true);
      const ProcessMetrics process{.threads = scrapes_};
      const bool whole =
          test::Gunzip(*shared + own) ==
          RenderPolled(*store_.Load(), clock_.Now(), format) + RenderProcess(process, format);
      CHECK(whole);
    }
  };
  check();
  queries[0].sample->spoof = *Ratio::FromPercent(1);
  queries[599].polls = 13;
  check();
  queries[300].sample->confidence_level = 3;  // the first of its family
  check();
  queries[300].sample->confidence_level.reset();
  check();
  queries[5].query.name = "p5";
  check();
  queries.pop_back();
  check();
  queries.resize(256, queries.front());
  check();
  queries.clear();
  check();
  queries.push_back(Failing("q", 1min));
  check();
  clock_.Advance(3h);  // its values leave
  check();
}

TEST_CASE_FIXTURE(MetricsPageFixture, "what is out of date is not kept") {
  const std::weak_ptr<const std::string> plain = Shared();
  CHECK_FALSE(plain.expired());
  store_.Publish(Of({Good("other", 0min)}));
  (void)Shared(true);
  CHECK(plain.expired());
}

TEST_CASE_FIXTURE(MetricsPageFixture, "a page that is not compressed is kept in one format") {
  const std::weak_ptr<const std::string> plain = Shared();
  (void)Shared(true);
  CHECK_FALSE(plain.expired());
  const std::string open_metrics = Text(ExpositionFormat::kOpenMetrics);
  CHECK(plain.expired());
  CHECK(Text().substr(0, 7) == "# HELP ");
  CHECK(Text(ExpositionFormat::kOpenMetrics).substr(0, 1000) == open_metrics.substr(0, 1000));
}

TEST_CASE_FIXTURE(MetricsPageFixture, "a new snapshot is shown at once") {
  const auto before = Shared();
  store_.Publish(Of({Good("other", 0min)}));
  CHECK(Shared() != before);
  CHECK(Text().find("query=\"other\"") != std::string::npos);
  CHECK(Text().find("query=\"all\"") == std::string::npos);
}

TEST_CASE_FIXTURE(MetricsPageFixture,
                  "a value leaves the page when it is too old, without a poll") {
  const auto shown = [this] {
    return Text().find("spoof_ratio{query=\"failing\"") != std::string::npos;
  };
  CHECK(shown());
  clock_.Advance(1min);
  CHECK(shown());
  clock_.Advance(1ms);
  CHECK_FALSE(shown());
}

TEST_CASE_FIXTURE(MetricsPageFixture, "a wall clock that went back makes the page anew") {
  clock_.StepWall(24h);
  const auto spoiled = Shared();
  CHECK(spoiled->find("spoof_ratio{query=\"all\"") == std::string::npos);
  clock_.StepWall(-24h);
  CHECK(Shared()->find("spoof_ratio{query=\"all\"") != std::string::npos);
}

TEST_CASE_FIXTURE(MetricsPageFixture, "every scrape of many threads is of one whole snapshot") {
  std::atomic<bool> stop = false;
  std::atomic<int> mixed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const std::string text = Text();
        const bool first = text.find("query=\"first\"") != std::string::npos;
        const bool second = text.find("query=\"second\"") != std::string::npos;
        if (first && second) ++mixed;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    store_.Publish(Of({Good(i % 2 == 0 ? "first" : "second", 3min)}));
    (void)Text();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(mixed == 0);
}

}  // namespace
}  // namespace radar_spoof
