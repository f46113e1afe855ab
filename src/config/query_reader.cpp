#include "query_reader.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "alert_reader.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kAny = "any";

// "queries[2].filters.dmarc[1]", spelled out only where there is something to say.
struct KeyPath {
  std::string_view map;
  std::string_view key;
  std::optional<std::size_t> item = {};

  std::string Text() const {
    return fmt::format("{}.{}{}", map, ForMessage(key), item ? fmt::format("[{}]", *item) : "");
  }
};

std::array<std::string_view, kDimensionCount> DimensionNames() {
  std::array<std::string_view, kDimensionCount> names;
  std::transform(kAllDimensions.begin(), kAllDimensions.end(), names.begin(), LabelName);
  return names;
}

std::vector<std::string_view> LegalWords(Dimension dimension) {
  const auto legal = LegalValues(dimension);
  std::vector<std::string_view> words(legal.begin(), legal.end());
  words.push_back(kAny);
  return words;
}

// The legal word that the scalar is, or nothing, reported.
std::optional<std::string_view> ReadValue(const YamlNode& node, Dimension dimension,
                                          const KeyPath& path, ProblemList& problems) {
  const std::vector<std::string_view> legal = LegalWords(dimension);
  constexpr std::array kSynonyms = {Synonym{"all", kAny}, Synonym{"*", kAny}};
  const auto place = ReadWord(node, legal, kSynonyms);
  if (place) return legal[place.value()];
  problems.Add(node, path.Text(), place.error());
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
    const auto word = ReadValue(list.children[i], dimension, item_path, problems);
    if (word && !Contains(words, *word)) {
      words.push_back(*word);
      continue;
    }
    all_good = false;
    if (!word) continue;
    problems.Add(list.children[i], item_path.Text(),
                 fmt::format("found {} again; expected each value once", *word));
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
                 fmt::format("found {}; expected a map with keys from {}", Describe(map),
                             Joined(DimensionNames())));
    return false;
  }
  bool all_good = true;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const YamlNode::Key& key = map.keys[i];
    const KeyPath key_path = {path, key.name};
    const auto* const dimension = std::ranges::find(kAllDimensions, key.name, LabelName);
    if (dimension == kAllDimensions.end()) {
      problems.Add(key, key_path.Text(),
                   fmt::format("found an unknown dimension; expected one of {}{}",
                               Joined(DimensionNames()), DidYouMean(key.name, DimensionNames())));
      all_good = false;
    } else if (!read(*dimension, map.children[i], key_path)) {
      all_good = false;
    }
  }
  return all_good;
}

// A map of dimensions to one value or a list of them.
std::optional<Filters> ReadFilters(const YamlNode& node, const std::string& path,
                                   ProblemList& problems, ProblemList& warnings) {
  Filters filters;
  const auto read = [&](Dimension dimension, const YamlNode& value, const KeyPath& key_path) {
    if (value.kind != YamlNode::Kind::kSequence) {
      const auto word = ReadValue(value, dimension, key_path, problems);
      return word && (*word == kAny || filters.Add(dimension, *word));
    }
    const auto words = ReadWords(value, dimension, key_path, problems);
    if (!words) return false;
    if (*words == std::vector{kAny}) return true;
    if (Contains(*words, kAny)) {
      problems.Add(value, key_path.Text(),
                   "found any beside other values; expected any alone, or the values alone");
      return false;
    }
    for (const std::string_view word : *words) {
      if (!filters.Add(dimension, word)) return false;
    }
    if (words->size() > 1) {
      warnings.Add(
          value, key_path.Text(),
          fmt::format("{} is sent as one series of several values, which nothing documents "
                      "for this filter: the API may refuse it or read it differently; one "
                      "query per value (matrix) is safe",
                      filters.Label(dimension)));
    }
    return true;
  };
  if (!ForEachDimension(node, path, problems, read)) return std::nullopt;
  return filters;
}

// A map of dimensions to lists of values, given in the order of kAllDimensions.
std::optional<std::vector<MatrixAxis>> ReadMatrix(const YamlNode& node, const std::string& path,
                                                  ProblemList& problems) {
  std::vector<MatrixAxis> axes;
  const auto read = [&](Dimension dimension, const YamlNode& value, const KeyPath& key_path) {
    if (value.kind != YamlNode::Kind::kSequence) {
      problems.Add(value, key_path.Text(),
                   fmt::format("found {}; expected a list of {}", Describe(value),
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
  std::ranges::sort(axes, {}, &MatrixAxis::dimension);
  return axes;
}

constexpr auto kKeys =
    std::to_array<std::string_view>({"name", "filters", "agg_interval", "date_range", "control",
                                     "poll_interval", "matrix", "alert", "expected", "labels"});
constexpr Bounds<Seconds> kPollInterval = {1s, 4 * 168h};

bool IsQueryName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestQueryName && ForMessage(text, text.size()) == text;
}

std::optional<std::string> ReadName(const YamlNode& query, const QueryEntry& entry,
                                    ProblemList& problems) {
  const YamlNode* const node = query.Find("name");
  if (node != nullptr && node->kind == YamlNode::Kind::kScalar && IsQueryName(node->text)) {
    return node->text;
  }
  const std::string found = node == nullptr ? "missing"
                            : node->text.size() > kLongestQueryName
                                ? fmt::format("found {} bytes", node->text.size())
                                : "found " + Describe(*node);
  problems.Add(node == nullptr ? query : *node, entry.path + ".name",
               fmt::format("{}; expected a name of 1 to {} bytes without control characters", found,
                           kLongestQueryName));
  return std::nullopt;
}

void ReadWindow(MapReader& map, const YamlNode& node, const QueryDefaults& defaults,
                QueryEntry& entry) {
  entry.agg_interval = defaults.agg_interval;
  entry.date_range = defaults.date_range;
  entry.window_place = node;
  for (const std::string_view key : {"agg_interval", "date_range"}) {
    if (const YamlNode* const value = map.Find(key)) {
      entry.window_place = *value;
      entry.window_key = key;
    }
  }
  if (!map.Read("agg_interval", entry.agg_interval)) entry.agg_interval.reset();
  if (!map.Read("date_range", entry.date_range)) entry.date_range.reset();
  if (entry.agg_interval) entry.poll_interval = Length(*entry.agg_interval);
  if (!map.Read("poll_interval", kPollInterval, entry.poll_interval)) entry.poll_interval.reset();
}

}  // namespace

std::size_t QueryEntry::Combinations() const {
  if (!axes) return 0;
  return std::accumulate(
      axes->begin(), axes->end(), std::size_t{1},
      [](std::size_t product, const MatrixAxis& axis) { return product * axis.values.size(); });
}

std::span<const std::string_view> QueryKeys() { return kKeys; }

QueryEntry ReadQuery(const YamlNode& node, std::size_t index, const QueryDefaults& defaults,
                     std::span<const KeySet> elsewhere, ProblemList& problems,
                     ProblemList& warnings) {
  QueryEntry entry;
  entry.path = fmt::format("queries[{}]", index);
  entry.place = entry.name_place = entry.matrix_place = node;
  MapReader map(node, entry.path, problems, false);
  if (node.kind != YamlNode::Kind::kMap) return entry;
  map.CheckKeys(kKeys, elsewhere);

  entry.name = ReadName(node, entry, problems);
  if (const YamlNode* const name = node.Find("name")) entry.name_place = *name;
  ReadWindow(map, node, defaults, entry);
  map.Read("control", entry.control);
  entry.alert = defaults.alert;
  ReadSpikeAlert(map, elsewhere, problems, entry.alert);

  const YamlNode* const filters = node.Find("filters");
  const YamlNode* const matrix = node.Find("matrix");
  entry.filters = Filters();
  if (filters != nullptr) {
    entry.filters = ReadFilters(*filters, map.PathOf("filters"), problems, warnings);
  }
  entry.axes.emplace();
  if (matrix != nullptr) {
    entry.matrix_place = *matrix;
    entry.axes = ReadMatrix(*matrix, map.PathOf("matrix"), problems);
  }
  if (filters == nullptr || matrix == nullptr) return entry;
  for (const YamlNode::Key& key : matrix->keys) {
    if (filters->Find(key.name) == nullptr) continue;
    problems.Add(key, entry.path + ".matrix." + ForMessage(key.name),
                 "found a dimension that filters has, too; expected it in one of them");
    entry.axes.reset();
  }
  return entry;
}

}  // namespace radar_spoof
