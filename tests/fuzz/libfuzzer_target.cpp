// What libFuzzer calls: the target that is the program's first argument.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_target.h"

namespace {
radar_spoof::test::FuzzTarget target = nullptr;
}  // namespace

// libFuzzer does not read the argument that is taken away here.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  target = radar_spoof::test::NamedTarget(*argc, *argv);
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  target({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
