// Every byte of a text to a file, however many calls that takes.
//
// Blocking: as long as the writes do, also where the descriptor is a non-blocking one. Thread rule:
// any thread, one for each descriptor.
#pragma once

#include <string_view>

namespace radar_spoof {

// False, with the reason in errno, when the system takes no more; part of it may then be written.
[[nodiscard]] bool WriteAll(int descriptor, std::string_view text);

}  // namespace radar_spoof
