#include "radar_spoof/schedule/shared_requests.h"

#include <utility>

namespace radar_spoof {

SharedRequests::SharedRequests(const std::vector<Query>& queries, int max_series)
    : queries_(GroupQueries(queries, max_series)), request_of_(queries.size()) {
  for (std::size_t request = 0; request < queries_.size(); ++request) {
    for (const std::size_t query : queries_[request]) request_of_[query] = request;
  }
}

std::size_t SharedRequests::Halve(std::size_t request) {
  // What may throw comes first.
  const RequestGroup& all = queries_[request];
  const auto kept = (all.size() + 1) / 2;
  queries_.push_back({all.begin() + static_cast<std::ptrdiff_t>(kept), all.end()});
  const std::size_t second = queries_.size() - 1;
  for (const std::size_t query : queries_[second]) request_of_[query] = second;
  queries_[request].resize(kept);
  return second;
}

}  // namespace radar_spoof
