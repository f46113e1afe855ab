// Collects what is wrong in one file, in any order, and how such findings are worded.
//
// Used by: yaml_document, map_reader and the readers on top of them; web_config, asked_query.
// Wording: "found X; expected Y", then what to do where that is not plain. Nothing from the file is
// shown longer than 60 characters or with control characters.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "radar_spoof/config/config_problem.h"
#include "radar_spoof/config/yaml_document.h"

namespace radar_spoof {

struct Place {
  Place() = default;
  Place(int at_line, int at_column) : line(at_line), column(at_column) {}
  Place(const YamlNode& node) : line(node.line), column(node.column) {}
  Place(const YamlNode::Key& key) : line(key.line), column(key.column) {}

  int line = 0;
  int column = 0;
};

class ProblemList {
 public:
  explicit ProblemList(std::string file) : file_(std::move(file)) {}

  void Add(Place place, std::string key_path, std::string message);
  // Leaves out those at a place where there is a problem already: they follow from it.
  void AddUnlessPlaceIsTaken(std::vector<ConfigProblem> problems);

  std::size_t size() const { return problems_.size(); }
  // By line, then column, then the order they were found in.
  std::vector<ConfigProblem> Sorted() const;

 private:
  std::string file_;
  std::vector<ConfigProblem> problems_;
};

// Text from a file, fit for a message: control characters as \xNN, cut after `max_characters`.
std::string Shown(std::string_view text, std::size_t max_characters = 60);
// A node, fit to stand behind "found": `5`, `"5"`, `nothing`, `a list`, `a map`.
std::string Shown(const YamlNode& node);

// "a, b, c".
std::string Joined(std::span<const std::string_view> words);

// The one of `known` that `word` was probably meant to be: equal but for case and punctuation, or
// few typing errors away. Empty when nothing is near, or
// two are equally so.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> known);
// "; did you mean X?", or nothing.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> known);

}  // namespace radar_spoof
