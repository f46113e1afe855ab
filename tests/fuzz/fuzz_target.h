// How a fuzz target is written: what FUZZ_TARGET(answer) { ... } does with each `input` is the
// target "answer". Its seeds are in tests/fuzz/corpus/answer/.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>

namespace radar_spoof::test {

// All targets of this program, by their names.
inline std::map<std::string_view, void (*)(std::string_view)>& FuzzTargets() {
  static std::map<std::string_view, void (*)(std::string_view)> targets;
  return targets;
}

// Ends the process, which the fuzzer reports, unless it holds.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

// What stands before `separator`, which is taken from `rest` with it; all where there is none.
inline std::string_view TakeUntil(std::string_view& rest, std::string_view separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + separator.size(), rest.size()));
  return part;
}

}  // namespace radar_spoof::test

#define FUZZ_TARGET(NAME)                                                  \
  static void Fuzz_##NAME(std::string_view input);                         \
  [[maybe_unused]] static const bool kFuzz_##NAME =                        \
      radar_spoof::test::FuzzTargets().emplace(#NAME, Fuzz_##NAME).second; \
  static void Fuzz_##NAME(std::string_view input)
