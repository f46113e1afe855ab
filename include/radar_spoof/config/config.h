// First stage: a YAML file becomes a Config that is valid, or the full list of what is wrong.
//
// The keys, their defaults and meaning are documented in config.example.yaml, which a test loads.
// Errors: every problem in the file is reported, not the first one.
// Blocking: LoadConfig reads one regular file of at most 4 MiB. Thread rule: plain values.
#pragma once

#include "radar_spoof/config/credentials.h"
#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/request_plan.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

struct ApiConfig {
  std::string base_url = "https://api.cloudflare.com/client/v4";  // no trailing slash
  std::string path = "/radar/email/security/timeseries_groups/spoof";
  CredentialSource credentials;
  std::string ca_file;             // empty: the system's
  std::uint64_t ca_file_hash = 0;  // of its content: another one is another configuration
  // "none"; "environment" (https_proxy, no_proxy); or http[s]://HOST:PORT. Never for http://.
  std::string proxy = "none";
  Seconds timeout{20};  // one request, all of it
  int max_concurrency = 8;
  int rate_limit = 600;            // requests in any 5 minutes
  int max_series_per_request = 1;  // more than one: queries share requests (request_plan.h)

  friend bool operator==(const ApiConfig&, const ApiConfig&) = default;
};

struct PollingConfig {
  Seconds settle{120};     // after an interval's end, before the first ask for its bucket
  Seconds retry_max{300};  // the longest delay between retries
  int stale_after = 3;     // poll intervals
  std::optional<Seconds> max_data_age;  // nullopt: the larger of 6 h and 3 aggregation intervals

  friend bool operator==(const PollingConfig&, const PollingConfig&) = default;
};

// How old the end of a query's newest complete bucket may be: `max_data_age` as configured, else
// the larger of 6 hours and 3 aggregation intervals.
Seconds MaxDataAge(const Query& query, const PollingConfig& polling);

// Valid by construction: only LoadConfig and ParseConfig make one. Holds at least one query; names
// are unique; no two queries ask for the same thing; the plan fits the budget.
class Config {
 public:
  const ApiConfig& api() const { return api_; }
  const PollingConfig& polling() const { return polling_; }
  // As configured, matrices expanded.
  const std::vector<Query>& queries() const { return queries_; }
  const std::vector<ConfigProblem>& warnings() const { return warnings_; }
  // Whether both make the exporter do the same, whatever else their files say.
  bool HasSameEffectAs(const Config& other) const {
    return api_ == other.api_ && polling_ == other.polling_ && queries_ == other.queries_;
  }
  RequestPlan Plan() const;

 private:
  friend class ConfigReader;  // in config.cpp
  Config() = default;
  ApiConfig api_;
  PollingConfig polling_;
  std::vector<Query> queries_;
  std::vector<ConfigProblem> warnings_;
};

// For each of `after` its place in `before`, if it stands there and is asked the same, as often:
// what keeps its state when the configuration is read again. Its alert may be another one.
// REQUIRES: names are unique in each.
using KeptPlaces = std::vector<std::optional<std::size_t>>;
KeptPlaces KeptQueries(const std::vector<Query>& before, const std::vector<Query>& after);

// `file_name` is only for messages.
Result<Config, std::vector<ConfigProblem>> ParseConfig(std::string_view yaml,
                                                       const std::string& file_name);
Result<Config, std::vector<ConfigProblem>> LoadConfig(const std::string& path);

// Configuration and credentials as they were read together, at start or at a reload. Whoever has
// them may read the credentials again.
struct Settings {
  Config config;
  CredentialReader credential_reader;
  Credentials credentials;         // as read last
  std::uint64_t content_hash = 0;  // of the configuration file, just before it was read
};

}  // namespace radar_spoof
