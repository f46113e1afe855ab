#include "radar_spoof/page/process_metrics.h"

#include <limits>
#include <memory>
#include <vector>

#include <dirent.h>
#include <unistd.h>

#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

std::string ReadFile(const std::string& path) {
  constexpr std::size_t kMostBytes = 65536;
  auto file = ReadRegularFile(path, kMostBytes);
  return file ? std::move(file).value().content : "";
}

void ReadStat(const std::string& stat, ProcessMetrics& metrics) {
  // The second field, the command's name in parentheses, may itself hold blanks and parentheses.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return;
  std::string_view rest = Trim(std::string_view(stat).substr(name_end + 1));
  std::vector<std::string_view> fields;
  while (!rest.empty()) fields.push_back(TakeUntil(rest, " "));
  // `number` as in proc(5), where the first field after the name is 3.
  const auto field = [&fields](std::size_t number) -> std::optional<std::uint64_t> {
    return number - 3 < fields.size() ? ParseNumber<std::uint64_t>(fields[number - 3])
                                      : std::nullopt;
  };
  const auto user_ticks = field(14);
  const auto system_ticks = field(15);
  if (user_ticks && system_ticks) {
    metrics.cpu_seconds = static_cast<double>(*user_ticks + *system_ticks) /
                          static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  metrics.threads = field(20);
  metrics.virtual_memory_bytes = field(23);
  if (const auto pages = field(24)) {
    metrics.resident_memory_bytes = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
}

std::optional<std::uint64_t> SoftLimit(const std::string& limits, std::string_view name) {
  const std::size_t line = limits.find(name);
  if (line == std::string::npos) return std::nullopt;
  std::string_view rest = Trim(std::string_view(limits).substr(line + name.size()));
  const std::string_view limit = TakeUntil(rest, " ");
  if (limit == "unlimited") return std::numeric_limits<std::uint64_t>::max();
  return ParseNumber<std::uint64_t>(limit);
}

// Not std::filesystem::directory_iterator: it allocates for each entry where it may not throw, so
// that a process out of memory is ended by being scraped.
std::optional<std::uint64_t> CountEntries(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), &closedir);
  if (!entries) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* const entry = readdir(entries.get())) {
    if (entry->d_name != std::string_view(".") && entry->d_name != std::string_view("..")) ++count;
  }
  return count;
}

}  // namespace

ProcessMetrics ReadProcessMetrics(WallTime start_time, const std::string& proc_self) {
  ProcessMetrics metrics;
  metrics.start_time = start_time;
  ReadStat(ReadFile(proc_self + "/stat"), metrics);
  const std::string limits = ReadFile(proc_self + "/limits");
  metrics.max_fds = SoftLimit(limits, "Max open files");
  metrics.virtual_memory_max_bytes = SoftLimit(limits, "Max address space");
  metrics.open_fds = CountEntries(proc_self + "/fd");
  return metrics;
}

}  // namespace radar_spoof
