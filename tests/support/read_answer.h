// What a poll of one query makes of an answer whose series have no names.
#pragma once

#include "radar_spoof/parse/radar_response.h"

namespace radar_spoof::test {

inline Result<SpoofWindow, Failure> ReadWindow(const Query& query, const HttpResponse& response,
                                               WallTime now) {
  const Query* const asked[] = {&query};
  const SeriesNames names[] = {{"serie_0", "serie_1"}};
  auto windows = ReadSharedAnswer(asked, names, response, now);
  if (!windows) return windows.error().failure;
  return std::move(windows.value().front());
}

inline Result<SpoofSample, Failure> ReadAnswer(const Query& query, const HttpResponse& response,
                                               WallTime now) {
  const auto window = ReadWindow(query, response, now);
  if (!window) return window.error();
  return SampleOf(query, window.value());
}

}  // namespace radar_spoof::test
