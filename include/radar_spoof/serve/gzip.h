// Gzip, for pages that are sent to clients who allow it; the only door to zlib.
//
// Used by: pages. Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

// One gzip member (RFC 1952) that holds `bytes`. Equal input gives equal output.
// Throws std::bad_alloc when there is no memory for it, nothing else.
std::string Gzip(std::string_view bytes);

}  // namespace radar_spoof
