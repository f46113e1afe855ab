// Parse: `meta.confidenceInfo`: how far an answer can be trusted, and why not.
//
// Used by: radar_response. Source: Cloudflare Radar, "Confidence levels" and "Annotations". Every
// field may be missing or null; new event types appear. None of that is an error.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "radar_spoof/parse/json.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

struct Annotation {
  EventType type;
  std::optional<WallTime> start;  // nullopt: missing or unreadable
  std::optional<WallTime> end;    // likewise; an instantaneous one ends where it starts
  std::size_t position = 0;       // in the list it is from

  // Whether it concerns any of [from, to). A missing end is open.
  bool Overlaps(WallTime from, WallTime to) const;
};

// The API gives a handful; more than this are not read, so that no answer can cost seconds.
inline constexpr std::size_t kMaxAnnotations = 1'000;

struct Confidence {
  std::optional<int> level;  // 1 to 5; nullopt when missing, null or anything else
  std::vector<Annotation> annotations;
};

// `meta`: the object `result.meta`.
Confidence ReadConfidence(const JsonValue& meta);

}  // namespace radar_spoof
