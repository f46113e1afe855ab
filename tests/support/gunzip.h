// What the gzip command makes of compressed bytes: another reader than the library that wrote them.
#pragma once

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "support/temporary_directory.h"

namespace radar_spoof::test {

inline std::string Gunzip(const std::string& compressed) {
  const TemporaryDirectory directory;
  const std::string command = "gzip -dc '" + directory.Write("page.gz", compressed) + "'";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  std::array<char, 65536> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    text.append(buffer.data(), size);
  }
  CHECK(::pclose(pipe) == 0);
  return text;
}

}  // namespace radar_spoof::test
