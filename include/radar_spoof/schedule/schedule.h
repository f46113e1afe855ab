// Which query is asked next, and when. Decides only; the poller does the asking.
//
// A query is polled at start, and then once in each slot: when the bucket it waits for has ended,
// plus the data's expected lag (at least `settle`), plus a small spread of its own. A poll interval
// shorter than the aggregation interval is a plain grid instead. If the answer does not hold the
// bucket yet, the query is asked again soon, with growing delays. What was missed (suspend, a clock
// step) is made up once, never replayed. Four ideas move that, each described in its header: the
// lag of the data (data_lag.h), the budget of requests (request_budget.h), the hold after HTTP 429
// (rate_limit_hold.h), and retries, with the outages that they end (retry.h).
// A step of the wall clock by a minute or more makes what failed due at once, as it may have failed
// by the clock.
//
// Queries that share a request (config/request_plan.h) are always asked together, when the first
// of them is due: what is sent anyway asks for the others at no cost, and so they stay together.
// What the API refuses for their number is asked for in parts (shared_requests.h).
//
// Invariants (tests/schedule: random_lives_test.cpp, schedule_simulation_test.cpp): never two polls
// of one query at once; never more than `max_concurrency` requests in flight; never more than
// `rate_limit` of them in any 5 minutes; nothing is sent during a hold, and after one a single
// request until it is answered well; no query is asked more often than in each of its slots, but
// for retries, a tenth of that (3 an hour, and one in each `retry_max`, at least), and for what no
// retry helps, once an hour; what one query's answers lack moves no other's polls; the most overdue
// query goes first.
//
// Costs: a poll costs the logarithm of the number of queries, what moves many of them (a new
// estimate of the lag, a clock step, an outage) a pass over all.
//
// Pure: time comes in as Instants that must not go back on their steady side; the wall side may
// step. Thread rule: confined to its owner's thread.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/schedule/data_lag.h"
#include "radar_spoof/schedule/due_order.h"
#include "radar_spoof/schedule/rate_limit_hold.h"
#include "radar_spoof/schedule/request_budget.h"
#include "radar_spoof/schedule/retry.h"
#include "radar_spoof/schedule/shared_requests.h"

namespace radar_spoof {

// What one ended poll means for the next one.
struct PollReport {
  std::optional<RetryClass> failure{};              // nullopt: a good answer
  std::optional<Seconds> retry_after{};             // as the API asked; kThrottled and kTransient
  WallTime last_updated{};                          // a good answer's
  FewerSeries fewer_series = FewerSeries::kNoHelp;  // as the failure's
};

class Schedule {
 public:
  // `seed` feeds only the jitter of retries and holds.
  Schedule(const ApiConfig& api, const PollingConfig& polling, std::vector<Query> queries,
           std::uint32_t seed);

  // Takes over a new configuration. A query that is unchanged keeps its place in time. Requests
  // that were halved are whole again. An exception (no memory) leaves it half changed: call it on a
  // copy. REQUIRES: nothing is in flight.
  void Reconfigure(const ApiConfig& api, const PollingConfig& polling, std::vector<Query> queries);

  // What was asked so far was asked of another API: every query is due at once, and no hold counts.
  // REQUIRES: nothing is in flight.
  void ForgetApi();
  // What polls failed by may have changed: those queries are due at once, but for a hold or a
  // Retry-After.
  void ReleaseFailed(Instant now);

  // What an earlier run of the program knew of one query.
  struct Resumed {
    std::size_t query;
    WallTime asked;                 // last
    bool answered_well;             // and what came of it; false if nothing did
    std::optional<WallTime> reach;  // of the data in the last good answer
  };
  // Goes on from an earlier run: what it asked is not asked again before it is due, or before a
  // minute has passed if no good answer came. `held_until` is clamped to 15 min and a twentieth.
  // REQUIRES: nothing was started yet; no query stands twice.
  void Resume(std::vector<Resumed> asked, std::optional<WallTime> held_until, Instant now);
  // When the query was last started; nullopt when never.
  std::optional<WallTime> LastAsked(std::size_t query, Instant now) const;

  // The queries to poll now, in one request, counted as started; nullopt when none is due, or none
  // may start.
  std::optional<RequestGroup> StartNext(Instant now);
  // The queries that share a request with this one, itself included, in the order of StartNext().
  const RequestGroup& QueriesSharingRequest(std::size_t query) const {
    return requests_.Queries(requests_.Of(query));
  }
  // Whether the request of that query and others, which failed so, asks for too many series at
  // once.
  bool IsTooMany(std::size_t query, FewerSeries failure, Instant now) const {
    return requests_.IsTooMany(query, failure, now.steady);
  }
  // It does: from now on they are two requests, both due at once. Not a failure of the polls, which
  // go on. REQUIRES: they are in flight, and more than one.
  void Halve(std::size_t query, Instant now);
  // Whether anything was halved and is not whole again.
  bool HasParts() const { return requests_.AnyInParts(); }
  // One more request for the poll of `query`, which is in flight (the other path): counted, and
  // true, if the budget has room for it now.
  [[nodiscard]] bool TryExtraRequest(std::size_t query, Instant now);
  // The polls in flight were given up from this side; their queries are due again at once.
  void DropAllInFlight(Instant now);
  // REQUIRES: `query` was started and has not ended. A request ends with the last of its queries.
  void Record(std::size_t query, const PollReport& report, Instant now);

  // The earliest moment at which StartNext() can return a query, if nothing ends before;
  // SteadyTime::max() while as much as may be is in flight. May be in the past.
  SteadyTime WakeAt(Instant now);
  // When that query will be asked again; `now` while it is in flight.
  WallTime NextPoll(std::size_t query, Instant now);
  // Changes when NextPoll() does for other queries than those started or recorded. What only the
  // pacing of the budget puts off does not count.
  std::uint64_t revision() const { return revision_; }

  // The answer to the query's request had a `Ratelimit` header: by that policy so many requests are
  // left for so long. To be called while the query is in flight.
  void ObserveRateLimit(std::size_t query, const std::string& policy, std::uint64_t remaining,
                        Seconds reset_in, Instant now);
  // The credentials changed: queries that were refused, once or more, are asked at once.
  void ReleaseRefused(Instant now);
  // Whether some query waits out a refusal.
  bool HasRefused() const { return refused_ > 0; }

  // Requests sent in the 5 minutes before `now`, of the `rate_limit` that may be.
  int SpentLately(Instant now) const {
    return budget_.SentSince(now.steady - std::chrono::minutes(5));
  }

  // End of the last rate-limit hold; nullopt when there never was one.
  std::optional<Instant> held_until() const { return hold_.until(); }
  bool IsInFlight(std::size_t query) const { return entries_[query].in_flight; }
  std::size_t in_flight() const { return in_flight_; }  // requests
  const std::vector<Query>& queries() const { return queries_; }

 private:
  struct Entry {
    bool in_flight = false;
    std::optional<Instant> asked;               // start of the last poll
    std::optional<WallTime> reach;              // of the data in the last good answer
    std::optional<WallTime> awaited;            // end of the bucket the poll in flight is for
    bool in_slot = false;                       // and it was due
    int asked_too_early = 0;                    // good answers in a row without that bucket
    Milliseconds offset = Milliseconds::max();  // of its slot from the boundary, at that start
    std::uint64_t request_number = 0;           // of the last request, as the budget counts
    int failures = 0;                           // in a row
    RetryClass last_failure_class = RetryClass::kTransient;
    int failures_of_class = 0;                 // in a row, of that one
    std::uint64_t failed_in_run = 0;           // Outage::run() at the last that failed for it
    bool refused = false;                      // waits out a RetryClass::kCredentials
    std::optional<SteadyTime> not_before;      // the API asked for time after a server failure
    std::minstd_rand::result_type jitter = 1;  // of its retry's delay: one for all of a request
    std::optional<SteadyTime> retry_at;        // before the next slot
    bool retry_in_budget = false;              // that retry needs room in the share of retries
    bool released = false;        // that retry is due to the end of an outage or of holds
    bool fewer_may_help = false;  // the last failure was FewerSeries::kMayHelp
  };

  // When something is due by itself, and when as a retry that the budget counts; DueOrder::kNever
  // if it is not.
  struct Due {
    SteadyTime at = DueOrder::kNever;
    SteadyTime as_retry = DueOrder::kNever;
  };

  void Start(std::size_t request, bool is_retry, Instant now);
  bool IsSlotDue(std::size_t query, Instant now) const;
  RequestBudget::Kind KindOf(const RequestGroup& queries, Instant now) const;
  static void DropFromFlight(Entry& entry, Instant now);
  static bool Release(Entry& entry, Instant now);
  // Bring the orders up to date: of one request; of all, if something they depend on changed.
  void UpdateOrder(std::size_t request, Instant now);
  void RefreshOrder(Instant now);
  void ClearOrder();
  void Invalidate();
  bool RequestInFlight(std::size_t request) const;
  void NoteClockStep(Milliseconds apart, Instant now);

  void AskEndsAlone(std::size_t request, Instant now);
  void ReleaseDoubtful(Instant now);
  void ReserveOneMore();

  Due DueOf(std::size_t query, Instant now) const;
  WallTime Slot(std::size_t query, Instant now) const;
  SteadyTime EarliestRequest(SteadyTime now) const;
  SteadyTime EarliestRetry(SteadyTime now) const;
  SteadyTime MayStartAt(const Due& due, SteadyTime now) const;
  bool NothingAnswers() const { return outage_.NothingAnswers(requests_.Wholes()); }
  std::size_t MostInFlight() const {
    const bool one_for_all = hold_.in_a_row() > 0 || NothingAnswers();
    return one_for_all ? 1 : static_cast<std::size_t>(max_concurrency_);
  }
  Milliseconds Offset(std::size_t query) const;

  void RecordGood(std::size_t query, const PollReport& report, Instant now);
  void RecordFailure(std::size_t query, const PollReport& report, Instant now);
  void NoteRefused(std::size_t query, bool refused);
  void EndRequest(std::size_t request, Instant now);
  void ReleaseRefusedByMistake(Instant now);
  void EndHolds(SteadyTime asked, Instant now);
  void EndOutage(Instant now);

  int max_concurrency_;
  PollingConfig polling_;
  std::vector<Query> queries_;
  std::vector<Entry> entries_;          // one a query
  int refused_ = 0;                     // entries
  std::set<std::size_t> just_refused_;  // queries, since the last good answer
  SharedRequests requests_;
  DueOrder due_;                              // requests not in flight
  DueOrder retries_;                          // likewise
  std::optional<Milliseconds> clocks_apart_;  // when they were last looked at
  // The distance between the clocks that the orders were made for; nullopt: something changed.
  std::optional<Milliseconds> ordered_for_;
  Milliseconds ordered_lag_{0};  // likewise, of those that share one
  std::uint64_t revision_ = 0;
  DataLags lags_;
  RequestBudget budget_;
  RateLimitHold hold_;
  Outage outage_;
  std::size_t in_flight_ = 0;
  std::minstd_rand random_;
};

}  // namespace radar_spoof
