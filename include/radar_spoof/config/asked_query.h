// A query that somebody types, by the rules that hold for those in a configuration file.
//
// Errors are worded as those of the file, with the flag in the place of the key: "--dmarc: found
// fail; expected one of FAIL, NONE, PASS, any; did you mean FAIL?".
// Thread rule: pure.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// As typed; nullopt: not given, so that the default of a configuration file applies.
struct QueryFlags {
  std::array<std::optional<std::string>, kDimensionCount> filters;  // "FAIL", "FAIL,NONE"
  std::optional<std::string> agg_interval;
  std::optional<std::string> date_range;
  bool control = false;
};

struct AskedQuery {
  Query query;  // named "ad_hoc"
  std::vector<std::string> warnings;
};

// The error is every problem, one a line.
Result<AskedQuery, std::vector<std::string>> ReadQueryFlags(const QueryFlags& flags);

// The configured query of that name; else what is wrong with the name.
Result<Query, std::string> FindQuery(const Config& config, std::string_view name);

}  // namespace radar_spoof
