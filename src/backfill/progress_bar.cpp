#include "progress_bar.h"

#include <algorithm>

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

ProgressBar::ProgressBar(bool terminal) {
  if (terminal) terminal_.emplace(STDERR_FILENO, nullptr);
}

void ProgressBar::Show(std::size_t done, std::size_t total, std::string_view text) {
  if (!terminal_) return;
  // The last column stays free: some terminals wrap there.
  shown_ = BarText(done, total, text, TerminalWidth() - 1);
  terminal_->Write(kClearLine + shown_);
}

void ProgressBar::Line(std::string_view line) {
  terminal_->Write(fmt::format("{}{}\n{}", kClearLine, line, shown_));
}

void ProgressBar::Clear() {
  if (shown_.empty()) return;
  shown_.clear();
  terminal_->Write(kClearLine);
}

}  // namespace radar_spoof
