// Runs a fuzz target over every file of a directory: what was found once stays fixed, also in
// builds without libFuzzer. Usage: corpus_replay TARGET DIRECTORY
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz_target.h"

int main(int argc, char** argv) {
  const auto target = radar_spoof::test::NamedTarget(argc, argv);
  if (argc != 3 || !std::filesystem::is_directory(argv[2])) {
    std::cerr << "usage: " << argv[0] << " TARGET DIRECTORY\n";
    return 2;
  }
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) {
    std::cout << entry.path().filename().string() << std::endl;  // flushed: the last one crashed
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    if (file.bad()) return 1;
    target(input);
    ++count;
  }
  std::cout << count << " inputs\n";
  return count > 0 ? 0 : 1;
}
