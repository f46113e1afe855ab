// The text of a file as its lines, so that findings can be placed.
//
// Used by: yaml_document. Lines and columns given to it are 0-based, as yaml-cpp's marks are; the
// places it gives are 1-based. Columns count bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "radar_spoof/config/problem_list.h"

namespace radar_spoof {

class SourceText {
 public:
  // `text` must outlive this object.
  explicit SourceText(std::string_view text);

  // The first thing in it that is not text: invalid UTF-8, or a control character other than tab
  // and line ends. `found` fits behind that word.
  struct Defect {
    Place place;
    std::string found;
  };
  std::optional<Defect> FirstDefect() const;

  // The byte there, or '\0' past the end of the line.
  char At(int line, int column) const;
  // Whether the quoted text that begins there ends. yaml-cpp lets the end of the file end it.
  bool IsClosedQuote(int line, int column) const;
  bool IsIndentedByTab(int line) const;

 private:
  std::string_view Line(int line) const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace radar_spoof
