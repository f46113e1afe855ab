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

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/answer_meta.h"
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

// How far an answer may reach beyond the range asked for: the API widens that to whole hours, and
// to whole buckets, which is one interval.
inline Seconds RangeAdjustment(AggInterval interval) {
  return Length(interval) + std::chrono::hours(1);
}

struct AskedSeries {
  const Query& query;
  const std::string& name;  // its key in the answer
  std::size_t place;        // among the series of the request
  WallTime from;            // where the range asked for begins
};

struct SeriesWindow {
  std::vector<SpoofBucket> buckets;  // complete, with mail; oldest first
  std::size_t count = 0;             // of all buckets in the answer
  std::size_t complete = 0;          // of the complete ones, with mail or without
  bool placed_by_range = false;      // starts are from `meta.dateRange`
};

// `result`: the object `result` of the answer, whose meta is `meta`. Fails with kValidation when
// the series is missing, has complete buckets of more time than was asked for, and as ReadPlaces()
// and ReadBuckets() do. What stands in a bucket that is not complete is never looked at.
Result<SeriesWindow, Failure> ReadSeries(const AskedSeries& asked, const JsonValue& result,
                                         const AnswerMeta& meta, WallTime now);

// kValidation unless `result` has a series of that name.
std::optional<Failure> CheckIsThere(const JsonValue& result, const std::string& name);

// From a span of buckets of one series, oldest first. nullopt under two buckets.
std::optional<WindowStatistics> StatisticsOf(std::span<const SpoofBucket> buckets);

}  // namespace radar_spoof
