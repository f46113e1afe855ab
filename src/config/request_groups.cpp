#include "radar_spoof/config/request_groups.h"

#include <map>
#include <tuple>

namespace radar_spoof {
namespace {

using Key = std::tuple<Seconds, AggInterval, DateRange, unsigned>;

Key KeyOf(const Query& query) {
  unsigned filtered = 0;
  for (const Dimension dimension : kAllDimensions) {
    if (!query.filters.IsAny(dimension)) filtered |= 1U << static_cast<unsigned>(dimension);
  }
  return {query.poll_interval, query.agg_interval, query.date_range, filtered};
}

}  // namespace

int SeriesOf(const Query& query) { return query.control ? 2 : 1; }

std::vector<RequestGroup> GroupQueries(const std::vector<Query>& queries, int max_series) {
  struct Open {
    std::size_t group;
    int series;
  };
  std::map<Key, Open> open;
  std::vector<RequestGroup> groups;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const int series = SeriesOf(queries[i]);
    const auto [last, is_new] = open.try_emplace(KeyOf(queries[i]), Open{groups.size(), 0});
    if (is_new || last->second.series + series > max_series) {
      last->second = {groups.size(), 0};
      groups.emplace_back();
    }
    groups[last->second.group].push_back(i);
    last->second.series += series;
  }
  return groups;
}

}  // namespace radar_spoof
