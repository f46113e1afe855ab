// Which queries are asked in one request.
//
// Used by: config, for the request plan; schedule.
// Source: Cloudflare API reference: all arrays of a request are positional, and its series must be
// of one interval and resolve to one length. So queries share a request only if they have the same
// interval and range, and filter by the same dimensions: then no position needs a placeholder. They
// must also have the same poll interval, to be due together.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <vector>

#include "radar_spoof/words/types.h"

namespace radar_spoof {

// How many series a request for `query` has: one, and one more for its control period.
int SeriesOf(const Query& query);

// One request: the places of its queries in the list, at least one, ascending.
using RequestGroup = std::vector<std::size_t>;

// Every query is in one group; groups are in the order of their first queries. A group has at most
// `max_series` series, or one query.
std::vector<RequestGroup> GroupQueries(const std::vector<Query>& queries, int max_series);

}  // namespace radar_spoof
