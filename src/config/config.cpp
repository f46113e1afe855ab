#include "radar_spoof/config/config.h"

#include <algorithm>
#include <utility>

#include "config_reader.h"
#include "radar_spoof/config/yaml_document.h"

namespace radar_spoof {

Seconds MaxDataAge(const Query& query, const PollingConfig& polling) {
  using namespace std::chrono_literals;
  return polling.max_data_age.value_or(std::max<Seconds>(6h, 3 * Length(query.agg_interval)));
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
