#include "radar_spoof/config/map_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

struct DurationUnit {
  char letter;
  Seconds length;
};
constexpr std::array kDurationUnits = {DurationUnit{'w', 168h}, DurationUnit{'d', 24h},
                                       DurationUnit{'h', 1h}, DurationUnit{'m', 1min},
                                       DurationUnit{'s', 1s}};
constexpr Seconds kLongestDuration = 24h * 3653;

bool IsDigits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, IsDigit); }

// nullopt when it is not a duration of at most 10 years.
std::optional<Seconds> ParseDuration(std::string_view text) {
  Seconds total{0};
  auto unit = kDurationUnits.begin();
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  if (position == end) return std::nullopt;
  while (position != end) {
    std::int64_t count = 0;
    if (!IsDigit(*position)) return std::nullopt;
    const auto number = std::from_chars(position, end, count);
    if (number.ec != std::errc() || number.ptr == end) return std::nullopt;
    unit = std::ranges::find(unit, kDurationUnits.end(), *number.ptr, &DurationUnit::letter);
    if (unit == kDurationUnits.end() || count > kLongestDuration / unit->length) {
      return std::nullopt;
    }
    total += count * unit->length;
    ++unit;  // each unit once, in falling order
    position = number.ptr + 1;
  }
  return total <= kLongestDuration ? std::optional(total) : std::nullopt;
}

std::string NotThis(const YamlNode& node, std::string_view expected, std::string_view hint = "") {
  return fmt::format("found {}; expected {}{}{}", Describe(node), expected,
                     hint.empty() ? "" : "; ", hint);
}

std::string IntegerHint(const YamlNode& node) {
  if (node.quoted) return IsDigits(node.text) ? "remove the quotes" : "";
  if (IsDigits(node.text) && node.text.size() > 1 && node.text.front() == '0') {
    const std::size_t zeros = std::min(node.text.find_first_not_of('0'), node.text.size() - 1);
    return "write it without the leading zero: " + node.text.substr(zeros);
  }
  std::string digits = node.text;
  std::erase_if(digits, [](char c) { return c == '_' || c == ',' || c == '\''; });
  if (IsDigits(digits) && IsDigits(node.text.substr(0, 1))) {
    return fmt::format("did you mean {}?", digits);
  }
  return "";
}

// "15 min", "Hour" and "daily" as "15m", "1h" and "1d", with "mo" for months; other text in lower
// case.
std::string WithShortUnit(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::string_view letters;
  };
  constexpr std::array kUnits = {Unit{"sec", "s"},      Unit{"second", "s"}, Unit{"min", "m"},
                                 Unit{"minute", "m"},   Unit{"hr", "h"},     Unit{"hour", "h"},
                                 Unit{"hourly", "h"},   Unit{"day", "d"},    Unit{"daily", "d"},
                                 Unit{"week", "w"},     Unit{"weekly", "w"}, Unit{"month", "mo"},
                                 Unit{"monthly", "mo"}, Unit{"year", "y"},   Unit{"yearly", "y"}};
  std::string lower = LowerCase(text);
  const std::size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
  std::string_view name = Trim(std::string_view(lower).substr(digits));
  if (name.ends_with('s')) name.remove_suffix(1);
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end()) return lower;
  return (digits == 0 ? "1" : lower.substr(0, digits)) + std::string(unit->letters);
}

std::string DurationHint(const YamlNode& node, Bounds<Seconds> range) {
  if (node.kind != YamlNode::Kind::kScalar) return "";
  if (IsDigits(node.text)) {
    return node.text.size() > 9 ? "add a unit"
                                : fmt::format("add a unit: {0}s, {0}m or {0}h", node.text);
  }
  if (ParseDuration(node.text)) return "";
  const auto meant = ParseDuration(WithShortUnit(node.text));
  if (meant && range.least <= *meant && *meant <= range.most) {
    return fmt::format("did you mean {}?", DurationText(*meant));
  }
  return fmt::format("write whole numbers with the units w, d, h, m, s, largest first, as in {}",
                     DurationText(std::clamp<Seconds>(90min, range.least, range.most)));
}

std::string AggIntervalHint(const YamlNode& node) {
  std::array<std::string_view, kAllAggIntervals.size()> meta_names;
  const auto duration = ParseDuration(WithShortUnit(node.text));
  for (std::size_t i = 0; i < kAllAggIntervals.size(); ++i) {
    const AggInterval interval = kAllAggIntervals[i];
    meta_names[i] = MetaName(interval);
    if (duration == Length(interval)) return fmt::format("did you mean {}?", RequestName(interval));
  }
  const std::string_view meta_name = Nearest(node.text, meta_names);
  for (const AggInterval interval : kAllAggIntervals) {
    if (MetaName(interval) == meta_name) {
      return fmt::format("did you mean {}?", RequestName(interval));
    }
  }
  return "";
}

std::string LongestHint(char unit) {
  return unit == 'd' ? "the longest in days is 364d" : "the longest in weeks is 52w";
}

// What the API offers for a length it does not take: hours, months, years, the control suffix.
std::string DateRangeHint(const YamlNode& node) {
  std::string text = WithShortUnit(node.text);
  const bool in_minutes = text.ends_with('m') && text != LowerCase(node.text);
  if (text.ends_with("mo")) text.pop_back();
  if (const auto range = DateRange::Parse(text); range && text != LowerCase(node.text)) {
    return fmt::format("did you mean {}?", range->Text());
  }
  if (text.ends_with("control")) return "use control: true for the control period";
  if (IsDigits(text)) return text.size() > 3 ? "add a unit" : fmt::format("add a unit: {}d", text);
  if (text.size() < 2 || !IsDigits(std::string_view(text).substr(0, text.size() - 1))) return "";
  int count = 0;
  std::from_chars(text.data(), text.data() + text.size() - 1, count);
  const char unit = text.back();
  if ((unit == 'd' || unit == 'w') && count > 0) {
    if (const auto range = DateRange::Parse(text)) return fmt::format("write {}", range->Text());
    return LongestHint(unit);
  }
  if (unit == 'h' && count > 0 && count % 24 == 0) {
    const auto days = DateRange::Parse(fmt::format("{}d", count / 24));
    return days ? fmt::format("did you mean {}?", days->Text()) : LongestHint('d');
  }
  if (unit == 'm' && count >= 1 && count <= 12 && !in_minutes) {
    return fmt::format("there are no months; did you mean {}d or {}w?", count * 30, count * 4);
  }
  if (unit == 'y' && count == 1) return "there are no years; did you mean 52w?";
  return unit == 'h' || in_minutes ? "whole days only" : "";
}

Result<int, std::string> ReadInteger(const YamlNode& node, Bounds<int> range) {
  const std::string expected = fmt::format("a whole number from {} to {}", range.least, range.most);
  if (node.quoted || !IsDigits(node.text) || (node.text.size() > 1 && node.text.front() == '0')) {
    return NotThis(node, expected, IntegerHint(node));
  }
  const auto number = ParseNumber<int>(node.text);
  if (number && *number >= range.least && *number <= range.most) return *number;
  return NotThis(node, expected);
}

// Digits, or digits around a point.
std::optional<double> ParseDecimal(std::string_view text) {
  const std::size_t point = text.find('.');
  if (!IsDigits(text.substr(0, point))) return std::nullopt;
  if (point != std::string_view::npos && !IsDigits(text.substr(point + 1))) return std::nullopt;
  return ParseNumber<double>(text);
}

std::string DecimalHint(const YamlNode& node) {
  if (ParseDecimal(node.text)) return node.quoted ? "remove the quotes" : "";
  std::string text = node.text;
  std::replace(text.begin(), text.end(), ',', '.');
  if (ParseDecimal(text)) return "use a decimal point: " + text;
  const std::size_t digits = std::min(text.find_first_of(" %"), text.size());
  const auto percent = ParseDecimal(std::string_view(text).substr(0, digits));
  if (percent && text.ends_with('%'))
    return fmt::format("write it as a share: {}", PercentToRatio(*percent));
  return "";
}

Result<double, std::string> ReadDecimal(const YamlNode& node, Bounds<double> range) {
  const auto number = node.quoted ? std::nullopt : ParseDecimal(node.text);
  if (number && *number >= range.least && *number <= range.most) return *number;
  return NotThis(node, fmt::format("a number from {} to {}", range.least, range.most),
                 DecimalHint(node));
}

Result<bool, std::string> ReadBoolean(const YamlNode& node) {
  constexpr auto kWords = std::to_array<std::string_view>({"true", "false"});
  // The first six are what YAML 1.1 has for them.
  constexpr std::array kSynonyms = {Synonym{"yes", "true"}, Synonym{"no", "false"},
                                    Synonym{"on", "true"},  Synonym{"off", "false"},
                                    Synonym{"y", "true"},   Synonym{"n", "false"},
                                    Synonym{"1", "true"},   Synonym{"0", "false"}};
  const bool is_word = Contains(kWords, node.text);
  if (is_word && !node.quoted) return node.text == kWords.front();
  if (is_word) return NotThis(node, "true or false", "remove the quotes");
  return NotThis(node, "true or false") + DidYouMean(node.text, kWords, kSynonyms);
}

Result<Seconds, std::string> ReadDuration(const YamlNode& node, Bounds<Seconds> range) {
  const auto duration = ParseDuration(node.text);
  if (duration && *duration >= range.least && *duration <= range.most) return *duration;
  return NotThis(
      node,
      fmt::format("a duration from {} to {}", DurationText(range.least), DurationText(range.most)),
      DurationHint(node, range));
}

Result<AggInterval, std::string> ReadAggInterval(const YamlNode& node) {
  if (const auto interval = ParseAggInterval(node.text)) return *interval;
  return NotThis(node, "one of 15m, 1h, 1d, 1w", AggIntervalHint(node));
}

Result<DateRange, std::string> ReadDateRange(const YamlNode& node) {
  const auto range = DateRange::Parse(node.text);
  if (range && range->Text() == LowerCase(node.text)) return *range;
  return NotThis(node, "1d to 364d or 1w to 52w", DateRangeHint(node));
}

constexpr std::array<std::string_view, 7> kCredentialNames = {
    "token", "api_token", "key", "api_key", "bearer", "secret", "password"};

std::string UnknownKey(std::string_view key, std::span<const std::string_view> known,
                       std::span<const KeySet> elsewhere) {
  const std::string expected = Joined(known);
  if (Contains(known, "token_file") && Contains(kCredentialNames, key)) {
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
  constexpr std::array kSynonyms = {Synonym{"aggregation_interval", "agg_interval"},
                                    Synonym{"window", "date_range"}, Synonym{"severity", "alert"}};
  return fmt::format("found an unknown key; expected one of {}{}", expected,
                     DidYouMean(key, known, kSynonyms));
}

}  // namespace

std::string DurationText(Seconds duration) {
  if (duration == 0s) return "0s";
  std::string text;
  for (const DurationUnit& unit : kDurationUnits) {
    const auto count = duration / unit.length;
    if (count > 0) text += fmt::format("{}{}", count, unit.letter);
    duration -= count * unit.length;
  }
  return text;
}

Result<std::size_t, std::string> ReadWord(const YamlNode& node,
                                          std::span<const std::string_view> words,
                                          std::span<const Synonym> synonyms) {
  const auto word = std::ranges::find(words, node.text);
  if (word != words.end()) return static_cast<std::size_t>(word - words.begin());
  return fmt::format("found {}; expected one of {}{}", Describe(node), Joined(words),
                     DidYouMean(node.text, words, synonyms));
}

MapReader::MapReader(const YamlNode& map, std::string path, ProblemList& problems,
                     bool may_be_empty)
    : map_(map), path_(std::move(path)), problems_(problems) {
  if (map.kind == YamlNode::Kind::kMap) return;
  if (map.kind == YamlNode::Kind::kNull && may_be_empty) return;
  problems_.Add(map, path_, fmt::format("found {}; expected a map", Describe(map)));
}

void MapReader::CheckKeys(std::span<const std::string_view> known,
                          std::span<const KeySet> elsewhere) {
  for (const YamlNode::Key& key : map_.keys) {
    if (Contains(known, key.name)) continue;
    problems_.Add(key, PathOf(key.name), UnknownKey(key.name, known, elsewhere));
  }
}

std::string MapReader::PathOf(std::string_view key) const {
  return path_.empty() ? ForMessage(key) : path_ + '.' + ForMessage(key);
}

Place MapReader::PlaceOf(std::string_view key) const {
  const auto found = std::ranges::find(map_.keys, key, &YamlNode::Key::name);
  return found == map_.keys.end() ? Place(map_) : Place(*found);
}

template <typename Reading, typename Value, typename... Range>
bool MapReader::Take(std::string_view key, Reading read, Value& value, Range... range) {
  const YamlNode* const node = Find(key);
  if (node == nullptr) return true;
  auto result = read(*node, range...);
  if (result) {
    value = std::move(result).value();
    return true;
  }
  problems_.Add(*node, PathOf(key), result.error());
  return false;
}

bool MapReader::Read(std::string_view key, Bounds<int> range, int& value) {
  return Take(key, ReadInteger, value, range);
}

bool MapReader::Read(std::string_view key, Bounds<double> range, double& value) {
  return Take(key, ReadDecimal, value, range);
}

bool MapReader::Read(std::string_view key, Bounds<Seconds> range, Seconds& value) {
  return Take(key, ReadDuration, value, range);
}

bool MapReader::Read(std::string_view key, Bounds<Seconds> range, std::optional<Seconds>& value) {
  return Take(key, ReadDuration, value, range);
}

bool MapReader::Read(std::string_view key, bool& value) { return Take(key, ReadBoolean, value); }

bool MapReader::Read(std::string_view key, std::optional<AggInterval>& value) {
  return Take(key, ReadAggInterval, value);
}

bool MapReader::Read(std::string_view key, std::optional<DateRange>& value) {
  return Take(key, ReadDateRange, value);
}

bool MapReader::Read(std::string_view key, TextRule rule, std::string& value) {
  const YamlNode* const node = Find(key);
  if (node == nullptr) return true;
  std::optional<std::string> problem =
      node->kind == YamlNode::Kind::kScalar ? rule(*node) : NotThis(*node, "text");
  if (!problem) {
    value = node->text;
    return true;
  }
  problems_.Add(*node, PathOf(key), *std::move(problem));
  return false;
}

bool MapReader::Read(std::string_view key, std::span<const std::string_view> words,
                     std::span<const Synonym> synonyms, std::size_t& place) {
  return Take(key, ReadWord, place, words, synonyms);
}

}  // namespace radar_spoof
