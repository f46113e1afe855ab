// A table of files and what comes of each, as a text editor shows it:
//
//   -- name --
//   the file
//   =>
//   what comes of it
//
// What stands before the first name is for people.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace radar_spoof::test {

struct FileOutcome {
  std::string name;
  std::string file;
  std::string outcome;
};

inline std::vector<FileOutcome> ReadOutcomeTable(const std::string& text) {
  std::vector<FileOutcome> cases;
  std::istringstream lines(text);
  std::string* part = nullptr;  // nullptr: before the first case
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("-- ") && line.ends_with(" --")) {
      cases.push_back({line.substr(3, line.size() - 6), "", ""});
      part = &cases.back().file;
    } else if (part != nullptr && line == "=>") {
      part = &cases.back().outcome;
    } else if (part != nullptr) {
      *part += line + '\n';
    }
  }
  return cases;
}

}  // namespace radar_spoof::test
