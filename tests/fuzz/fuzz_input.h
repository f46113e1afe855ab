// What fuzz targets share: how their input is taken apart, and how they tell that something is
// wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace radar_spoof {

// Ends the process, which the fuzzer reports, unless it holds.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

// What stands before `separator`, which is taken from `rest` with it; all where there is none.
inline std::string_view TakeUntil(std::string_view& rest, std::string_view separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + separator.size(), rest.size()));
  return part;
}

}  // namespace radar_spoof
