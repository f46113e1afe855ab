#include "filter_reader.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

constexpr std::string_view kAny = "any";

// "queries[2].filters.dmarc[1]", spelled out only where there is something to say.
struct KeyPath {
  std::string_view map;
  std::string_view key;
  std::optional<std::size_t> item = {};

  std::string Text() const {
    return fmt::format("{}.{}{}", map, Shown(key), item ? fmt::format("[{}]", *item) : "");
  }
};

std::array<std::string_view, kDimensionCount> DimensionNames() {
  std::array<std::string_view, kDimensionCount> names;
  std::transform(kAllDimensions.begin(), kAllDimensions.end(), names.begin(), LabelName);
  return names;
}

std::optional<Dimension> ParseDimension(std::string_view name) {
  for (const Dimension dimension : kAllDimensions) {
    if (LabelName(dimension) == name) return dimension;
  }
  return std::nullopt;
}

std::vector<std::string_view> LegalWords(Dimension dimension) {
  const auto legal = LegalValues(dimension);
  std::vector<std::string_view> words(legal.begin(), legal.end());
  words.push_back(kAny);
  return words;
}

// The legal word that the scalar is, or nothing, reported.
std::optional<std::string_view> ReadWord(const YamlNode& node, Dimension dimension,
                                         const KeyPath& path, ProblemList& problems) {
  if (node.kind == YamlNode::Kind::kScalar) {
    if (node.text == kAny) return kAny;
    const auto values = LegalValues(dimension);
    const auto word = std::find(values.begin(), values.end(), node.text);
    if (word != values.end()) return *word;
  }
  const std::vector<std::string_view> legal = LegalWords(dimension);
  const std::string hint = node.kind == YamlNode::Kind::kScalar ? DidYouMean(node.text, legal) : "";
  problems.Add(node, path.Text(),
               fmt::format("found {}; expected one of {}{}", Shown(node), Joined(legal), hint));
  return std::nullopt;
}

// Each word once. nullopt when anything in the list is wrong.
std::optional<std::vector<std::string_view>> ReadWords(const YamlNode& list, Dimension dimension,
                                                       const KeyPath& path, ProblemList& problems) {
  if (list.children.empty()) {
    problems.Add(list, path.Text(),
                 fmt::format("found an empty list; expected at least one of {}",
                             Joined(LegalWords(dimension))));
    return std::nullopt;
  }
  std::vector<std::string_view> words;
  bool all_good = true;
  for (std::size_t i = 0; i < list.children.size(); ++i) {
    const KeyPath item_path = {path.map, path.key, i};
    const auto word = ReadWord(list.children[i], dimension, item_path, problems);
    const bool again = word && std::find(words.begin(), words.end(), *word) != words.end();
    if (again) {
      problems.Add(list.children[i], item_path.Text(),
                   fmt::format("found {} again; expected each value once", *word));
    }
    if (!word || again) {
      all_good = false;
    } else {
      words.push_back(*word);
    }
  }
  return all_good ? std::optional(words) : std::nullopt;
}

// Calls `read` with every dimension of the map, in the file's order. False when something is wrong.
// Nothing at all is an empty map, as in every section.
template <typename ReadDimension>
bool ForEachDimension(const YamlNode& map, const std::string& path, ProblemList& problems,
                      ReadDimension read) {
  if (map.kind != YamlNode::Kind::kMap && map.kind != YamlNode::Kind::kNull) {
    problems.Add(map, path,
                 fmt::format("found {}; expected a map with keys from {}", Shown(map),
                             Joined(DimensionNames())));
    return false;
  }
  bool all_good = true;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const YamlNode::Key& key = map.keys[i];
    const KeyPath key_path = {path, key.name};
    const auto dimension = ParseDimension(key.name);
    if (!dimension) {
      problems.Add(key, key_path.Text(),
                   fmt::format("found an unknown dimension; expected one of {}{}",
                               Joined(DimensionNames()), DidYouMean(key.name, DimensionNames())));
    }
    if (!dimension || !read(*dimension, map.children[i], key_path)) all_good = false;
  }
  return all_good;
}

void WarnOfCommaForm(const YamlNode& list, const std::string& path, const std::string& label,
                     ProblemList& warnings) {
  warnings.Add(list, path,
               fmt::format("{} is sent as one series of several values, which nothing documents "
                           "for this filter: the API may refuse it or read it differently; one "
                           "query per value (matrix) is safe",
                           label));
}

}  // namespace

std::optional<Filters> ReadFilters(const YamlNode& node, const std::string& path,
                                   ProblemList& problems, ProblemList& warnings) {
  Filters filters;
  const auto read = [&](Dimension dimension, const YamlNode& value, const KeyPath& key_path) {
    if (value.kind != YamlNode::Kind::kSequence) {
      const auto word = ReadWord(value, dimension, key_path, problems);
      return word && (*word == kAny || filters.Add(dimension, *word));
    }
    const auto words = ReadWords(value, dimension, key_path, problems);
    if (!words) return false;
    const bool has_any = std::find(words->begin(), words->end(), kAny) != words->end();
    if (has_any && words->size() > 1) {
      problems.Add(value, key_path.Text(),
                   "found any beside other values; expected any alone, or the values alone");
      return false;
    }
    if (has_any) return true;
    for (const std::string_view word : *words) {
      if (!filters.Add(dimension, word)) return false;
    }
    if (words->size() > 1) {
      WarnOfCommaForm(value, key_path.Text(), filters.Label(dimension), warnings);
    }
    return true;
  };
  if (!ForEachDimension(node, path, problems, read)) return std::nullopt;
  return filters;
}

std::optional<std::vector<MatrixAxis>> ReadMatrix(const YamlNode& node, const std::string& path,
                                                  ProblemList& problems) {
  std::vector<MatrixAxis> axes;
  const auto read = [&](Dimension dimension, const YamlNode& value, const KeyPath& key_path) {
    if (value.kind != YamlNode::Kind::kSequence) {
      problems.Add(value, key_path.Text(),
                   fmt::format("found {}; expected a list of {}", Shown(value),
                               Joined(LegalWords(dimension))));
      return false;
    }
    auto words = ReadWords(value, dimension, key_path, problems);
    if (!words) return false;
    axes.push_back({dimension, *std::move(words)});
    return true;
  };
  if (!ForEachDimension(node, path, problems, read)) return std::nullopt;
  if (axes.empty()) {
    problems.Add(
        node, path,
        fmt::format("found an empty map; expected at least one of {}", Joined(DimensionNames())));
    return std::nullopt;
  }
  std::sort(axes.begin(), axes.end(),
            [](const MatrixAxis& a, const MatrixAxis& b) { return a.dimension < b.dimension; });
  return axes;
}

}  // namespace radar_spoof
