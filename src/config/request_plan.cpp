#include "radar_spoof/config/request_plan.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/map_reader.h"

namespace radar_spoof {
namespace {

using Key = std::tuple<Seconds, AggInterval, std::string, unsigned>;

Key KeyOf(const Query& query) {
  unsigned filtered = 0;
  for (const Dimension dimension : kAllDimensions) {
    if (!query.filters.IsAny(dimension)) filtered |= 1U << static_cast<unsigned>(dimension);
  }
  return {query.poll_interval, query.agg_interval, query.date_range.Text(), filtered};
}

constexpr double kBudgetPeriodSeconds = 300;
constexpr double kRoundingNoise = 1e-6;

double RequestsPer5Minutes(const RequestPlan::Group& group) {
  return group.requests * kBudgetPeriodSeconds / static_cast<double>(group.poll_interval.count());
}

std::string Count(int number, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", number, number == 1 ? singular : plural);
}

// "3 queries", "12 queries in 2 requests".
std::string Asked(const RequestPlan::Group& group) {
  std::string text = Count(group.queries, "query", "queries");
  if (group.requests < group.queries) text += " in " + Count(group.requests, "request", "requests");
  return text;
}

std::string RateText(double rate) {
  if (rate < 0.0005) return "under 0.001";
  return rate < 0.95 ? fmt::format("{:.3f}", rate) : fmt::format("{:.1f}", rate);
}

// "2 queries every 1s = 600.0", the greediest first.
std::string Arithmetic(const RequestPlan& plan) {
  constexpr std::size_t kMaxTerms = 5;
  std::vector<RequestPlan::Group> groups = plan.groups;
  std::ranges::stable_sort(groups, std::ranges::greater(), RequestsPer5Minutes);
  std::string text;
  for (std::size_t i = 0; i < std::min(groups.size(), kMaxTerms); ++i) {
    text += fmt::format("{}{} every {} = {}", i == 0 ? "" : " + ", Asked(groups[i]),
                        DurationText(groups[i].poll_interval),
                        RateText(RequestsPer5Minutes(groups[i])));
  }
  if (groups.size() > kMaxTerms) text += " + others";
  if (groups.size() > 1) {
    // A sum that is over the limit by little must not be shown as equal to it.
    const double excess = plan.requests_per_5_minutes - plan.rate_limit;
    const bool is_close = excess > 0 && excess < 0.1;
    text += is_close ? fmt::format(", in all {:.4f}", plan.requests_per_5_minutes)
                     : fmt::format(", in all {}", RateText(plan.requests_per_5_minutes));
  }
  return text + " requests per 5 minutes";
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

RequestPlan MakePlan(const QueriesByInterval& by_interval, const std::vector<Query>& queries,
                     const ApiConfig& api) {
  RequestPlan plan;
  plan.rate_limit = api.rate_limit;
  for (const Query& query : queries) plan.series += SeriesOf(query);
  std::map<Seconds, int> requests(by_interval.begin(), by_interval.end());
  for (const RequestGroup& group : GroupQueries(queries, api.max_series_per_request)) {
    requests[queries[group.front()].poll_interval] -= static_cast<int>(group.size()) - 1;
  }
  for (const auto& [poll_interval, count] : by_interval) {
    plan.groups.push_back({poll_interval, count, requests[poll_interval]});
    plan.queries += count;
    plan.requests_per_5_minutes += RequestsPer5Minutes(plan.groups.back());
  }
  return plan;
}

std::optional<std::string> BudgetError(const RequestPlan& plan) {
  if (plan.requests_per_5_minutes <= plan.rate_limit + kRoundingNoise) return std::nullopt;
  return fmt::format(
      "found {}; expected at most {} (api.rate_limit); raise poll_interval, drop queries, or raise "
      "api.rate_limit to {} or more",
      Arithmetic(plan), plan.rate_limit,
      static_cast<long long>(std::ceil(plan.requests_per_5_minutes - kRoundingNoise)));
}

std::optional<std::string> BudgetWarning(const RequestPlan& plan) {
  constexpr double kComfortableShare = 0.8;
  if (plan.requests_per_5_minutes <= kComfortableShare * plan.rate_limit + kRoundingNoise) {
    return std::nullopt;
  }
  return fmt::format(
      "{}, {:.0f} % of the {} that api.rate_limit allows: little is left for retries",
      Arithmetic(plan), 100 * plan.requests_per_5_minutes / plan.rate_limit, plan.rate_limit);
}

std::string RequestPlan::Text() const {
  std::string text = fmt::format(
      "queries                 {}\n"
      "series                  {}\n"
      "requests per 5 minutes  {} of {} ({:.1f} %)\n",
      queries, series, RateText(requests_per_5_minutes), rate_limit,
      100 * requests_per_5_minutes / rate_limit);
  for (const Group& group : groups) {
    text += fmt::format("  every {:<15} {} from {}\n", DurationText(group.poll_interval),
                        RateText(RequestsPer5Minutes(group)), Asked(group));
  }
  return text;
}

}  // namespace radar_spoof
