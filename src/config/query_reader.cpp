#include "query_reader.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "filter_reader.h"
#include "map_reader.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 7> kKeys = {
    "name", "filters", "agg_interval", "date_range", "control", "poll_interval", "matrix"};
constexpr DurationRange kPollInterval = {1s, 4 * 168h};

std::optional<std::string> ReadName(const YamlNode& query, const QueryEntry& entry,
                                    ProblemList& problems) {
  const YamlNode* const node = query.Find("name");
  if (node != nullptr && node->kind == YamlNode::Kind::kScalar && IsQueryName(node->text)) {
    return node->text;
  }
  const std::string found = node == nullptr ? "nothing"
                            : node->text.size() > kLongestQueryName
                                ? fmt::format("{} bytes", node->text.size())
                                : Shown(*node);
  problems.Add(node == nullptr ? query : *node, entry.path + ".name",
               fmt::format("found {}; expected a name of 1 to {} bytes without control characters",
                           found, kLongestQueryName));
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

// A dimension both filtered and in the matrix would be narrowed twice.
void CheckOverlap(const YamlNode& filters, const YamlNode& matrix, const std::string& path,
                  ProblemList& problems) {
  for (const YamlNode::Key& key : matrix.keys) {
    if (filters.Find(key.name) == nullptr) continue;
    problems.Add(key, path + ".matrix." + Shown(key.name),
                 "found a dimension that filters has, too; expected it in one of them");
  }
}

}  // namespace

bool IsQueryName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestQueryName && Shown(text, text.size()) == text;
}

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

  const YamlNode* const filters = node.Find("filters");
  const YamlNode* const matrix = node.Find("matrix");
  entry.filters = Filters();
  if (filters != nullptr) {
    entry.filters = ReadFilters(*filters, map.PathOf("filters"), problems, warnings);
  }
  entry.axes.emplace();
  if (matrix != nullptr) {
    entry.has_matrix = true;
    entry.matrix_place = *matrix;
    entry.axes = ReadMatrix(*matrix, map.PathOf("matrix"), problems);
  }
  if (filters != nullptr && matrix != nullptr) {
    const std::size_t before = problems.size();
    CheckOverlap(*filters, *matrix, entry.path, problems);
    if (problems.size() > before) entry.axes.reset();
  }
  return entry;
}

}  // namespace radar_spoof
