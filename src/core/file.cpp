#include "radar_spoof/core/file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// Whether another try to write may go better.
bool MayTryAgain(int descriptor) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN) return false;
  pollfd room{descriptor, POLLOUT, 0};
  return poll(&room, 1, -1) >= 0 || errno == EINTR;
}

std::string SystemProblem(int error) {
  if (error == ENOENT) return "no such file";
  if (error == EACCES) return "a file that this user may not read";
  return fmt::format("a file that cannot be read ({})", SystemErrorText(error));
}

std::string TooLong(std::size_t max_bytes) {
  constexpr std::size_t kKiB = 1024;
  constexpr std::size_t kMiB = kKiB * kKiB;
  if (max_bytes % kMiB == 0) return fmt::format("a file of more than {} MiB", max_bytes / kMiB);
  if (max_bytes % kKiB == 0) return fmt::format("a file of more than {} KiB", max_bytes / kKiB);
  return fmt::format("a file of more than {} bytes", max_bytes);
}

constexpr std::size_t kHashLength = 17;

// What stands before the line.
std::string HashText(std::string_view line) { return fmt::format("{:016x} ", Fnv1a(line)); }

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) close(number_);
}

Result<RegularFile, std::string> ReadRegularFile(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) return SystemProblem(errno);
  struct stat status {};
  if (fstat(file.number(), &status) != 0) return SystemProblem(errno);
  if (S_ISDIR(status.st_mode)) return std::string("a directory");
  if (!S_ISREG(status.st_mode)) return std::string("something that is not a regular file");
  if (status.st_size > static_cast<off_t>(max_bytes)) return TooLong(max_bytes);

  RegularFile result;
  result.mode = status.st_mode & 07777U;
  // Files in /proc say they are empty, and any file can grow: the size is only where to begin. One
  // byte more than allowed tells a file that is too long. What can hold a secret is small and is
  // sized once, so that no copy is left behind by growing.
  constexpr std::size_t kSmall = 8192;
  const auto size = static_cast<std::size_t>(status.st_size);
  result.content.resize(std::min(std::max(size, kSmall), max_bytes) + 1);
  std::size_t length = 0;
  while (length <= max_bytes) {
    if (length == result.content.size()) result.content.resize(max_bytes + 1);
    const ssize_t got =
        read(file.number(), result.content.data() + length, result.content.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemProblem(errno);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > max_bytes) return TooLong(max_bytes);
  result.content.resize(length);
  return result;
}

bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && MayTryAgain(descriptor)) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string HashedLine(std::string_view line) {
  std::string text = HashText(line);
  text += line;
  text += '\n';
  return text;
}

HashedLines::HashedLines(std::string_view text, std::string_view first)
    : rest_(text), begins_right_(TakeUntil(rest_, "\n") == first) {}

std::optional<std::string_view> HashedLines::Next() {
  const std::string_view written = TakeUntil(rest_, "\n");
  const std::string_view line = written.substr(std::min(kHashLength, written.size()));
  if (!written.starts_with(HashText(line))) return std::nullopt;
  return line;
}

}  // namespace radar_spoof
