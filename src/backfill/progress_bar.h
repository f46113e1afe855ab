// How far a long command is: a bar on a terminal, else a log line now and then.
//
// On a terminal, log lines that go through Line() and the bar do not write over each other. Thread
// rule: one thread. Blocking: only the destructor, as LineWriter's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"

namespace radar_spoof {

// "[#####...............]  12/48  text", at most `width` columns.
std::string BarText(std::size_t done, std::size_t total, std::string_view text, std::size_t width);

class ProgressBar {
 public:
  // `terminal`: standard error is one.
  explicit ProgressBar(bool terminal);

  bool terminal() const { return terminal_.has_value(); }
  void Show(std::size_t done, std::size_t total, std::string_view text);
  // A line of the log; the bar comes back under it. REQUIRES: terminal().
  void Line(std::string_view line);
  void Clear();

 private:
  std::optional<LineWriter> terminal_;
  std::string shown_;
};

}  // namespace radar_spoof
