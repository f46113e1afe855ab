// Lines to a descriptor that others read, and may stop reading: a pipe to a log collector, the
// journal's socket, a terminal. A thread of its own writes, so that nobody else ever waits for it.
//
// What cannot be written at once is queued, up to 1 MiB; what does not fit, or fails to be written,
// is lost and counted, and the count is written as soon as lines are taken again.
// The descriptor's flags are left as they are: O_NONBLOCK would hold for every process that shares
// it (ADR 20).
//
// Blocking: only the destructor, for at most half a second. Thread rule: Write() from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace radar_spoof {

class LineWriter {
 public:
  // The text that tells of this many lost lines. Called on the writer's thread, also after the
  // LineWriter is gone, so it owns what it uses.
  using LossText = std::function<std::string(std::uint64_t lines)>;

  // `descriptor` stays open as long as the process lives. `loss_text` empty: losses are not told.
  LineWriter(int descriptor, LossText loss_text);
  // What is queued is written as long as it is taken. A thread that is stuck by then ends with the
  // process.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // `line` is written as it is, its newline included, in one piece where the system allows it.
  void Write(std::string line);

 private:
  struct Queue;

  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace radar_spoof
