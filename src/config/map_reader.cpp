#include "map_reader.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

bool Contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool NamesACredential(std::string_view key) {
  constexpr std::array<std::string_view, 7> kNames = {"token",  "api_token", "key",     "api_key",
                                                      "bearer", "secret",    "password"};
  return Contains(kNames, key);
}

std::string UnknownKey(std::string_view key, std::span<const std::string_view> known,
                       std::span<const KeySet> elsewhere) {
  const std::string expected = Joined(known);
  if (Contains(known, "token_file") && NamesACredential(key)) {
    return fmt::format(
        "found a credential; expected one of {}; credentials are kept out of this file, in "
        "token_file or a variable of the environment",
        expected);
  }
  for (const KeySet& other : elsewhere) {
    if (!Contains(other.keys, key)) continue;
    return fmt::format("found a key of {}; expected one of {}; move it there", other.owner,
                       expected);
  }
  return fmt::format("found an unknown key; expected one of {}{}", expected,
                     DidYouMean(key, known));
}

}  // namespace

MapReader::MapReader(const YamlNode& map, std::string path, ProblemList& problems,
                     bool may_be_empty)
    : map_(map), path_(std::move(path)), problems_(problems) {
  if (map.kind == YamlNode::Kind::kMap) return;
  if (map.kind == YamlNode::Kind::kNull && may_be_empty) return;
  problems_.Add(map, path_, fmt::format("found {}; expected a map", Shown(map)));
}

void MapReader::CheckKeys(std::span<const std::string_view> known,
                          std::span<const KeySet> elsewhere) {
  for (const YamlNode::Key& key : map_.keys) {
    if (Contains(known, key.name)) continue;
    problems_.Add(key, PathOf(key.name), UnknownKey(key.name, known, elsewhere));
  }
}

std::string MapReader::PathOf(std::string_view key) const {
  return path_.empty() ? Shown(key) : path_ + '.' + Shown(key);
}

Place MapReader::PlaceOf(std::string_view key) const {
  const auto found = std::find_if(map_.keys.begin(), map_.keys.end(),
                                  [&](const YamlNode::Key& k) { return k.name == key; });
  return found == map_.keys.end() ? Place(map_) : Place(*found);
}

template <typename Reading, typename Value>
bool MapReader::Take(std::string_view key, Reading read, Value& value) {
  const YamlNode* const node = Find(key);
  if (node == nullptr) return true;
  auto result = read(*node);
  if (result) {
    value = std::move(result).value();
    return true;
  }
  problems_.Add(*node, PathOf(key), result.error().message);
  return false;
}

bool MapReader::Read(std::string_view key, IntegerRange range, int& value) {
  return Take(
      key, [&](const YamlNode& node) { return ReadInteger(node, range); }, value);
}

bool MapReader::Read(std::string_view key, DurationRange range, Seconds& value) {
  return Take(
      key, [&](const YamlNode& node) { return ReadDuration(node, range); }, value);
}

bool MapReader::Read(std::string_view key, DurationRange range, std::optional<Seconds>& value) {
  return Take(
      key, [&](const YamlNode& node) { return ReadDuration(node, range); }, value);
}

bool MapReader::Read(std::string_view key, bool& value) { return Take(key, ReadBoolean, value); }

bool MapReader::Read(std::string_view key, std::optional<AggInterval>& value) {
  return Take(key, ReadAggInterval, value);
}

bool MapReader::Read(std::string_view key, std::optional<DateRange>& value) {
  return Take(key, ReadDateRange, value);
}

bool MapReader::Read(std::string_view key, TextRule defect, std::string& value) {
  const YamlNode* const node = Find(key);
  if (node == nullptr) return true;
  const std::optional<Complaint> complaint =
      node->kind == YamlNode::Kind::kScalar
          ? defect(*node)
          : Complaint{fmt::format("found {}; expected text", Shown(*node))};
  if (!complaint) {
    value = node->text;
    return true;
  }
  problems_.Add(*node, PathOf(key), complaint->message);
  return false;
}

}  // namespace radar_spoof
