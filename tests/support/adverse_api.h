// An API that is drawn from a seed, the exporter that polls it, and what became of both: the whole
// poller on a fake clock, with real answers and real headers, for simulated days.
//
// Nothing here knows how the schedule works; a world says what the API does, a trace what was asked
// and answered.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/poller_fixture.h"

namespace radar_spoof::test {

// All that is chosen comes from the seed, and is the same on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next();
  int Between(int low, int high);  // both included
  bool Chance(double share);
  template <typename T>
  T OneOf(std::initializer_list<T> all) {
    return all.begin()[Between(0, static_cast<int>(all.size()) - 1)];
  }

 private:
  std::uint64_t state_;
};

// How far the data of a data set reach.
struct AdverseData {
  std::string name;
  std::function<Milliseconds(WallTime data)> lag;
  // `lastUpdated` stands so long after whole steps.
  Seconds step{900};
  Seconds offset{0};

  WallTime Reach(WallTime now) const;
  // When an answer first reaches `bucket_end`.
  WallTime AvailableAt(WallTime bucket_end) const;
};

AdverseData Steady(Seconds lag);
// From 5 to 60 minutes and back, `drift` in `each`.
AdverseData Drifting(Seconds drift, Seconds each);
AdverseData Wavering(Seconds lag, Seconds amplitude);
// Another lag, from 5 to 60 minutes, each so often.
AdverseData Jumping(std::uint64_t seed, Seconds each);

// What is wrong with the answers to one query.
enum class Manner {
  kGood,
  kSparse,     // its newest buckets hold no mail, half of the time; `lastUpdated` moves on
  kFrozen,     // from the sixth hour on `lastUpdated` does not move
  kBehind,     // five hours
  kGlitching,  // wrong answers for ten minutes of each six hours
  kDead,       // never a usable answer
};
std::string_view Name(Manner manner);

struct AdverseQuery {
  AggInterval interval = AggInterval::k15m;
  Seconds poll_interval{900};
  int combination = 0;   // of filters, 0 to 1279; other than that of others of that interval
  std::size_t data = 0;  // in AdverseWorld::data
  Manner manner = Manner::kGood;
  bool control = false;
};

// Something that happens to answers, whatever query they are to.
struct Trouble {
  Milliseconds from{0};  // since the beginning
  Milliseconds to = Milliseconds::max();
  double share = 1;  // of the requests in that time
  std::function<void(PollerFixture::Answer& good, Dice& dice)> spoil;
  int more_series_than = 0;  // it hits only requests for more
  bool spoils = true;        // the answer is of no use; or else there is only more to it
};

// A quota that the API enforces, and tells in its headers: so many requests in each whole window.
struct QuotaPolicy {
  std::string name;
  int quota = 0;
  Seconds window{0};
  bool told = true;
};

struct AdverseWorld {
  std::uint32_t seed = 0;
  Milliseconds length{0};
  int rate_limit = 600;
  int max_series = 1;
  std::vector<AdverseData> data;
  std::vector<AdverseQuery> queries;
  std::vector<Trouble> troubles;
  std::vector<QuotaPolicy> policies;
  std::vector<std::pair<Milliseconds, Milliseconds>> clock_steps;  // when, by how much

  std::string NameOf(std::size_t query) const;  // as configured
};

struct Told {
  std::string policy;
  int left = 0;
  Seconds reset{0};
};

struct SentRequest {
  SteadyTime at;
  SteadyTime ended;
  std::vector<std::size_t> queries;
  int status = 0;
  bool good = false;
  std::optional<WallTime> reach{};       // of a good answer
  std::optional<Seconds> retry_after{};  // that the answer asks for, in seconds or as a date
  std::vector<Told> told{};
};

struct Trace {
  WallTime began;                              // by the API's clock, which never steps
  std::vector<SentRequest> requests;           // in their order
  std::vector<std::vector<std::size_t>> asks;  // of each query, in `requests`
  std::size_t most_in_flight = 0;
  // The first thing on the page that was not what the query was last answered.
  std::optional<std::string> wrong_page{};
  std::vector<std::string> errors{};  // lines of the log

  WallTime WallAt(SteadyTime time) const { return began + (time - FakeClock::kStart); }
  SteadyTime At(Milliseconds since_begin) const { return FakeClock::kStart + since_begin; }
  int Requests(SteadyTime from, SteadyTime to) const;
  int RequestsOf(std::size_t query, SteadyTime from, SteadyTime to) const;

  // From when the API has a bucket to when it is answered.
  struct Wait {
    WallTime bucket_end;
    Milliseconds wait;
  };
  // Of the buckets that became available in that time and were found, or should have been.
  std::vector<Wait> Waits(const AdverseWorld& world, std::size_t query, SteadyTime from,
                          SteadyTime to) const;
};

Trace Run(const AdverseWorld& world);

// What spoils an answer.
namespace spoil {
// `retry_after` as it is sent; `@30` stands for the date in 30 s.
std::function<void(PollerFixture::Answer&, Dice&)> Status(
    int status, const std::optional<std::string>& retry_after = {});
// What a Ratelimit header says, and the same with a low count in that share of the answers.
std::function<void(PollerFixture::Answer&, Dice&)> TellsLow(const std::string& usual,
                                                            const std::string& low, double share);
void TimesOut(PollerFixture::Answer& answer, Dice& dice);
void Refuses(PollerFixture::Answer& answer, Dice& dice);
void IsHtml(PollerFixture::Answer& answer, Dice& dice);
void HasRawValues(PollerFixture::Answer& answer, Dice& dice);
}  // namespace spoil

}  // namespace radar_spoof::test
