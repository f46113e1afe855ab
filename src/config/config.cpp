#include "radar_spoof/config/config.h"

#include <algorithm>

#include <fmt/format.h>

#include "alert_reader.h"
#include "api_text_rules.h"
#include "query_list.h"
#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr auto kSections =
    std::to_array<std::string_view>({"api", "polling", "defaults", "queries"});
constexpr auto kApiKeys = std::to_array<std::string_view>(
    {"base_url", "path", "token_file", "token_env", "email", "key_file", "key_env", "ca_file",
     "proxy", "timeout", "max_concurrency", "rate_limit", "max_series_per_request"});
constexpr auto kPollingKeys =
    std::to_array<std::string_view>({"settle", "retry_max", "stale_after", "max_data_age"});
constexpr auto kDefaultsKeys =
    std::to_array<std::string_view>({"agg_interval", "date_range", "alert", "expected", "labels"});

// A key that stands in the wrong map is told the first of these that knows it.
std::array<KeySet, 6> AllKeys() {
  return {KeySet{"the top level", kSections}, KeySet{"api", kApiKeys},
          KeySet{"polling", kPollingKeys},    KeySet{"a query", QueryKeys()},
          KeySet{"defaults", kDefaultsKeys},  KeySet{"expected", kExpectedKeys}};
}

constexpr Bounds<Seconds> kTimeout = {1s, 5min};
constexpr Bounds<int> kMaxConcurrency = {1, 64};
constexpr Bounds<int> kRateLimit = {1, 1'000'000'000};
// 50 fit into a URL of 12 KiB, with several values in every filter; of 6 KiB with one in each.
constexpr Bounds<int> kMaxSeriesPerRequest = {1, 50};
constexpr Bounds<Seconds> kSettle = {0s, 1h};
constexpr Bounds<Seconds> kRetryMax = {1s, 24h};
constexpr Bounds<int> kStaleAfter = {1, 1'000};
constexpr Bounds<Seconds> kMaxDataAge = {1min, 52 * 168h};

// https://developers.cloudflare.com/fundamentals/api/reference/limits/: per user, in 5 minutes.
constexpr int kCloudflareDefaultLimit = 1'200;
// The data set runs 15 to 60 minutes behind.
constexpr Seconds kUsualDataLag = 1h;
constexpr std::size_t kMaxCaFileBytes = std::size_t{8} << 20;

}  // namespace

// Whether the files that a configuration names are looked at (ca_file).
enum class NamedFiles { kIgnored, kChecked };

// Turns the tree of a file into a Config, or into everything that is wrong with it.
class ConfigReader {
 public:
  ConfigReader(const std::string& file_name, NamedFiles named_files)
      : problems_(file_name), warnings_(file_name), named_files_(named_files) {}

  // `refused` is what is wrong already; any problem at all makes this fail. To be called once.
  Result<Config, std::vector<ConfigProblem>> Read(const YamlNode& root,
                                                  std::vector<ConfigProblem> refused);

 private:
  void ReadApi(const YamlNode& section);
  void ReadCredentials(MapReader& api);
  void ReadCaFile(MapReader& api);
  void ReadPolling(const YamlNode& section);
  QueryDefaults ReadDefaults(const YamlNode& section);
  void ReadQueries(MapReader& top, const QueryDefaults& defaults);
  void CheckBudget(Place queries, const QueryList& list);
  void CheckMaxDataAge(const YamlNode& polling, Place queries);

  ProblemList problems_;
  ProblemList warnings_;
  NamedFiles named_files_;
  bool budget_is_known_ = true;
  Config config_;
};

Result<Config, std::vector<ConfigProblem>> ConfigReader::Read(const YamlNode& root,
                                                              std::vector<ConfigProblem> refused) {
  if (root.kind == YamlNode::Kind::kMap) {
    MapReader top(root, "", problems_, false);
    top.CheckKeys(kSections, AllKeys());
    const YamlNode nothing;
    const auto section = [&](std::string_view key) -> const YamlNode& {
      const YamlNode* const node = top.Find(key);
      return node == nullptr ? nothing : *node;
    };
    ReadApi(section("api"));
    ReadPolling(section("polling"));
    ReadQueries(top, ReadDefaults(section("defaults")));
    CheckMaxDataAge(section("polling"), top.PlaceOf("queries"));
  } else {
    problems_.Add(root, "",
                  fmt::format("found {}; expected a map with the keys {}", Describe(root),
                              Joined(kSections)));
  }
  if (problems_.size() == 0 && refused.empty()) {
    config_.warnings_ = warnings_.Sorted();
    return std::move(config_);
  }
  ProblemList all("");
  all.AddUnlessPlaceIsTaken(std::move(refused));
  all.AddUnlessPlaceIsTaken(problems_.Sorted());
  return all.Sorted();
}

void ConfigReader::ReadApi(const YamlNode& section) {
  MapReader map(section, "api", problems_, true);
  map.CheckKeys(kApiKeys, AllKeys());
  ApiConfig& api = config_.api_;
  if (map.Read("base_url", BaseUrlProblem, api.base_url) && api.base_url.ends_with('/')) {
    api.base_url.pop_back();
  }
  map.Read("path", PathProblem, api.path);
  ReadCredentials(map);
  map.Read("proxy", ProxyProblem, api.proxy);
  ReadCaFile(map);
  map.Read("timeout", kTimeout, api.timeout);
  map.Read("max_concurrency", kMaxConcurrency, api.max_concurrency);
  const bool rate_limit_is_known = map.Read("rate_limit", kRateLimit, api.rate_limit);
  budget_is_known_ =
      map.Read("max_series_per_request", kMaxSeriesPerRequest, api.max_series_per_request) &&
      rate_limit_is_known;
  if (rate_limit_is_known && api.rate_limit > kCloudflareDefaultLimit) {
    warnings_.Add(
        *map.Find("rate_limit"), "api.rate_limit",
        fmt::format("{} is more than the {} requests per 5 minutes that Cloudflare grants "
                    "a user by default; past those it blocks all of the user's calls",
                    api.rate_limit, kCloudflareDefaultLimit));
  }
}

void ConfigReader::ReadCredentials(MapReader& api) {
  CredentialSource& credentials = config_.api_.credentials;
  api.Read("token_file", FileNameProblem, credentials.token_file);
  api.Read("token_env", VariableNameProblem, credentials.token_env);
  api.Read("email", EmailProblem, credentials.email);
  api.Read("key_file", FileNameProblem, credentials.key_file);
  api.Read("key_env", VariableNameProblem, credentials.key_env);
  const YamlNode* const email = api.Find("email");
  const YamlNode* const token_file = api.Find("token_file");
  if (email != nullptr && token_file != nullptr) {
    problems_.Add(*email, "api.email",
                  fmt::format("found both email (a legacy key) and token_file (line {}, an API "
                              "token); expected one kind of credential",
                              token_file->place.line));
  }
  for (const std::string_view key : {"key_file", "key_env"}) {
    const YamlNode* const node = api.Find(key);
    if (node == nullptr || email != nullptr) continue;
    problems_.Add(*node, api.PathOf(key),
                  "found a legacy key without email; expected both, or an API token in token_file "
                  "or token_env instead");
  }
}

void ConfigReader::ReadCaFile(MapReader& api) {
  std::string& ca_file = config_.api_.ca_file;
  if (!api.Read("ca_file", FileNameProblem, ca_file) || ca_file.empty()) return;
  if (named_files_ == NamedFiles::kIgnored) return;
  const auto refuse = [&](std::string_view found) {
    problems_.Add(*api.Find("ca_file"), "api.ca_file",
                  fmt::format("found {} at {}; expected a file of certificates in PEM form", found,
                              ForMessage(ca_file)));
  };
  const auto file = ReadRegularFile(ca_file, kMaxCaFileBytes);
  if (!file) return refuse(file.error());
  if (file.value().content.empty()) return refuse("an empty file");
  if (file.value().content.find("-----BEGIN ") == std::string::npos) {
    refuse("a file without a certificate");
  }
  config_.api_.ca_file_hash = Fnv1a(file.value().content);
}

void ConfigReader::ReadPolling(const YamlNode& section) {
  MapReader map(section, "polling", problems_, true);
  map.CheckKeys(kPollingKeys, AllKeys());
  PollingConfig& polling = config_.polling_;
  map.Read("settle", kSettle, polling.settle);
  map.Read("retry_max", kRetryMax, polling.retry_max);
  map.Read("stale_after", kStaleAfter, polling.stale_after);
  map.Read("max_data_age", kMaxDataAge, polling.max_data_age);
}

QueryDefaults ConfigReader::ReadDefaults(const YamlNode& section) {
  MapReader map(section, "defaults", problems_, true);
  map.CheckKeys(kDefaultsKeys, AllKeys());
  QueryDefaults defaults;
  if (!map.Read("agg_interval", defaults.agg_interval)) defaults.agg_interval.reset();
  if (!map.Read("date_range", defaults.date_range)) defaults.date_range.reset();
  ReadSpikeAlert(map, AllKeys(), problems_, defaults.alert);
  return defaults;
}

void ConfigReader::ReadQueries(MapReader& top, const QueryDefaults& defaults) {
  const YamlNode* const node = top.Find("queries");
  if (node == nullptr || node->kind != YamlNode::Kind::kSequence || node->children.empty()) {
    const std::string found = node == nullptr ? "missing"
                              : node->kind == YamlNode::Kind::kSequence
                                  ? "found an empty list"
                                  : "found " + Describe(*node);
    problems_.Add(node == nullptr ? top.PlaceOf("queries") : Place(*node), "queries",
                  found + "; expected a list of at least one query, such as \"- name: all\"");
    return;
  }
  QueryList list(problems_, warnings_);
  const auto all_keys = AllKeys();
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    list.Add(ReadQuery(node->children[i], i, defaults, all_keys, problems_, warnings_));
  }
  CheckBudget(top.PlaceOf("queries"), list);
  config_.queries_ = list.TakeQueries();
}

void ConfigReader::CheckBudget(Place queries, const QueryList& list) {
  if (!budget_is_known_) return;
  const RequestPlan plan = MakePlan(list.by_interval(), list.queries(), config_.api_);
  if (auto error = BudgetError(plan)) {
    problems_.Add(queries, "queries", *std::move(error));
  } else if (auto warning = BudgetWarning(plan)) {
    warnings_.Add(queries, "queries", *std::move(warning));
  }
}

// Values must last until the next ones can come.
void ConfigReader::CheckMaxDataAge(const YamlNode& polling, Place queries) {
  const auto needed = [](const Query& query) {
    return std::max(Length(query.agg_interval), query.poll_interval) + kUsualDataLag;
  };
  const Query* worst = nullptr;
  for (const Query& query : config_.queries_) {
    if (needed(query) <= MaxDataAge(query, config_.polling_)) continue;
    if (worst == nullptr || needed(query) > needed(*worst)) worst = &query;
  }
  if (worst == nullptr) return;
  const YamlNode* const key = polling.Find("max_data_age");
  warnings_.Add(
      key == nullptr ? queries : Place(*key), "polling.max_data_age",
      fmt::format("{}{} is less than values of \"{}\" must last ({}, with the usual lag): "
                  "they leave the page before the next ones can come",
                  DurationText(MaxDataAge(*worst, config_.polling_)),
                  key == nullptr ? ", the default," : "", worst->name,
                  DurationText(needed(*worst))));
}

Seconds MaxDataAge(const Query& query, const PollingConfig& polling) {
  return polling.max_data_age.value_or(std::max<Seconds>(6h, 3 * Length(query.agg_interval)));
}

KeptPlaces KeptQueries(const std::vector<Query>& before, const std::vector<Query>& after) {
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < before.size(); ++i) places.emplace(before[i].name, i);
  KeptPlaces kept(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto place = places.find(after[i].name);
    if (place == places.end()) continue;
    Query same = before[place->second];
    same.alert = after[i].alert;
    if (same == after[i]) kept[i] = place->second;
  }
  return kept;
}

RequestPlan Config::Plan() const {
  QueriesByInterval by_interval;
  for (const Query& query : queries_) ++by_interval[query.poll_interval];
  return MakePlan(by_interval, queries_, api_);
}

Result<Config, std::vector<ConfigProblem>> ParseConfig(std::string_view yaml,
                                                       const std::string& file_name) {
  std::vector<ConfigProblem> refused;
  const auto root = ParseYaml(yaml, file_name, &refused);
  if (!root) return root.error();
  return ConfigReader(file_name, NamedFiles::kIgnored).Read(root.value(), std::move(refused));
}

Result<Config, std::vector<ConfigProblem>> LoadConfig(const std::string& path) {
  std::vector<ConfigProblem> refused;
  const auto root = ReadYamlFile(path, &refused);
  if (!root) return root.error();
  return ConfigReader(path, NamedFiles::kChecked).Read(root.value(), std::move(refused));
}

}  // namespace radar_spoof
