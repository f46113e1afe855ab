// What is wrong in a file that a person wrote, and where.
//
// Used by: config and web_config, whose loaders report every problem of a file at once.
#pragma once

#include <string>

namespace radar_spoof {

struct ConfigProblem {
  std::string file;
  int line = 0;          // 1-based; 0 when the problem is the file itself
  int column = 0;        // 1-based
  std::string key_path;  // "queries[2].filters.dmarc"; may be empty
  std::string message;   // "found X; expected Y", with what to do where that is not plain

  // "file:line:column: key.path: message"; what is missing is left out with its colon.
  std::string Text() const;
};

}  // namespace radar_spoof
