#pragma once

#include <string_view>

namespace radar_spoof::test {

inline bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace radar_spoof::test
