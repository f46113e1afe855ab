// One map of a configuration file, read key by key into values. Values are read strictly: what YAML
// would quietly turn into something else is refused with a hint.
//
// What is wrong goes to the ProblemList; the value is then left as it was, so that reading goes on
// and every problem is found.
#pragma once

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// Both included.
template <typename T>
struct Bounds {
  T least;
  T most;
};

// As Prometheus writes durations, the shortest form: "1h30m", "1d", "0s".
std::string DurationText(Seconds duration);

// The keys one kind of map may have. `owner` fits behind "found a key of".
struct KeySet {
  std::string_view owner;
  std::span<const std::string_view> keys;
};

// The words of a closed list, and what each means.
template <typename T, std::size_t kCount>
using Meanings = std::array<std::pair<std::string_view, T>, kCount>;

// The place of the scalar among `words`. The error: "found x; expected one of a, b; did you mean
// a?".
Result<std::size_t, std::string> ReadWord(const YamlNode& node,
                                          std::span<const std::string_view> words,
                                          std::span<const Synonym> synonyms = {});

class MapReader {
 public:
  // `map` and `problems` must outlive this object. A node that is not a map is a problem, and read
  // as an empty one; nothing at all is an empty map if `may_be_empty`.
  MapReader(const YamlNode& map, std::string path, ProblemList& problems, bool may_be_empty);

  // Reports every key that is not one of `known`; whose it is if it is one of `elsewhere`.
  void CheckKeys(std::span<const std::string_view> known, std::span<const KeySet> elsewhere);

  // nullptr when the key is not there.
  const YamlNode* Find(std::string_view key) const { return map_.Find(key); }
  std::string PathOf(std::string_view key) const;
  // Of the key itself; of the map when the key is not there.
  Place PlaceOf(std::string_view key) const;

  // Each reads one key, if it is there. False when its value is wrong.
  // Plain decimal digits, unquoted, without leading zeros.
  bool Read(std::string_view key, Bounds<int> range, int& value);
  // Plain decimal digits, perhaps with a point between them, unquoted: "3", "0.05".
  bool Read(std::string_view key, Bounds<double> range, double& value);
  // "90s", "15m", "1h30m", "1d", "1w": whole numbers, each unit once, the largest first.
  bool Read(std::string_view key, Bounds<Seconds> range, Seconds& value);
  bool Read(std::string_view key, Bounds<Seconds> range, std::optional<Seconds>& value);
  // Unquoted `true` or `false`.
  bool Read(std::string_view key, bool& value);
  bool Read(std::string_view key, std::optional<AggInterval>& value);
  bool Read(std::string_view key, std::optional<DateRange>& value);
  // `rule` says what is wrong with a scalar ("found ...; expected ..."), or nothing.
  using TextRule = std::optional<std::string> (*)(const YamlNode& node);
  bool Read(std::string_view key, TextRule rule, std::string& value);
  template <typename T, std::size_t kCount>
  bool Read(std::string_view key, const Meanings<T, kCount>& meanings, T& value,
            std::span<const Synonym> synonyms = {}) {
    std::array<std::string_view, kCount> words;
    for (std::size_t i = 0; i < kCount; ++i) words[i] = meanings[i].first;
    std::size_t place = kCount;
    const bool is_good = Read(key, words, synonyms, place);
    if (place < kCount) value = meanings[place].second;
    return is_good;
  }

 private:
  bool Read(std::string_view key, std::span<const std::string_view> words,
            std::span<const Synonym> synonyms, std::size_t& place);

  template <typename Reading, typename Value, typename... Range>
  bool Take(std::string_view key, Reading read, Value& value, Range... range);

  const YamlNode& map_;
  std::string path_;
  ProblemList& problems_;
};

}  // namespace radar_spoof
