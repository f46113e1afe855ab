// `result.meta`: what is common to all series of an answer, and how far it can be trusted.
//
// Source: Cloudflare API reference, Radar's "Confidence levels" and "Annotations", and answers
// seen. Of `confidenceInfo` every field may be missing or null; new event types appear. None of
// that is an error. But a PARTIAL_PROJECTION decides whether a bucket may be shown, so what could
// hide one is an error. Thread rule: pure.
#pragma once

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

struct Annotation {
  EventType type;
  std::optional<WallTime> start;  // nullopt: missing or unreadable
  std::optional<WallTime> end;    // likewise; an instantaneous one ends where it starts
  std::size_t position = 0;       // in the list it is from

  // Whether it concerns any of [from, to). A missing end is open.
  bool Overlaps(WallTime from, WallTime to) const;
};

struct Confidence {
  std::optional<int> level;  // 1 to 5; nullopt when missing, null or anything else
  std::vector<Annotation> annotations;
};

// `meta`: the object `result.meta`. Fails with kValidation when `confidenceInfo` is there and no
// object, `annotations` no list, one of these no object, or an `eventType` no text.
Result<Confidence, Failure> ReadConfidence(const JsonValue& meta);

// What the PARTIAL_PROJECTION annotations of a list cover. Source: answers seen, in which one
// covers exactly a last bucket that is not complete ("remaining time was projected").
class Projections {
 public:
  explicit Projections(const std::vector<Annotation>& annotations);

  bool any() const { return any_; }
  // One has times that cannot be read, or that end before they begin: it is of the last bucket.
  bool of_last() const { return of_last_; }
  // Whether the times of one concern any of [from, to).
  bool Cover(WallTime from, WallTime to) const;

 private:
  bool any_ = false;
  bool of_last_ = false;
  // By `from`; each `to` is the latest of those up to it.
  std::vector<TimeRange> ranges_;
};

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
