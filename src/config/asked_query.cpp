#include "radar_spoof/config/asked_query.h"

#include <algorithm>

#include <fmt/format.h>

#include "query_list.h"
#include "query_reader.h"
#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostNamesShown = 12;

YamlNode Scalar(std::string_view text) {
  YamlNode node;
  node.kind = Kind::kScalar;
  node.text = text;
  // Shown as "", not as nothing at all.
  node.quoted = text.empty();
  return node;
}

void Put(YamlNode& map, std::string_view key, YamlNode value) {
  map.kind = Kind::kMap;
  map.keys.push_back({std::string(key), {}});
  map.children.push_back(std::move(value));
}

// "FAIL" is one value, "FAIL,NONE" a list.
YamlNode Values(std::string_view text) {
  if (text.find(',') == std::string_view::npos) return Scalar(text);
  YamlNode list;
  list.kind = Kind::kSequence;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    list.children.push_back(Scalar(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return list;
}

YamlNode EntryOf(const QueryFlags& flags) {
  YamlNode entry;
  Put(entry, "name", Scalar("ad_hoc"));
  if (flags.agg_interval) Put(entry, "agg_interval", Scalar(*flags.agg_interval));
  if (flags.date_range) Put(entry, "date_range", Scalar(*flags.date_range));
  Put(entry, "control", Scalar(flags.control ? "true" : "false"));
  YamlNode filters;
  filters.kind = Kind::kMap;
  for (const Dimension dimension : kAllDimensions) {
    const auto& text = flags.filters[static_cast<std::size_t>(dimension)];
    if (text) Put(filters, LabelName(dimension), Values(*text));
  }
  Put(entry, "filters", std::move(filters));
  return entry;
}

// "queries[0].filters.tls_version[1]" is the flag --tls-version. What concerns the whole query has
// no flag.
std::vector<std::string> WithFlags(const ProblemList& list) {
  constexpr std::string_view kKey = "use control: true";
  std::vector<std::string> lines;
  for (ConfigProblem problem : list.Sorted()) {
    const std::size_t key = problem.message.find(kKey);
    if (key != std::string::npos) problem.message.replace(key, kKey.size(), "use --control");
    const std::size_t dot = problem.key_path.rfind('.');
    if (dot == std::string::npos) {
      lines.push_back(problem.message);
      continue;
    }
    std::string flag = problem.key_path.substr(dot + 1);
    flag.erase(std::min(flag.find('['), flag.size()));
    std::replace(flag.begin(), flag.end(), '_', '-');
    lines.push_back(fmt::format("--{}: {}", flag, problem.message));
  }
  return lines;
}

}  // namespace

Result<AskedQuery, std::vector<std::string>> ReadQueryFlags(const QueryFlags& flags) {
  ProblemList problems("");
  ProblemList warnings("");
  QueryList list(problems, warnings);
  list.Add(ReadQuery(EntryOf(flags), 0, QueryDefaults(), {}, problems, warnings));
  if (problems.size() > 0) return WithFlags(problems);
  return AskedQuery{list.queries().front(), WithFlags(warnings)};
}

Result<Query, std::string> FindQuery(const Config& config, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Query& query : config.queries()) {
    if (query.name == name) return query;
    names.emplace_back(query.name);
  }
  const std::string expected = names.size() <= kMostNamesShown
                                   ? Joined(names)
                                   : fmt::format("the {} in the file", names.size());
  return fmt::format("found the name {}; expected one of {}{}", Describe(Scalar(name)), expected,
                     DidYouMean(name, names));
}

}  // namespace radar_spoof
