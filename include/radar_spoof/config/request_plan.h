// Which queries are asked in one request, and how many requests that makes, against the budget that
// the configuration sets itself.
//
// Source: Cloudflare API reference: all arrays of a request are positional, and its series must be
// of one interval and resolve to one length. So queries share a request only if they have the same
// interval and range, and filter by the same dimensions: then no position needs a placeholder. They
// must also have the same poll interval, to be due together.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <map>

#include "radar_spoof/core/types.h"

namespace radar_spoof {

struct ApiConfig;

// How many series a request for `query` has: one, and one more for its control period.
int SeriesOf(const Query& query);

// One request: the places of its queries in the list, at least one, ascending.
using RequestGroup = std::vector<std::size_t>;

// Every query is in one group; groups are in the order of their first queries. A group has at most
// `max_series` series, or one query.
std::vector<RequestGroup> GroupQueries(const std::vector<Query>& queries, int max_series);

using QueriesByInterval = std::map<Seconds, int>;

// What a configuration will ask of the API, for `--config.check` and the budget rule.
struct RequestPlan {
  struct Group {
    Seconds poll_interval;
    int queries;
    int requests;  // for all of them once; fewer where they share some
  };

  int queries = 0;
  int series = 0;                     // in the requests: one a query, two with `control`
  double requests_per_5_minutes = 0;  // in steady state, without retries
  int rate_limit = 0;
  std::vector<Group> groups;  // by poll interval, shortest first

  // A table of several lines, each ended by a newline.
  std::string Text() const;
};

// `queries`: those of them that are known whole; the others share no request.
RequestPlan MakePlan(const QueriesByInterval& by_interval, const std::vector<Query>& queries,
                     const ApiConfig& api);

// The plan's arithmetic, when it is more than the limit: "found ...; expected ...".
std::optional<std::string> BudgetError(const RequestPlan& plan);
// When it fits, but leaves little for retries.
std::optional<std::string> BudgetWarning(const RequestPlan& plan);

}  // namespace radar_spoof
