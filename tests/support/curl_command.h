// The curl command: a TLS client that is not of our making.
#pragma once

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace radar_spoof::test {

// What a shell's command prints.
inline std::string CommandOutput(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string output;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) {
    output += buffer.data();
  }
  ::pclose(pipe);
  return output;
}

// What curl prints, "" when it fails before there is anything to print.
inline std::string RunCurl(const std::string& arguments) {
  return CommandOutput("curl -q -sS --noproxy '*' --max-time 20 " + arguments + " 2>/dev/null");
}

}  // namespace radar_spoof::test
