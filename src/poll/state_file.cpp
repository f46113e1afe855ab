#include "state_file.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"

namespace radar_spoof {
namespace {

std::string SystemReason() { return std::generic_category().message(errno); }

// A descriptor, or the reason why there is none. O_NONBLOCK: opening a FIFO must not wait for its
// other end.
int OpenRegular(const std::string& file, int flags, std::optional<std::string>& problem) {
  constexpr int kAlways = O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const int descriptor = open(file.c_str(), flags | kAlways, 0600);
  struct stat status {};
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    problem = file + ": " + SystemReason();
  } else if (!S_ISREG(status.st_mode)) {
    problem = file + " is not a regular file";
  } else {
    return descriptor;
  }
  if (descriptor >= 0) close(descriptor);
  return -1;
}

}  // namespace

StateFile::StateFile(const std::string& directory)
    : directory_(directory), path_(directory + "/state") {}

StateFile::~StateFile() {
  if (lock_ >= 0) close(lock_);
}

std::optional<std::string> StateFile::Lock() {
  if (lock_ >= 0) return std::nullopt;
  std::optional<std::string> problem;
  const int descriptor = OpenRegular(directory_ + "/lock", O_RDWR, problem);
  if (descriptor < 0) return problem;
  // Where the file system knows no locks, it goes on without one.
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(descriptor);
    return "another process keeps its state in " + directory_;
  }
  lock_ = descriptor;
  return std::nullopt;
}

std::optional<std::string> StateFile::Replace(std::string_view text) {
  if (auto problem = Lock()) return problem;
  const std::string fresh = path_ + ".new";
  std::optional<std::string> problem;
  const int descriptor = OpenRegular(fresh, O_WRONLY | O_TRUNC, problem);
  if (descriptor < 0) return problem;
  const bool written = WriteAll(descriptor, text) && fsync(descriptor) == 0;
  if (!written) problem = SystemReason();
  close(descriptor);
  if (written && std::rename(fresh.c_str(), path_.c_str()) != 0) problem = SystemReason();
  if (problem) unlink(fresh.c_str());
  return problem;
}

std::optional<std::string> StateFile::SetAside() {
  std::string aside = path_ + ".damaged";
  if (Lock() || std::rename(path_.c_str(), aside.c_str()) != 0) return std::nullopt;
  return aside;
}

}  // namespace radar_spoof
