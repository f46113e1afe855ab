// Random lives of a schedule: whatever comes in whatever order, its invariants hold.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
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

// One of them: random queries, latencies, failures, clock steps and suspends.
class RandomLife {
 public:
  explicit RandomLife(std::uint32_t seed) : random_(seed) {
    api_.max_concurrency = Between(1, 6);
    api_.rate_limit = Between(5, 120);
    api_.max_series_per_request = Between(0, 1) == 0 ? 1 : Between(2, 12);
    const int count = Between(1, 25);
    for (int i = 0; i < count; ++i) {
      Query query =
          MakeQuery("q" + std::to_string(i), kAllAggIntervals[Between<std::size_t>(0, 3)]);
      if (Between(0, 3) == 0) query.poll_interval = Seconds(Between(60, 5000));
      query.control = Between(0, 5) == 0;
      queries_.push_back(query);
    }
    schedule_.emplace(api_, PollingConfig{}, queries_, seed);
  }

  void Run(Milliseconds length) {
    const SteadyTime end = now_.steady + length;
    while (now_.steady < end) {
      while (const auto started = schedule_->StartNext(now_)) Start(started->front());
      CHECK(in_flight_.size() <= static_cast<std::size_t>(api_.max_concurrency));
      CHECK(schedule_->in_flight() == in_flight_.size());
      Advance();
    }
    CHECK(polled_.size() == queries_.size());
  }

 private:
  template <typename T>
  T Between(T low, T high) {
    return std::uniform_int_distribution<T>(low, high)(random_);
  }

  void Start(std::size_t first) {
    CHECK(now_.steady >= hold_until_);
    const RequestGroup& together = schedule_->QueriesSharingRequest(first);
    CHECK(together.front() == first);
    int series = 0;
    for (const std::size_t query : together) {
      CHECK(asked_.insert(query).second);
      CHECK(schedule_->IsInFlight(query));
      polled_.insert(query);
      series += SeriesOf(queries_[query]);
    }
    if (together.size() > 1) CHECK(series <= api_.max_series_per_request);
    in_flight_[first] = now_.steady + Milliseconds(Between(10, 25'000));
    sent_.push_back(now_.steady);
    while (sent_.front() <= now_.steady - 5min) sent_.pop_front();
    CHECK(sent_.size() <= static_cast<std::size_t>(api_.rate_limit));
  }

  void Advance() {
    SteadyTime next = std::max(schedule_->WakeAt(now_), now_.steady + 1ms);
    auto ending = in_flight_.end();
    for (auto i = in_flight_.begin(); i != in_flight_.end(); ++i) {
      if (i->second <= next) {
        next = i->second;
        ending = i;
      }
    }
    REQUIRE(next < SteadyTime::max());
    now_ = now_ + (next - now_.steady);
    if (Between(0, 200) == 0) now_.wall += Seconds(Between(-86'400, 86'400));
    if (ending == in_flight_.end()) return;
    const std::size_t first = ending->first;
    in_flight_.erase(ending);
    const RequestGroup ended = schedule_->QueriesSharingRequest(first);
    for (const std::size_t query : ended) asked_.erase(query);
    if (ended.size() > 1 && Between(0, 30) == 0) {
      schedule_->Halve(first, now_);
    } else {
      Record(ended);
    }
    if (schedule_->held_until()) hold_until_ = schedule_->held_until()->steady;
  }

  // The answer as a whole, and now and then one of its series otherwise.
  void Record(const RequestGroup& ended) {
    const PollReport report = RandomReport();
    for (const std::size_t query : ended) {
      const bool is_bad = !report.failure && Between(0, 20) == 0;
      schedule_->Record(query, is_bad ? PollReport{.failure = RetryClass::kNextSlot} : report,
                        now_);
    }
  }

  PollReport RandomReport() {
    if (Between(0, 3) > 0) return data_.Answer(now_.wall);
    const int kind = Between(0, 40);
    PollReport report;
    report.failure = kind == 0   ? RetryClass::kThrottled
                     : kind < 15 ? RetryClass::kTransient
                     : kind < 20 ? RetryClass::kTransientOnce
                     : kind < 25 ? RetryClass::kCredentials
                                 : RetryClass::kNextSlot;
    if (kind == 0 && Between(0, 1) == 0) report.retry_after = Seconds(Between(-10, 2'000));
    return report;
  }

  std::minstd_rand random_;
  ApiConfig api_;
  std::vector<Query> queries_;
  DataSet data_{.lag = [](WallTime) { return Milliseconds(20min); }};
  std::optional<Schedule> schedule_;
  Instant now_{WallTime(Seconds(1'780'272'345)), SteadyTime(1000s)};
  std::map<std::size_t, SteadyTime> in_flight_;  // requests, by their first query
  std::set<std::size_t> asked_;                  // queries in flight
  std::set<std::size_t> polled_;                 // queries that were ever asked
  std::deque<SteadyTime> sent_;
  SteadyTime hold_until_ = SteadyTime::min();
};

TEST_CASE("no random life breaks an invariant") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    RandomLife(seed).Run(48h);
  }
}

}  // namespace
}  // namespace radar_spoof
