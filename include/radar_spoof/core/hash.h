// FNV-1a, 64 bits (Fowler, Noll, Vo): a hash that is the same in every run and on every machine.
//
// Not for secrets. Thread rule: pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace radar_spoof {

constexpr std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

}  // namespace radar_spoof
