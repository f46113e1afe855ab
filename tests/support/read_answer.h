// What a poll of one query makes of an answer.
#pragma once

#include "radar_spoof/parse/radar_response.h"

namespace radar_spoof::test {

inline Result<SpoofSample, Failure> ReadAnswer(const Query& query, const HttpResponse& response,
                                               WallTime now) {
  const auto window = ReadWindow(query, response, now);
  if (!window) return window.error();
  return SampleOf(query, window.value());
}

}  // namespace radar_spoof::test
