#include "state_file.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// The file, or the reason why it cannot be had. O_NONBLOCK: opening a FIFO must not wait for its
// other end.
FileDescriptor OpenRegular(const std::string& file, int flags,
                           std::optional<std::string>& problem) {
  constexpr int kAlways = O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  FileDescriptor opened(open(file.c_str(), flags | kAlways, 0600));
  struct stat status {};
  if (!opened || fstat(opened.number(), &status) != 0) {
    problem = file + ": " + SystemErrorText(errno);
  } else if (!S_ISREG(status.st_mode)) {
    problem = file + " is not a regular file";
  } else {
    return opened;
  }
  return FileDescriptor();
}

}  // namespace

StateFile::StateFile(const std::string& directory)
    : directory_(directory), path_(directory + "/state") {}

std::optional<std::string> StateFile::Lock() {
  if (lock_) return std::nullopt;
  std::optional<std::string> problem;
  FileDescriptor lock = OpenRegular(directory_ + "/lock", O_RDWR, problem);
  if (!lock) return problem;
  // Where the file system knows no locks, it goes on without one.
  if (flock(lock.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return "another process keeps its state in " + directory_;
  }
  lock_ = std::move(lock);
  return std::nullopt;
}

std::optional<std::string> StateFile::Replace(std::string_view text) {
  if (auto problem = Lock()) return problem;
  const std::string fresh = path_ + ".new";
  std::optional<std::string> problem;
  {
    const FileDescriptor opened = OpenRegular(fresh, O_WRONLY | O_TRUNC, problem);
    if (!opened) return problem;
    if (!WriteAll(opened.number(), text) || fsync(opened.number()) != 0) {
      problem = SystemErrorText(errno);
    }
  }
  if (!problem && std::rename(fresh.c_str(), path_.c_str()) != 0) problem = SystemErrorText(errno);
  if (problem) unlink(fresh.c_str());
  return problem;
}

std::optional<std::string> StateFile::SetAside() {
  std::string aside = path_ + ".damaged";
  if (Lock() || std::rename(path_.c_str(), aside.c_str()) != 0) return std::nullopt;
  return aside;
}

}  // namespace radar_spoof
