// Parse: one series of an answer, and what can be read off its buckets.
//
// Used by: radar_response, backfill, window_chart. Source: Cloudflare API reference, and answers
// seen: SPOOF and NOT_SPOOF are equally long arrays of decimal strings in percent; `timestamps`,
// when given, is as long and holds bucket starts. Neither order nor completeness of the buckets is
// promised.
// Errors: kValidation when anything about the series is off, kEmpty when it holds no complete
// bucket. One bad bucket refuses the whole series: a number that is partly wrong is not shown.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "radar_spoof/parse/json.h"
#include "radar_spoof/words/error.h"
#include "radar_spoof/words/result.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

struct SpoofBucket {
  std::optional<WallTime> start;  // all buckets of a series have one, or none has
  Ratio spoof;
  Ratio not_spoof;
  bool adds_up;              // SPOOF + NOT_SPOOF is 100 %, give or take 0.01
  std::size_t position = 0;  // in the series' arrays
};

// Oldest first; without `timestamps` in the order of the answer. `name` is only for messages.
Result<std::vector<SpoofBucket>, Failure> ReadSeries(const JsonValue& series,
                                                     std::string_view name);

// A decimal number, as JSON text or in a string: nothing before or after it, finite. Accepts
// "18.99756", "0.0", "1", "1.4e-05"; refuses "nan", "1e999", " 10", "+10", "0x10", "1,5", "".
std::optional<double> ReadDecimal(const JsonValue& value);

// From a span of buckets of one series, oldest first. nullopt under two buckets.
std::optional<WindowStatistics> StatisticsOf(std::span<const SpoofBucket> buckets);

}  // namespace radar_spoof
