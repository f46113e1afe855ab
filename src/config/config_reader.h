// Turns the tree of a configuration file into a Config, or into everything that is wrong with it.
//
// Used by: config. The only maker of Config.
#pragma once

#include <string>
#include <vector>

#include "map_reader.h"
#include "query_list.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/yaml_document.h"

namespace radar_spoof {

// Whether the files that a configuration names are looked at (ca_file).
enum class NamedFiles { kIgnored, kChecked };

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

}  // namespace radar_spoof
