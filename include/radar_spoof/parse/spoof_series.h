// One series of an answer: first where its buckets stand, then, of those that may be used,
// what they say.
//
// Source: Cloudflare API reference, and answers seen: SPOOF and NOT_SPOOF are equally long arrays
// of decimal strings in percent; `timestamps`, when given, is as long and holds bucket starts.
// Neither order nor completeness of the buckets is promised. A bucket without mail is left out, or
// has nothing in either class; a series without any mail has no classes at all.
// Errors: kValidation when anything about the series is off. One broken bucket refuses the whole
// series: a number that is partly wrong is not shown.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/result.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

struct BucketPlace {
  std::size_t position;           // in the series' arrays
  std::optional<WallTime> start;  // all buckets of a series have one, or none has
};

struct SeriesPlaces {
  std::vector<BucketPlace> buckets;  // oldest first; without a start in the order of the answer
  bool by_range = false;             // the starts are from `range`, not from `timestamps`
  // False when `range` leaves open whether each start is this one or one interval earlier.
  bool certain = true;
};

// With `timestamps` each start is on the grid of `interval`, and no two are alike. Without them the
// buckets are placed in `range`, the series' `meta.dateRange`, where their number fits it; else
// they have no start. `name` is only for messages.
Result<SeriesPlaces, Failure> ReadPlaces(const JsonValue& series, std::string_view name,
                                         AggInterval interval,
                                         const std::optional<TimeRange>& range);

struct SpoofBucket {
  std::optional<WallTime> start;  // as its place
  Ratio spoof;
  Ratio not_spoof;
  std::size_t position = 0;  // in the series' arrays
};

// The buckets in these places, without those that hold no mail. `cut` is the position of a bucket
// that begins before the time asked for and so may be partial: where it is broken it is left out.
// REQUIRES: `places` are from ReadPlaces() of the same series.
Result<std::vector<SpoofBucket>, Failure> ReadBuckets(const JsonValue& series,
                                                      std::string_view name,
                                                      std::span<const BucketPlace> places,
                                                      std::optional<std::size_t> cut);

// A decimal number, as JSON text or in a string: nothing before or after it, finite. Accepts
// "18.99756", "0.0", "1", "1.4e-05"; refuses "nan", "1e999", " 10", "+10", "0x10", "1,5", "".
std::optional<double> ReadDecimal(const JsonValue& value);

// From a span of buckets of one series, oldest first. nullopt under two buckets.
std::optional<WindowStatistics> StatisticsOf(std::span<const SpoofBucket> buckets);

}  // namespace radar_spoof
