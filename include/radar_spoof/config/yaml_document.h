// A YAML file as a plain tree in which every node knows its place. Holds only what a configuration
// file needs: maps, sequences, scalars. What YAML allows beyond that is refused, because each such
// feature has a way of meaning something else than it seems to say.
//
// Refused: a file that is not regular, is over 4 MiB or is not UTF-8; syntax errors; anchors,
// aliases, merge keys, explicit tags; several documents; an empty document; duplicate keys; keys
// that are not scalars; more than 250,000 nodes or 32 levels.
// Blocking: ReadYamlFile reads one file. Thread rule: pure otherwise.
#pragma once

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/error.h"

namespace radar_spoof {

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  struct Key {
    std::string name;
    Place place;

    operator Place() const { return place; }
  };

  Kind kind = Kind::kNull;
  Place place;                     // of a null: of its key, where it has one
  std::string text;                // kScalar: as written, without quotes; else empty
  bool quoted = false;             // kScalar: "..." or '...', so never a number or a boolean
  std::vector<Key> keys;           // kMap: keys[i] names children[i]
  std::vector<YamlNode> children;  // kMap, kSequence

  operator Place() const { return place; }
  // kMap: the value of that key, or nullptr.
  const YamlNode* Find(std::string_view key) const;
};

// Fit to stand behind "found": `5`, `"5"`, `nothing`, `a list`, `a map`.
std::string Describe(const YamlNode& node);

// `file_name` is only for messages. With `readable_around`, what is refused but leaves the rest
// readable (duplicate keys, anchors, tags ...) is put there instead of failing, so that the caller
// can report it together with what it finds itself; it must then treat that as an error.
Result<YamlNode, std::vector<ConfigProblem>> ParseYaml(
    std::string_view yaml, const std::string& file_name,
    std::vector<ConfigProblem>* readable_around = nullptr);
Result<YamlNode, std::vector<ConfigProblem>> ReadYamlFile(
    const std::string& path, std::vector<ConfigProblem>* readable_around = nullptr);

}  // namespace radar_spoof
