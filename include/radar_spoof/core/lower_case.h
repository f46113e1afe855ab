// Lower case of ASCII letters, whatever the locale; other bytes stay.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

constexpr char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerCase(c);
  return lower;
}

}  // namespace radar_spoof
