// The file that state_saver keeps: DIRECTORY/state, mode 0600, replaced whole or not at all; beside
// it DIRECTORY/state.damaged, where one that cannot be used is set aside, and DIRECTORY/lock, by
// which of several processes only one writes. The kernel releases that lock when its process ends,
// however it ends.
//
// Errors: the system's reason. What stands there under one of these names and is no regular file is
// refused, without waiting for it.
// Blocking: Replace() with fsync. Thread rule: confined to its owner's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/core/file.h"

namespace radar_spoof {

class StateFile {
 public:
  // `directory` exists; it need not be writable yet.
  explicit StateFile(const std::string& directory);

  const std::string& path() const { return path_; }

  // From then on this process is the one that writes. The reason when it cannot be, as long as
  // another process is.
  std::optional<std::string> Lock();
  // After a crash of the machine there is the old file or the new one, never a half of either. The
  // reason when it failed.
  std::optional<std::string> Replace(std::string_view text);
  // Where the file is now; nullopt when it could not be moved, or belongs to another process.
  std::optional<std::string> SetAside();

 private:
  const std::string directory_;
  const std::string path_;
  FileDescriptor lock_;
};

}  // namespace radar_spoof
