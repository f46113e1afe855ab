// Files and descriptors: one small regular file read whole, every byte of a text written, and the
// format of the files that this program writes for itself.
//
// Thread rule: any thread, one for each descriptor.
#pragma once

#include <optional>

#include "radar_spoof/core/error.h"

namespace radar_spoof {

// A file descriptor that is closed when this ends; -1 holds none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  // The descriptor, which the caller then closes.
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

struct RegularFile {
  std::string content;
  unsigned mode = 0;  // permission bits, as chmod takes them
};

// Refused: anything that is not a regular file (directories, FIFOs, devices), and files longer than
// `max_bytes`, which are not read past it. The error says what was found instead: "a directory",
// "no such file" ... Blocking: opens without waiting (O_NONBLOCK) and reads at most `max_bytes`
// from disk.
Result<RegularFile, std::string> ReadRegularFile(const std::string& path, std::size_t max_bytes);

// Writes all of `text`, however many calls that takes. False, with the reason in errno, when the
// system takes no more; part of it may then be written.
// Blocking: as long as the writes do, also where the descriptor is a non-blocking one.
[[nodiscard]] bool WriteAll(int descriptor, std::string_view text);

// The lines of a file that this program writes for itself stand, but for the first, which says what
// the file is, each behind a hash of its own. So what a crash cut short, or a disk changed, is told
// from what was written, and a line can be appended.

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
  std::string_view rest_;
  bool begins_right_;
};

}  // namespace radar_spoof
