// The values of configuration keys, read strictly: what YAML would quietly turn into something else
// is refused with a hint.
//
// Used by: map_reader, query_list, request_plan, config_reader. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/words/clock.h"
#include "radar_spoof/words/result.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

// Why a value is refused: "found X; expected Y", with a hint where that helps.
struct Complaint {
  std::string message;
};

struct IntegerRange {
  int least;
  int most;
};

struct DurationRange {
  Seconds least;
  Seconds most;
};

// Plain decimal digits, unquoted, without leading zeros.
Result<int, Complaint> ReadInteger(const YamlNode& node, IntegerRange range);
// Unquoted `true` or `false`.
Result<bool, Complaint> ReadBoolean(const YamlNode& node);
// As Prometheus writes them, in whole seconds: "90s", "15m", "1h30m", "1d", "1w".
Result<Seconds, Complaint> ReadDuration(const YamlNode& node, DurationRange range);
Result<AggInterval, Complaint> ReadAggInterval(const YamlNode& node);
Result<DateRange, Complaint> ReadDateRange(const YamlNode& node);

// nullopt when it is not a duration of at most 10 years.
std::optional<Seconds> ParseDuration(std::string_view text);
// The shortest form ParseDuration reads back: "1h30m", "1d", "0s".
std::string DurationText(Seconds duration);

}  // namespace radar_spoof
