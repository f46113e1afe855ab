// The format of the files that this program writes for itself: a first line that says what the file
// is, then lines that each stand behind a hash of their own. So what a crash cut short, or a disk
// changed, is told from what was written, and a line can be appended.
//
// Thread rule: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

// `line` as it is written, with its hash and a newline. REQUIRES: no newline in `line`.
std::string HashedLine(std::string_view line);

// Reads such a text, which must live as long.
class HashedLines {
 public:
  // `first`: what the first line must be.
  HashedLines(std::string_view text, std::string_view first);

  // Otherwise it is another file, and its lines say nothing.
  bool begins_right() const { return begins_right_; }
  bool AtEnd() const { return rest_.empty(); }
  // The next line, without its hash; nullopt for one that is not as it was written. The last may
  // lack its newline. REQUIRES: !AtEnd().
  std::optional<std::string_view> Next();

 private:
  std::string_view TakeLine();

  std::string_view rest_;
  bool begins_right_;
};

}  // namespace radar_spoof
