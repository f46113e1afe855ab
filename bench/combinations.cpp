#include "bench/combinations.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace radar_spoof::bench {
namespace {

constexpr std::array<std::pair<AggInterval, std::string_view>, 6> kWindows = {{
    {AggInterval::k15m, "1d"},
    {AggInterval::k1h, "7d"},
    {AggInterval::k1d, "28d"},
    {AggInterval::k1d, "12w"},
    {AggInterval::k1w, "52w"},
    {AggInterval::k1h, "2d"},
}};

// Takes one digit off `number` for each dimension; the digit past the last value is "any".
Query Combination(std::size_t number) {
  Query query{.name = {},
              .filters = {},
              .agg_interval = AggInterval::k15m,
              .date_range = *DateRange::Parse("1d"),
              .control = false,
              .poll_interval = Seconds(3600)};
  query.name = "all";
  for (const Dimension dimension : kAllDimensions) {
    const auto values = LegalValues(dimension);
    const std::size_t digit = number % (values.size() + 1);
    number /= values.size() + 1;
    const std::string_view value = digit < values.size() ? values[digit] : "any";
    query.name += "_" + std::string(LabelName(dimension)) + "_" + std::string(value);
    if (digit < values.size() && !query.filters.Add(dimension, value)) {
      throw std::logic_error("not a legal value");
    }
  }
  const auto& [interval, range] = kWindows.at(number);
  query.agg_interval = interval;
  query.date_range = *DateRange::Parse(range);
  query.name += "_" + std::string(RequestName(interval)) + "_" + std::string(range);
  return query;
}

SpoofSample SampleOf(std::size_t number, int round, Instant now) {
  const double share =
      0.0625 +
      static_cast<double>((number * 7919 + static_cast<std::size_t>(round) * 104729) % 1'000'003) /
          2'000'009;
  SpoofSample sample{*Ratio::FromFraction(share),
                     *Ratio::FromFraction(1 - share),
                     FloorTo(now.wall, Seconds(900)),
                     {},
                     {},
                     5,
                     {},
                     now.wall};
  sample.window = WindowStatistics{.mean = share / 1.1, .standard_deviation = share / 17};
  sample.trend = std::vector<float>(kTrendLength / 2, static_cast<float>(share));
  return sample;
}

}  // namespace

std::vector<Query> Combinations(std::size_t count) {
  std::vector<Query> queries;
  queries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) queries.push_back(Combination(i));
  return queries;
}

Snapshot Answered(const std::vector<Query>& queries, Instant now, int round) {
  return PartlyAnswered(queries, now, round, queries.size());
}

Snapshot PartlyAnswered(const std::vector<Query>& queries, Instant now, int round,
                        std::size_t changed) {
  Snapshot snapshot;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const int own_round = i < changed ? round : 0;
    const Instant at = now + Milliseconds(static_cast<int>(i)) + Seconds(own_round);
    snapshot.queries.push_back({.query = queries[i],
                                .sample = SampleOf(i, own_round, at),
                                .last_success = at,
                                .last_failure = {},
                                .next_poll = at.wall + Seconds(3600),
                                .polls = static_cast<std::uint64_t>(own_round)});
  }
  return snapshot;
}

}  // namespace radar_spoof::bench
