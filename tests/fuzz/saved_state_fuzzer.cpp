// Any bytes are a state file or are refused; also behind hashes that fit, as only another version
// of this program could have written them. What is accepted is written back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "radar_spoof/poll/saved_state.h"
#include "support/state_lines.h"

namespace {

using namespace radar_spoof;

void Read(std::string_view text) {
  const auto state = ReadSavedState(text);
  if (!state) {
    if (state.error().empty()) std::abort();
    return;
  }
  const std::string written = WriteSavedState(state.value());
  const auto again = ReadSavedState(written);
  if (!again || WriteSavedState(again.value()) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  Read(text);
  Read(test::StateOf(text));
  return 0;
}
