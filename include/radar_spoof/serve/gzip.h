// Gzip, for pages that are sent to clients who allow it; the only door to zlib.
//
// Used by: metrics_page; the simulator. Thread rule: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace radar_spoof {

// One gzip member (RFC 1952) that holds `bytes`. Equal input gives equal output.
// Throws std::bad_alloc when there is no memory for it, nothing else.
std::string Gzip(std::string_view bytes);

// The beginning of a member that can be continued more than once: `bytes` ends at a byte boundary
// of the compressed stream.
struct GzipBegun {
  std::string bytes;
  std::uint32_t crc = 0;   // of what was compressed
  std::uint32_t size = 0;  // likewise, modulo 2^32
};

// Both throw as Gzip does. BeginGzip(a).bytes + EndGzip(BeginGzip(a), b) is one member that holds
// a + b. `rest` is meant to be small: it is compressed without a look at what came before it.
GzipBegun BeginGzip(std::string_view bytes);
std::string EndGzip(const GzipBegun& begun, std::string_view rest);

}  // namespace radar_spoof
