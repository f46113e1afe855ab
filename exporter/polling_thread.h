// The poll loop, on a thread of its own.
//
// Thread rule: one thread.
#pragma once

#include <future>

#include "radar_spoof/core/log.h"
#include "radar_spoof/poll/poller.h"

namespace radar_spoof {

class PollingThread {
 public:
  // Begins. Should the loop ever fail, SIGTERM is sent to the process. REQUIRES: both outlive this.
  PollingThread(Poller& poller, Log& log);
  // Ends the loop and waits for it, however long that takes.
  ~PollingThread();
  PollingThread(const PollingThread&) = delete;
  PollingThread& operator=(const PollingThread&) = delete;

  // Ends the loop, which saves its state, and says whether all went well.
  // Blocking: milliseconds. A loop that is stuck, on a hung file system for one, is given 5 s; then
  // the process ends, with exit code 1, for nothing else could end the thread.
  bool End();

 private:
  Poller& poller_;
  Log& log_;
  std::future<bool> well_;
};

}  // namespace radar_spoof
