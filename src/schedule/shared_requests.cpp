#include "radar_spoof/schedule/shared_requests.h"

#include <algorithm>
#include <utility>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kBetweenProbes = 1h;
constexpr Milliseconds kLongestTry = 24h;
constexpr int kRefusedAlike = 2;

}  // namespace

void SeriesLimit::NoteProbe(SteadyTime now) {
  next_probe_ = now + kBetweenProbes;
  probing_ = true;
  refused_alone_ = 0;
}

SeriesLimit::Verdict SeriesLimit::NoteAlone(bool good, SteadyTime now) {
  if (good) {
    refused_alone_ = 0;
    if (!std::exchange(probing_, false)) return Verdict::kNone;
    may_means_yes_until_ = now + kBetweenProbes;
    return Verdict::kFewerHelp;
  }
  if (++refused_alone_ < kRefusedAlike) return Verdict::kNone;
  may_means_yes_until_ = SteadyTime::min();
  return std::exchange(probing_, false) ? Verdict::kAllAlike : Verdict::kNone;
}

void SeriesLimit::NoteHalving(std::size_t whole, SteadyTime now) {
  if (trying_ == whole) {
    trying_.reset();
    until_next_try_ = std::min(2 * until_next_try_, kLongestTry);
    may_means_yes_until_ = now + kBetweenProbes;
    refused_alone_ = 0;
  }
  if (!trying_) next_try_ = std::min(next_try_, now + until_next_try_);
}

void SeriesLimit::NoteTry(std::size_t whole) {
  trying_ = whole;
  next_try_ = SteadyTime::max();
}

bool SeriesLimit::NoteWhole(std::size_t whole, bool good, SteadyTime now) {
  if (trying_ != whole) return false;
  trying_.reset();
  next_try_ = now + until_next_try_;
  if (good) until_next_try_ = kFirstTry;
  return good;
}

SharedRequests::SharedRequests(const std::vector<Query>& queries, int max_series)
    : queries_(GroupQueries(queries, max_series)), request_of_(queries.size()) {
  for (std::size_t request = 0; request < queries_.size(); ++request) {
    for (const std::size_t query : queries_[request]) request_of_[query] = request;
  }
  wholes_ = queries_;
  whole_of_ = request_of_;
  for (const RequestGroup& whole : wholes_) {
    poll_intervals_.push_back(queries[whole.front()].poll_interval);
  }
}

std::size_t SharedRequests::Halve(std::size_t request, SteadyTime now) {
  // What may throw comes first.
  const RequestGroup& all = queries_[request];
  const auto kept = (all.size() + 1) / 2;
  const std::size_t second = Move({all.begin() + static_cast<std::ptrdiff_t>(kept), all.end()});
  queries_[request].resize(kept);
  limit_.NoteHalving(whole_of_[queries_[request].front()], now);
  return second;
}

std::size_t SharedRequests::TakeOut(std::size_t query) {
  const std::size_t from = request_of_[query];
  const std::size_t alone = Move({query});
  std::erase(queries_[from], query);
  return alone;
}

// To a request of their own.
std::size_t SharedRequests::Move(RequestGroup queries) {
  // Those of the wholes are not free: their numbers are theirs.
  const auto first = queries_.begin() + static_cast<std::ptrdiff_t>(wholes_.size());
  const auto empty =
      std::find_if(first, queries_.end(), [](const auto& each) { return each.empty(); });
  const auto request = static_cast<std::size_t>(empty - queries_.begin());
  if (empty == queries_.end()) {
    queries_.push_back(std::move(queries));
  } else {
    *empty = std::move(queries);
  }
  for (const std::size_t query : queries_[request]) request_of_[query] = request;
  return request;
}

bool SharedRequests::AnyInParts() const {
  for (std::size_t whole = 0; whole < wholes_.size(); ++whole) {
    if (InParts(whole)) return true;
  }
  return false;
}

SharedRequests::Next SharedRequests::NoteEnd(std::size_t request, bool good, bool may_be_too_many,
                                             SteadyTime now) {
  const RequestGroup& queries = queries_[request];
  const std::size_t whole = whole_of_[queries.front()];
  if (queries.size() > 1) {
    if (!InParts(whole) && limit_.NoteWhole(whole, good, now)) {
      for (std::size_t each = 0; each < wholes_.size(); ++each) {
        if (InParts(each)) to_join_.insert(each);
      }
    }
    if (!may_be_too_many || !limit_.MayProbe(now)) return Next::kNothing;
    limit_.NoteProbe(now);
    return Next::kAskEndsAlone;
  }
  if (!InParts(whole) || (!good && !may_be_too_many)) return Next::kNothing;
  const SeriesLimit::Verdict verdict = limit_.NoteAlone(good, now);
  if (verdict == SeriesLimit::Verdict::kAllAlike) to_join_.insert(whole);
  if (verdict != SeriesLimit::Verdict::kFewerHelp) return Next::kNothing;
  limit_.NoteHalving(whole, now);
  return Next::kAskRefusedNow;
}

bool SharedRequests::JoinParts(const std::function<bool(std::size_t query)>& in_flight,
                               SteadyTime now) {
  const auto waits = [&](std::size_t whole) {
    return std::ranges::any_of(wholes_[whole], in_flight);
  };
  if (limit_.MayTryWhole(now)) {
    // One that is asked often: others wait for what it is answered.
    std::optional<std::size_t> most_often;
    for (std::size_t whole = 0; whole < wholes_.size(); ++whole) {
      if (!InParts(whole)) continue;
      if (!most_often || poll_intervals_[whole] < poll_intervals_[*most_often]) most_often = whole;
    }
    if (!most_often) {
      limit_.NoteNothingToTry();
    } else if (!waits(*most_often)) {
      limit_.NoteTry(*most_often);
      to_join_.insert(*most_often);
    }
  }
  return std::erase_if(to_join_, [&](std::size_t whole) {
           if (waits(whole)) return false;
           Join(whole);
           return true;
         }) > 0;
}

void SharedRequests::Join(std::size_t whole) {
  RequestGroup all = wholes_[whole];
  for (const std::size_t query : all) {
    if (request_of_[query] != whole) queries_[request_of_[query]].clear();
    request_of_[query] = whole;
  }
  queries_[whole] = std::move(all);
}

}  // namespace radar_spoof
