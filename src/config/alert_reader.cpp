#include "alert_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "api_text_rules.h"
#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr Bounds<double> kScales = {0, 100};
constexpr Bounds<double> kFactor = {1, 100};
constexpr Bounds<double> kShare = {0, 1};
constexpr std::size_t kMostLabels = 16;
constexpr std::size_t kLongestLabelName = 64;    // bytes
constexpr std::size_t kLongestLabelValue = 128;  // bytes

constexpr Meanings<AlertSeverity, 3> kSeverities = {{{"page", AlertSeverity::kCritical},
                                                     {"ticket", AlertSeverity::kWarning},
                                                     {"none", AlertSeverity::kNone}}};
// The first two are what the metric says.
constexpr std::array kSeveritySynonyms = {Synonym{"critical", "page"}, Synonym{"warning", "ticket"},
                                          Synonym{"off", "none"}, Synonym{"false", "none"}};

// Prometheus, "Data model": letters, digits and underscores; those that begin with two are its own.
bool IsLabelName(std::string_view name) {
  return IsIdentifier(name) && name.size() <= kLongestLabelName && !name.starts_with("__");
}

// By Prometheus, or by a series of ours, so that a rule could not join it.
bool IsTaken(std::string_view name) {
  // The last four are what the shipped rules match series by, or drop.
  constexpr auto kOfPrometheus =
      std::to_array<std::string_view>({"alertname", "alertstate", "instance", "job", "le",
                                       "quantile", "cluster", "namespace", "node", "pod"});
  return Contains(kOfPrometheus, name) ||
         std::ranges::any_of(MetricCatalog(), [&](const MetricDescription& metric) {
           return Contains(metric.labels, name);
         });
}

std::optional<std::string> LabelProblem(std::string_view name, const YamlNode& value) {
  if (!IsLabelName(name)) {
    return fmt::format(
        "found a name that is no label's; expected at most {} letters, digits and underscores, "
        "without a digit or two underscores at the beginning",
        kLongestLabelName);
  }
  if (IsTaken(name)) {
    return "found a label that Prometheus or the exporter sets; expected another name";
  }
  const std::size_t bytes = value.text.size();
  if (bytes == 0 || bytes > kLongestLabelValue || ForMessage(value.text, bytes) != value.text) {
    return fmt::format(
        "found {}; expected text of 1 to {} bytes without control characters",
        bytes > kLongestLabelValue ? fmt::format("{} bytes", bytes) : Describe(value),
        kLongestLabelValue);
  }
  return std::nullopt;
}

void ReadLabels(const YamlNode& node, const std::string& path, ProblemList& problems,
                std::vector<StaticLabel>& labels) {
  const MapReader map(node, path, problems, true);
  if (node.keys.size() > kMostLabels) {
    problems.Add(
        node, path,
        fmt::format("found {} labels; expected at most {}", node.keys.size(), kMostLabels));
    return;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& name = node.keys[i].name;
    const YamlNode& value = node.children[i];
    if (auto problem = LabelProblem(name, value)) {
      problems.Add(node.keys[i], map.PathOf(name), *std::move(problem));
      continue;
    }
    const auto place = std::ranges::lower_bound(labels, name, {}, &StaticLabel::name);
    if (place != labels.end() && place->name == name) {
      place->value = value.text;
    } else {
      labels.insert(place, {name, value.text});
    }
  }
}

}  // namespace

void ReadSpikeAlert(MapReader& map, std::span<const KeySet> elsewhere, ProblemList& problems,
                    SpikeAlert& alert) {
  map.Read("alert", kSeverities, alert.severity, kSeveritySynonyms);
  if (const YamlNode* const node = map.Find("expected")) {
    MapReader expected(*node, map.PathOf("expected"), problems, true);
    expected.CheckKeys(kExpectedKeys, elsewhere);
    expected.Read("scales", kScales, alert.expected.scales);
    expected.Read("factor", kFactor, alert.expected.factor);
    expected.Read("rise", kShare, alert.expected.rise);
    expected.Read("floor", kShare, alert.expected.floor);
  }
  if (const YamlNode* const node = map.Find("labels")) {
    ReadLabels(*node, map.PathOf("labels"), problems, alert.labels);
  }
}

}  // namespace radar_spoof
