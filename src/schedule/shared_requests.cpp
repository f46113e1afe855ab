#include "radar_spoof/schedule/shared_requests.h"

#include <algorithm>
#include <utility>

namespace radar_spoof {

SharedRequests::SharedRequests(const std::vector<Query>& queries, int max_series)
    : queries_(GroupQueries(queries, max_series)), request_of_(queries.size()) {
  for (std::size_t request = 0; request < queries_.size(); ++request) {
    for (const std::size_t query : queries_[request]) request_of_[query] = request;
  }
  wholes_ = queries_;
  whole_of_ = request_of_;
}

std::size_t SharedRequests::Halve(std::size_t request) {
  // What may throw comes first.
  const RequestGroup& all = queries_[request];
  const auto kept = (all.size() + 1) / 2;
  const std::size_t second = Move({all.begin() + static_cast<std::ptrdiff_t>(kept), all.end()});
  queries_[request].resize(kept);
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

void SharedRequests::Join(std::size_t whole) {
  RequestGroup all = wholes_[whole];
  for (const std::size_t query : all) {
    if (request_of_[query] != whole) queries_[request_of_[query]].clear();
    request_of_[query] = whole;
  }
  queries_[whole] = std::move(all);
}

}  // namespace radar_spoof
