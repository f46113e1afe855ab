// Schedule: which queries are asked in one request, at first as config/request_groups.h puts them,
// then in the halves that the API takes.
//
// Used by: Schedule. Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <vector>

#include "radar_spoof/config/request_groups.h"

namespace radar_spoof {

class SharedRequests {
 public:
  SharedRequests(const std::vector<Query>& queries, int max_series);

  std::size_t size() const { return queries_.size(); }
  // The request that asks for the query.
  std::size_t Of(std::size_t query) const { return request_of_[query]; }
  const RequestGroup& Queries(std::size_t request) const { return queries_[request]; }

  // The second half of its queries become a request of their own, which is returned and is the
  // last. REQUIRES: more than one query.
  std::size_t Halve(std::size_t request);

 private:
  std::vector<RequestGroup> queries_;    // by request
  std::vector<std::size_t> request_of_;  // by query
};

}  // namespace radar_spoof
