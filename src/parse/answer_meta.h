// `result.meta`: what is common to all series of an answer.
//
// Source: Cloudflare API reference, and answers seen. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/result.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/annotations.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

struct AnswerMeta {
  Confidence confidence;
  Projections projections;      // of `confidence.annotations`
  WallTime last_updated;        // at most an hour ahead of our clock
  const JsonValue* date_range;  // in `result`; nullptr when missing
};

// `query`: one of those that were asked; they have the interval in common. Fails with kValidation
// when `meta` is missing, is of other numbers than those asked for (interval, normalization), when
// `lastUpdated` cannot be believed, and as ReadConfidence() does.
Result<AnswerMeta, Failure> ReadMeta(const JsonValue& result, const Query& query, WallTime now);

// `dateRange` of the series in that place of the request: a list has one entry for each series; a
// lone object, which older answers have, is of all. nullopt when it is missing or no range of time.
std::optional<TimeRange> DateRangeOf(const AnswerMeta& meta, std::size_t place);

}  // namespace radar_spoof
