#include "progress_bar.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

constexpr std::size_t kBarColumns = 24;
constexpr std::size_t kUsualWidth = 80;
constexpr const char* kClearLine = "\r\x1b[K";

std::size_t TerminalWidth() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualWidth;
}

}  // namespace

std::string BarText(std::size_t done, std::size_t total, std::string_view text, std::size_t width) {
  const std::size_t filled = total == 0 ? kBarColumns : std::min(done, total) * kBarColumns / total;
  std::string bar = fmt::format("[{:#<{}}{:.<{}}]  {}/{}  {}", "", filled, "", kBarColumns - filled,
                                done, total, text);
  bar.resize(std::min(bar.size(), width));
  return bar;
}

void ProgressBar::Show(std::size_t done, std::size_t total, std::string_view text) {
  if (!terminal_) return;
  // The last column stays free: some terminals wrap there.
  shown_ = BarText(done, total, text, TerminalWidth() - 1);
  std::fprintf(stderr, "%s%s", kClearLine, shown_.c_str());
}

void ProgressBar::Line(std::string_view line) {
  std::fprintf(stderr, "%s%.*s\n%s", terminal_ ? kClearLine : "", static_cast<int>(line.size()),
               line.data(), shown_.c_str());
}

void ProgressBar::Clear() {
  if (shown_.empty()) return;
  shown_.clear();
  std::fputs(kClearLine, stderr);
}

}  // namespace radar_spoof
