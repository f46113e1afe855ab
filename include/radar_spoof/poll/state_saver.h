// Keeps saved_state.h's text in a directory: reads it once at start, writes it when something
// changed, seldom and atomically.
//
// Files: DIRECTORY/state, mode 0600; DIRECTORY/state.damaged, where a file that cannot be read is
// set aside with a warning; DIRECTORY/lock. Of several processes that were given one directory the
// first writes; the others read at start, say so, and write from when the first has ended, however
// it ends: the kernel releases its lock. What stands there under one of these names and is no
// regular file is refused, without waiting for it. Nothing here is ever fatal: a state that cannot
// be written, or for which there is no memory, is one log line when that begins and one when it
// ends. Blocking: reads at most kSavedStateLimit; writes with fsync. Thread rule: confined to the
// poller's thread.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/poll/saved_state.h"
#include "radar_spoof/poll/snapshot.h"
#include "radar_spoof/schedule/schedule.h"

namespace radar_spoof {

class StateSaver {
 public:
  // `directory` exists; it need not be writable yet.
  StateSaver(const std::string& directory, Log& log);

  // Gives queries that ask for the same as when they were saved, of the same API, what is known of
  // them. REQUIRES: `snapshot` is a first one, `schedule` has started nothing.
  void Resume(const ApiConfig& api, Snapshot& snapshot, Schedule& schedule, Instant now);

  // A poll began or ended since the last write.
  void NoteChange() { changed_ = true; }
  // When Save() would write: a second or more after the last write (more with many queries), a
  // minute after a failed one. SteadyTime::max() if nothing changed.
  SteadyTime DueAt() const { return changed_ ? next_ : SteadyTime::max(); }
  void Save(const ApiConfig& api, const Snapshot& snapshot, const Schedule& schedule, Instant now);

 private:
  // From then on this process is the one that writes. The reason when it cannot be, as long as
  // another process is.
  std::optional<std::string> Lock();
  // After a crash of the machine there is the old file or the new one, never a half of either. The
  // reason when it failed.
  std::optional<std::string> Replace(std::string_view text);
  std::optional<SavedState> Load();
  void SetAside(const std::string& reason);
  // `problem`: why nothing can be written; nullopt when it was.
  void Tell(const std::optional<std::string>& problem);

  const std::string directory_;
  const std::string path_;
  FileDescriptor lock_;
  Log& log_;
  bool changed_ = false;
  bool failing_ = false;
  SteadyTime next_{SteadyTime::min()};
};

}  // namespace radar_spoof
