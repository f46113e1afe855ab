// The requests a configuration makes, against the budget it sets itself.
//
// Used by: config, config_reader. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "radar_spoof/config/config.h"

namespace radar_spoof {

// How many queries are polled at each interval.
using QueriesByInterval = std::map<Seconds, int>;

// `queries`: those of them that are known whole; the others share no request.
RequestPlan MakePlan(const QueriesByInterval& by_interval, const std::vector<Query>& queries,
                     const ApiConfig& api);

// The plan's arithmetic, when it is more than the limit: "found ...; expected ...".
std::optional<std::string> BudgetError(const RequestPlan& plan);
// When it fits, but leaves little for retries.
std::optional<std::string> BudgetWarning(const RequestPlan& plan);

}  // namespace radar_spoof
