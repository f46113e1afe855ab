// Any bytes are a state file or are refused; also behind hashes that fit, as only another version
// of this program could have written them. What is accepted is written back the same.
#include <string>
#include <string_view>

#include "radar_spoof/poll/saved_state.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/state_lines.h"

namespace radar_spoof::test {
namespace {

void CheckReadBack(std::string_view text) {
  const auto state = ReadSavedState(text);
  if (!state) {
    Require(!state.error().empty());
    return;
  }
  const std::string written = WriteSavedState(state.value());
  const auto again = ReadSavedState(written);
  Require(again && WriteSavedState(again.value()) == written);
}

}  // namespace

FUZZ_TARGET(saved_state) {
  CheckReadBack(input);
  CheckReadBack(StateOf(input));
}

}  // namespace radar_spoof::test
