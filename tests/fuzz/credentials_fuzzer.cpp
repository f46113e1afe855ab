// Whatever stands in a token file, what comes out of it cannot break a header.
#include <string>
#include <string_view>

#include "radar_spoof/config/credentials.h"
#include "tests/fuzz/fuzz_target.h"

namespace radar_spoof::test {

FUZZ_TARGET(credentials) {
  const auto clean = CleanCredential(input);
  if (!clean) return;
  const std::string& text = clean.value().Reveal();
  Require(!text.empty() && text.size() <= 4096 && input.find(text) != std::string_view::npos);
  for (const char c : text) Require(c > 0x20 && c < 0x7F && c != '"' && c != '\'');
}

}  // namespace radar_spoof::test
