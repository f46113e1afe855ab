// What libFuzzer calls: the target that is the program's first argument.
#include <cstddef>
#include <cstdint>
#include <iostream>

#include "tests/fuzz/fuzz_target.h"

namespace {
void (*target)(std::string_view) = nullptr;
}  // namespace

// libFuzzer does not read the argument that is taken away here.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const auto& targets = radar_spoof::test::FuzzTargets();
  const auto found = *argc > 1 ? targets.find((*argv)[1]) : targets.end();
  if (found == targets.end()) {
    std::cerr << "the first argument must be one of:";
    for (const auto& [name, function] : targets) std::cerr << ' ' << name;
    std::cerr << '\n';
    std::exit(2);
  }
  target = found->second;
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  target({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
