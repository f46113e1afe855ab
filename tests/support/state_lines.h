// A text such as the program writes for itself, made of lines of JSON.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/core/file.h"

namespace radar_spoof::test {

// Lines are what newlines end or part.
inline std::string StateOf(std::string_view lines) {
  std::string text = "radar_spoof_exporter state 3\n";
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() < lines.size() ? line.size() + 1 : line.size());
    text += HashedLine(line);
  }
  return text;
}

}  // namespace radar_spoof::test
