// Which queries are asked in one request, at first as config/request_plan.h puts them,
// then in the parts that the API takes.
//
// Thread rule: confined to its owner's thread.
#pragma once

#include <cstddef>
#include <vector>

#include "radar_spoof/config/request_plan.h"

namespace radar_spoof {

class SharedRequests {
 public:
  SharedRequests(const std::vector<Query>& queries, int max_series);

  // Some are without queries once parts were joined.
  std::size_t size() const { return queries_.size(); }
  // The request that asks for the query.
  std::size_t Of(std::size_t query) const { return request_of_[query]; }
  const RequestGroup& Queries(std::size_t request) const { return queries_[request]; }

  // The second half of its queries become a request of their own, which is returned.
  // REQUIRES: more than one query.
  std::size_t Halve(std::size_t request);
  // The query becomes a request of its own, which is returned.
  std::size_t TakeOut(std::size_t query);

  // What was one request at first, by number; the number is that of the request too, as long as it
  // is in one part.
  std::size_t Wholes() const { return wholes_.size(); }
  std::size_t WholeOf(std::size_t query) const { return whole_of_[query]; }
  const RequestGroup& WholeQueries(std::size_t whole) const { return wholes_[whole]; }
  bool InParts(std::size_t whole) const { return queries_[whole].size() != wholes_[whole].size(); }
  bool AnyInParts() const;
  // One request again. REQUIRES: none of its parts is in flight.
  void Join(std::size_t whole);

 private:
  std::size_t Move(RequestGroup queries);

  std::vector<RequestGroup> queries_;    // by request
  std::vector<std::size_t> request_of_;  // by query
  std::vector<RequestGroup> wholes_;     // as at first
  std::vector<std::size_t> whole_of_;    // by query
};

}  // namespace radar_spoof
