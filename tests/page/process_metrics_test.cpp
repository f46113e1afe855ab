#include "radar_spoof/page/process_metrics.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kStart(1'780'000'000s);

// A directory that looks like /proc/self, as far as a test fills it.
class FakeProc {
 public:
  FakeProc() {
    std::string name = std::filesystem::temp_directory_path() / "process_metrics_test.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;
  ~FakeProc() { std::filesystem::remove_all(path_); }

  void Write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  ProcessMetrics Read() const { return ReadProcessMetrics(kStart, path_); }

 private:
  std::filesystem::path path_;
};

// utime 250, stime 50 ticks; 7 threads; 3133440 bytes; 393 pages.
constexpr std::string_view kStatAfterName =
    " S 5422 5422 3274 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 179955 3133440 393 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";
constexpr std::string_view kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max open files            4096                 20000                files     \n"
    "Max address space         1000000              unlimited            bytes     \n";

TEST_CASE("Everything is read where proc(5) says it stands") {
  const FakeProc proc;
  proc.Write("stat", "5432 (cat)" + std::string(kStatAfterName));
  proc.Write("limits", kLimits);
  for (const char* fd : {"fd/0", "fd/1", "fd/2"}) proc.Write(fd, "");
  const ProcessMetrics metrics = proc.Read();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  CHECK(metrics.cpu_seconds == 300.0 / ticks);
  CHECK(metrics.threads == 7);
  CHECK(metrics.virtual_memory_bytes == 3133440);
  CHECK(metrics.resident_memory_bytes == 393 * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  CHECK(metrics.max_fds == 4096);
  CHECK(metrics.virtual_memory_max_bytes == 1000000);
  CHECK(metrics.open_fds == 3);
  CHECK(metrics.start_time == kStart);
}

TEST_CASE("A command name with blanks and parentheses does not shift the fields") {
  const FakeProc proc;
  proc.Write("stat", "5432 (a) S 1 (b)" + std::string(kStatAfterName));
  CHECK(proc.Read().threads == 7);
}

TEST_CASE("No limit is the kernel's largest number") {
  const FakeProc proc;
  proc.Write("limits",
             "Max address space         unlimited            unlimited            bytes\n");
  CHECK(proc.Read().virtual_memory_max_bytes == 18446744073709551615U);
}

TEST_CASE("What cannot be read is left out") {
  const FakeProc proc;
  SUBCASE("nothing there") {}
  SUBCASE("empty files") {
    proc.Write("stat", "");
    proc.Write("limits", "");
  }
  SUBCASE("cut short") {
    proc.Write("stat", "5432 (cat) S 1 2 3");
    proc.Write("limits", "Max open files");
  }
  SUBCASE("not numbers") {
    proc.Write("stat", "1 (cat) S x x x x x x x x x x x x x x x x x x x x x x x x");
    proc.Write("limits", "Max open files            many\nMax address space         -1\n");
  }
  SUBCASE("directories in the place of files, a file in the place of the directory") {
    proc.Write("stat/x", "");
    proc.Write("limits/x", "");
    proc.Write("fd", "");
  }
  const ProcessMetrics metrics = proc.Read();
  CHECK_FALSE(metrics.cpu_seconds.has_value());
  CHECK_FALSE(metrics.threads.has_value());
  CHECK_FALSE(metrics.virtual_memory_bytes.has_value());
  CHECK_FALSE(metrics.resident_memory_bytes.has_value());
  CHECK_FALSE(metrics.max_fds.has_value());
  CHECK_FALSE(metrics.virtual_memory_max_bytes.has_value());
  CHECK_FALSE(metrics.open_fds.has_value());
  CHECK(metrics.start_time == kStart);
}

TEST_CASE("This process's own numbers are believable") {
  const ProcessMetrics before = ReadProcessMetrics(kStart);
  CHECK(before.cpu_seconds.value_or(-1) >= 0);
  CHECK(before.threads.value_or(0) >= 1);
  CHECK(before.resident_memory_bytes.value_or(0) > 100'000);
  CHECK(before.virtual_memory_bytes.value_or(0) >= before.resident_memory_bytes.value_or(0));
  CHECK(before.max_fds.value_or(0) >= before.open_fds.value_or(0));
  CHECK(before.virtual_memory_max_bytes.value_or(0) >= before.virtual_memory_bytes.value_or(0));

  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(ReadProcessMetrics(kStart).open_fds == before.open_fds.value_or(0) + 1);
  close(fd);
  CHECK(ReadProcessMetrics(kStart).open_fds == before.open_fds);
}

}  // namespace
}  // namespace radar_spoof
