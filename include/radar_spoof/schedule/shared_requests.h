// Which queries are asked in one request: at first as config/request_plan.h puts them, then in the
// parts that the API takes.
//
// What the API refuses for the number of its series is halved. A refusal that may be about anything
// is looked into first: the first and the last of the queries are asked alone, at most once an
// hour. After an hour one of those that were halved, one that is asked often, is whole again for a
// try; once a try is answered, all are.
//
// Thread rule: confined to its owner's thread.
#pragma once

#include <functional>
#include <set>

#include "radar_spoof/config/request_plan.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

// What is known of how many series the API takes in one request.
class SeriesLimit {
 public:
  // Whether a request for several of that whole, which failed so, is to be halved.
  bool IsExceeded(FewerSeries failure, std::size_t whole, SteadyTime now) const {
    return failure == FewerSeries::kHelp ||
           (failure == FewerSeries::kMayHelp && (now < may_means_yes_until_ || trying_ == whole));
  }

  // Whether to ask two queries of a request alone that failed with kMayHelp: at most once an hour.
  bool MayProbe(SteadyTime now) const { return now >= next_probe_; }
  void NoteProbe(SteadyTime now);
  // A request for one query ended: well, or refused with kMayHelp. What is now known?
  enum class Verdict { kNone, kFewerHelp, kAllAlike };
  Verdict NoteAlone(bool good, SteadyTime now);

  // A request was halved.
  void NoteHalving(std::size_t whole, SteadyTime now);
  // Whether to ask for a whole again that is in parts, for a try.
  bool MayTryWhole(SteadyTime now) const { return now >= next_try_; }
  void NoteTry(std::size_t whole);
  void NoteNothingToTry() { next_try_ = SteadyTime::max(); }
  // A whole was asked for and not halved. True when it was the try, and all may be whole again.
  bool NoteWhole(std::size_t whole, bool good, SteadyTime now);

 private:
  static constexpr Milliseconds kFirstTry = std::chrono::hours(1);

  SteadyTime may_means_yes_until_ = SteadyTime::min();
  SteadyTime next_probe_ = SteadyTime::min();
  bool probing_ = false;
  int refused_alone_ = 0;  // in a row

  SteadyTime next_try_ = SteadyTime::max();
  Milliseconds until_next_try_{kFirstTry};
  std::optional<std::size_t> trying_;  // a whole
};

class SharedRequests {
 public:
  SharedRequests(const std::vector<Query>& queries, int max_series);

  // Some are without queries once parts were joined.
  std::size_t size() const { return queries_.size(); }
  // The request that asks for the query.
  std::size_t Of(std::size_t query) const { return request_of_[query]; }
  const RequestGroup& Queries(std::size_t request) const { return queries_[request]; }

  // What was one request at first, by number; the number is that of the request too, as long as it
  // is in one part.
  std::size_t Wholes() const { return wholes_.size(); }
  bool AnyInParts() const;

  // As Schedule::IsTooMany().
  bool IsTooMany(std::size_t query, FewerSeries failure, SteadyTime now) const {
    return limit_.IsExceeded(failure, whole_of_[query], now);
  }
  // The second half of its queries become a request of their own, which is returned.
  // REQUIRES: more than one query. Nothing changes if it throws.
  std::size_t Halve(std::size_t request, SteadyTime now);
  // The query becomes a request of its own, which is returned.
  std::size_t TakeOut(std::size_t query);

  // A request ended: with a good answer for one of its queries at least, with a refusal that may be
  // for the number of its series, or otherwise. What is to be done?
  enum class Next {
    kNothing,
    kAskEndsAlone,   // its first and its last query
    kAskRefusedNow,  // fewer series do help those that were refused so
  };
  Next NoteEnd(std::size_t request, bool good, bool may_be_too_many, SteadyTime now);

  // Makes whole again what may be, as soon as none of its queries is in flight. Whether it did.
  bool JoinParts(const std::function<bool(std::size_t query)>& in_flight, SteadyTime now);

 private:
  std::size_t Move(RequestGroup queries);
  bool InParts(std::size_t whole) const { return queries_[whole].size() != wholes_[whole].size(); }
  void Join(std::size_t whole);

  std::vector<RequestGroup> queries_;    // by request
  std::vector<std::size_t> request_of_;  // by query
  std::vector<RequestGroup> wholes_;     // as at first
  std::vector<Seconds> poll_intervals_;  // of their first queries
  std::vector<std::size_t> whole_of_;    // by query
  std::set<std::size_t> to_join_;        // wholes
  SeriesLimit limit_;
};

}  // namespace radar_spoof
