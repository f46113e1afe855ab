#include "backfill_output.h"

#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

namespace fs = std::filesystem;

// Why `path`, which is no symbolic link, must not be written.
std::optional<std::string> ProblemOf(const fs::path& path,
                                     std::span<const ProtectedFile> protected_files) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (status.type() == fs::file_type::none) return path.string() + ": " + error.message();
  if (status.type() != fs::file_type::regular) return path.string() + ": not a regular file";
  for (const ProtectedFile& file : protected_files) {
    if (fs::equivalent(path, file.path, error)) {
      return fmt::format("{}: it is {}", path.string(), file.what);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<fs::path, std::string> FindOutput(const std::string& output,
                                         std::span<const ProtectedFile> protected_files) {
  std::error_code error;
  fs::path path = output;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    path = fs::canonical(path, error);
    if (error) return output + ": a symbolic link that leads nowhere: " + error.message();
  }
  if (!path.has_filename()) return output + ": not the name of a file";
  const fs::path directory = path.has_parent_path() ? path.parent_path() : ".";
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return "cannot write in " + directory.string() + ": " + SystemErrorText(errno);
  }
  for (const char* const suffix : {"", kPartialSuffix, kNewSuffix}) {
    if (auto problem = ProblemOf(path.string() + suffix, protected_files))
      return *std::move(problem);
  }
  return path;
}

}  // namespace radar_spoof
