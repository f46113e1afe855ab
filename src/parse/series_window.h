// One series of an answer: of its buckets those that may be used, which are complete and hold mail.
//
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "answer_meta.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/core/result.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/json.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {

struct AskedSeries {
  const Query& query;
  const std::string& name;  // its key in the answer
  std::size_t place;        // among the series of the request
  WallTime from;            // where the range asked for begins
};

struct SeriesWindow {
  std::vector<SpoofBucket> buckets;             // complete, with mail; oldest first
  std::size_t count = 0;                        // of all buckets in the answer
  std::size_t complete = 0;                     // of the complete ones, with mail or without
  std::optional<WallTime> complete_until = {};  // where the newest of these ends
  bool placed_by_range = false;                 // starts are from `meta.dateRange`
};

// `result`: the object `result` of the answer, whose meta is `meta`. Fails with kValidation when
// the series is missing, has buckets of more time than was asked for, and as ReadPlaces() and
// ReadBuckets() do. What stands in a bucket that is not complete is never looked at.
Result<SeriesWindow, Failure> ReadSeries(const AskedSeries& asked, const JsonValue& result,
                                         const AnswerMeta& meta, WallTime now);

// kValidation unless `result` has a series of that name.
std::optional<Failure> CheckIsThere(const JsonValue& result, const std::string& name);

}  // namespace radar_spoof
