// The part of Schedule that asks for as many series at once as the API takes.
#include <algorithm>
#include <utility>

#include "radar_spoof/schedule/schedule.h"

namespace radar_spoof {

void Schedule::Halve(std::size_t query, Instant now) {
  const std::size_t first = requests_.Of(query);
  // What may throw comes first.
  due_.Resize(requests_.size() + 1);
  retries_.Resize(requests_.size() + 1);
  const std::size_t second = requests_.Halve(first);
  --in_flight_;
  for (const std::size_t half : {first, second}) {
    for (const std::size_t each : requests_.Queries(half)) DropFromFlight(entries_[each], now);
    UpdateOrder(half, now);
  }
  series_limit_.NoteHalving(requests_.WholeOf(query), now.steady);
}

bool Schedule::HasParts() const {
  for (std::size_t whole = 0; whole < requests_.Wholes(); ++whole) {
    if (requests_.InParts(whole)) return true;
  }
  return false;
}

// A request has ended: what does that say of how many series the API takes?
void Schedule::LearnSeriesLimit(std::size_t request, Instant now) {
  const RequestGroup& queries = requests_.Queries(request);
  const std::size_t whole = requests_.WholeOf(queries.front());
  const bool good = std::any_of(queries.begin(), queries.end(), [this](std::size_t query) {
    return entries_[query].failures == 0;
  });
  const bool doubtful = !good && entries_[queries.front()].fewer_may_help;
  if (queries.size() > 1) {
    if (!requests_.InParts(whole) && series_limit_.NoteWhole(whole, good, now.steady)) {
      for (std::size_t each = 0; each < requests_.Wholes(); ++each) {
        if (requests_.InParts(each)) to_join_.insert(each);
      }
    }
    if (doubtful && series_limit_.MayProbe(now.steady)) AskEndsAlone(request, now);
    return;
  }
  if (!requests_.InParts(whole) || (!good && !doubtful)) return;
  switch (series_limit_.NoteAlone(good, now.steady)) {
    case SeriesLimit::Verdict::kNone: break;
    case SeriesLimit::Verdict::kAllAlike: to_join_.insert(whole); break;
    case SeriesLimit::Verdict::kFewerHelp:
      series_limit_.NoteHalving(whole, now.steady);
      ReleaseDoubtful(now);
      break;
  }
}

// The others wait for their slot. Two, as one may be refused for itself.
void Schedule::AskEndsAlone(std::size_t request, Instant now) {
  series_limit_.NoteProbe(now.steady);
  const std::size_t ends[] = {requests_.Queries(request).front(),
                              requests_.Queries(request).back()};
  for (const std::size_t query : ends) {
    due_.Resize(requests_.size() + 1);
    retries_.Resize(requests_.size() + 1);
    const bool is_alone = requests_.Queries(requests_.Of(query)).size() == 1;
    const std::size_t alone = is_alone ? requests_.Of(query) : requests_.TakeOut(query);
    DropFromFlight(entries_[query], now);
    UpdateOrder(alone, now);
  }
}

// Those of whose requests it is known now that they asked for too many.
void Schedule::ReleaseDoubtful(Instant now) {
  for (Entry& entry : entries_) {
    if (entry.fewer_may_help) (void)Release(entry, now);
  }
  Invalidate();
}

bool Schedule::WholeInFlight(std::size_t whole) const {
  const RequestGroup& queries = requests_.WholeQueries(whole);
  return std::any_of(queries.begin(), queries.end(),
                     [this](std::size_t query) { return entries_[query].in_flight; });
}

void Schedule::JoinParts(Instant now) {
  if (series_limit_.MayTryWhole(now.steady)) {
    bool nothing = true;
    for (std::size_t whole = 0; whole < requests_.Wholes(); ++whole) {
      if (!requests_.InParts(whole)) continue;
      nothing = false;
      if (WholeInFlight(whole)) continue;
      series_limit_.NoteTry(whole);
      to_join_.insert(whole);
      break;
    }
    if (nothing) series_limit_.NoteNothingToTry();
  }
  for (auto whole = to_join_.begin(); whole != to_join_.end();) {
    if (WholeInFlight(*whole)) {
      ++whole;
      continue;
    }
    requests_.Join(*whole);
    whole = to_join_.erase(whole);
    ClearOrder();
  }
}

}  // namespace radar_spoof
