// The values of `filters` and `matrix`: what a query is narrowed to.
//
// Used by: query_reader. Problems are reported; what they leave is not used, so nullopt.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

// One dimension of a matrix. "any" is among the values if the file says so.
struct MatrixAxis {
  Dimension dimension;
  std::vector<std::string_view> values;
};

// A map of dimensions to one value or a list of them. Several values in one series are a warning:
// nothing documents that the API takes them for these filters.
std::optional<Filters> ReadFilters(const YamlNode& node, const std::string& path,
                                   ProblemList& problems, ProblemList& warnings);

// A map of dimensions to lists of values, given in the order of kAllDimensions.
std::optional<std::vector<MatrixAxis>> ReadMatrix(const YamlNode& node, const std::string& path,
                                                  ProblemList& problems);

}  // namespace radar_spoof
