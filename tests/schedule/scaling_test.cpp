// docs/scaling.md: each row of its tables is made here, by the scheduler itself in simulated time.
#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "radar_spoof/schedule/schedule.h"
#include "support/data_set.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::DataSet;

constexpr Instant kDeployed{WallTime(Seconds(1'780'272'345)), SteadyTime(1000s)};
constexpr Milliseconds kRoundTrip = 300ms;

struct Use {
  int requests_a_pass = 0;
  double mean_in_5_minutes = 0;
  Milliseconds longest_wait{0};  // from available to answered
  int buckets_never_asked = 0;   // a later one came first
  std::vector<SteadyTime> sent;  // oldest first
};

std::size_t MostIn5Minutes(const std::vector<SteadyTime>& sent) {
  std::size_t most = 0;
  auto first = sent.begin();
  for (auto last = sent.begin(); last != sent.end(); ++last) {
    while (*first <= *last - 5min) ++first;
    most = std::max(most, static_cast<std::size_t>(last - first) + 1);
  }
  return most;
}

std::vector<SteadyTime> Together(const std::vector<SteadyTime>& one,
                                 const std::vector<SteadyTime>& other) {
  std::vector<SteadyTime> both;
  std::merge(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
  return both;
}

// The polls of one exporter, and what they cost.
class Deployment {
 public:
  Deployment(const Config& config, int passes, std::uint32_t seed)
      : queries_(config.queries()),
        schedule_(config.api(), config.polling(), queries_, seed),
        newest_(queries_.size()),
        requests_a_pass_(GroupQueries(queries_, config.api().max_series_per_request).size()) {
    Seconds longest{0};
    for (const Query& query : queries_) longest = std::max(longest, query.poll_interval);
    counted_from_ = kDeployed.wall + 20 * longest;
    end_ = counted_from_ + passes * longest;
  }

  Use Run() {
    while (now_.wall < end_) {
      while (const auto started = schedule_.StartNext(now_)) Start(started->front());
      SteadyTime next = schedule_.WakeAt(now_);
      if (!ends_.empty()) next = std::min(next, ends_.front().at.steady);
      now_ = now_ + (std::max(next, now_.steady) - now_.steady);
      while (!ends_.empty() && ends_.front().at.steady <= now_.steady) {
        End(ends_.front());
        ends_.pop_front();
      }
    }
    use_.requests_a_pass = static_cast<int>(requests_a_pass_);
    use_.mean_in_5_minutes = static_cast<double>(use_.sent.size()) *
                             (300.0 / UnixSeconds(WallTime(end_ - counted_from_)));
    return use_;
  }

 private:
  struct Ending {
    Instant at;
    Instant sent;
    std::size_t first;
  };

  void Start(std::size_t first) {
    ends_.push_back({now_ + kRoundTrip, now_, first});
    if (now_.wall < counted_from_) return;
    use_.sent.push_back(now_.steady);
  }

  void End(const Ending& ending) {
    const RequestGroup together = schedule_.QueriesSharingRequest(ending.first);
    for (const std::size_t query : together) {
      const PollReport answer = data_.Answer(ending.sent.wall);
      const Seconds interval = Length(queries_[query].agg_interval);
      const WallTime newest = FloorTo(answer.last_updated, interval);
      if (ending.sent.wall > counted_from_ && newest > newest_[query]) {
        const WallTime awaited = newest_[query] + interval;
        if (newest > awaited) ++use_.buckets_never_asked;
        use_.longest_wait =
            std::max(use_.longest_wait, ending.at.wall - data_.AvailableAt(awaited));
      }
      newest_[query] = newest;
      schedule_.Record(query, answer, ending.at);
    }
  }

  const std::vector<Query> queries_;
  Schedule schedule_;
  const DataSet data_{.lag = [](WallTime) { return 20min; }};
  Instant now_ = kDeployed;
  WallTime counted_from_;
  WallTime end_;
  std::deque<Ending> ends_;  // all take as long, so the first sent is the first to end
  std::vector<WallTime> newest_;
  std::size_t requests_a_pass_;
  Use use_;
};

std::string Matrix(const std::string& interval, const std::string& range) {
  return "  - { name: m" + interval + ", agg_interval: " + interval + ", date_range: " + range +
         ", matrix: { arc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL], "
         "dmarc: [any, PASS, NONE, FAIL], spf: [any, PASS, NONE, FAIL], "
         "tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3] } }\n";
}

struct Combinations {
  std::string name;
  std::string queries;
  int passes;
};

Config ConfigOf(const Combinations& all, int series) {
  auto config = ParseConfig(
      "api: { max_series_per_request: " + std::to_string(series) + " }\nqueries:\n" + all.queries,
      "f");
  if (!config) FAIL(config.error().front().Text());
  return std::move(config).value();
}

// "45 s", "10.7 min".
std::string Shown(Milliseconds time) {
  const auto seconds = static_cast<double>(time.count()) / 1000;
  return seconds < 120 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

std::string Row(const std::string& name, int series, const Use& use, std::size_t most,
                std::size_t most_of_two) {
  return fmt::format("| {} | {} | {} | {:.1f} | {:.1f} % | {} | {} | {} |", name, series,
                     use.requests_a_pass, use.mean_in_5_minutes, use.mean_in_5_minutes / 12, most,
                     most_of_two, Shown(use.longest_wait));
}

std::string ScalingDocument() {
  std::ifstream file(std::string(RADAR_SPOOF_SOURCE_DIR) + "/docs/scaling.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("the table of docs/scaling.md is what the scheduler does") {
  const Combinations cases[] = {
      {"`15m`", Matrix("15m", "1d"), 100},
      {"`1h`", Matrix("1h", "7d"), 100},
      {"`1d`", Matrix("1d", "28d"), 30},
      {"`1w`", Matrix("1w", "52w"), 10},
      {"`15m` and `1h`", Matrix("15m", "1d") + Matrix("1h", "7d"), 100},
  };
  const std::string document = ScalingDocument();
  for (const Combinations& all : cases) {
    for (const int series : {1, 10}) {
      const Config config = ConfigOf(all, series);
      const Use use = Deployment(config, all.passes, 7).Run();
      const Use replica = Deployment(config, all.passes, 8).Run();
      const std::size_t most = MostIn5Minutes(use.sent);
      const std::size_t most_of_two = MostIn5Minutes(Together(use.sent, replica.sent));
      const std::string row = Row(all.name, series, use, most, most_of_two);
      CAPTURE(row);
      CHECK(document.find(row) != std::string::npos);
      CHECK(most <= 600);
      CHECK(most_of_two <= 1200);
      // The one that does not fit side by side, and is warned of.
      const bool too_many = all.name == "`15m` and `1h`" && series == 1;
      CHECK((use.buckets_never_asked > 0) == too_many);
      CHECK(config.warnings().empty() == !too_many);
    }
  }
}

}  // namespace
}  // namespace radar_spoof
