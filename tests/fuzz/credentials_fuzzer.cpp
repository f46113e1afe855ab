// Whatever stands in a token file, what comes out of it cannot break a header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "radar_spoof/config/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(bytes), size);
  const auto clean = radar_spoof::CleanCredential(raw);
  if (!clean) return 0;
  const std::string& text = clean.value().Reveal();
  if (text.empty() || text.size() > 4096 || raw.find(text) == std::string_view::npos) std::abort();
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7F || c == '"' || c == '\'') std::abort();
  }
  return 0;
}
