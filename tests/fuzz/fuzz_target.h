// How a fuzz target is written: what FUZZ_TARGET(answer) { ... } does with each `input` is the
// target "answer". Its seeds are in tests/fuzz/corpus/answer/.
#pragma once

#include <cstdlib>
#include <iostream>
#include <map>
#include <string_view>

namespace radar_spoof::test {

using FuzzTarget = void (*)(std::string_view input);

// All targets of this program, by their names.
inline std::map<std::string_view, FuzzTarget>& FuzzTargets() {
  static std::map<std::string_view, FuzzTarget> targets;
  return targets;
}

// The one that the program's first argument names. Ends the process where that names none.
inline FuzzTarget NamedTarget(int argc, char** argv) {
  const auto found = argc > 1 ? FuzzTargets().find(argv[1]) : FuzzTargets().end();
  if (found != FuzzTargets().end()) return found->second;
  std::cerr << "the first argument must be one of:";
  for (const auto& [name, target] : FuzzTargets()) std::cerr << ' ' << name;
  std::cerr << '\n';
  std::exit(2);
}

// Ends the process, which the fuzzer reports, unless it holds.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace radar_spoof::test

#define FUZZ_TARGET(NAME)                                                  \
  static void Fuzz_##NAME(std::string_view input);                         \
  [[maybe_unused]] static const bool kFuzz_##NAME =                        \
      radar_spoof::test::FuzzTargets().emplace(#NAME, Fuzz_##NAME).second; \
  static void Fuzz_##NAME(std::string_view input)
