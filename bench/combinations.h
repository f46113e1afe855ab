// What every benchmark is about: the combinations of arc, dkim, dmarc, spf {PASS, NONE, FAIL, any}
// and tls_version {four, any}, 1,280 of them, in up to six windows: 7,680.
#pragma once

#include <cstddef>
#include <vector>

#include "radar_spoof/core/types.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof::bench {

// The first `count` of them, polled once an hour. REQUIRES: count <= 7680.
std::vector<Query> Combinations(std::size_t count);

// Each with a good answer that arrived at `now`. The numbers differ from query to query and from
// `round` to `round`.
Snapshot Answered(const std::vector<Query>& queries, Instant now, int round);

// The same, but only the first `changed` queries have the numbers of `round`; the rest those of 0.
Snapshot PartlyAnswered(const std::vector<Query>& queries, Instant now, int round,
                        std::size_t changed);

}  // namespace radar_spoof::bench
