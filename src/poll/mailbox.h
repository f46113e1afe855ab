// What other threads ask of the polling thread: to take over a configuration, to report that one
// could not be read, to stop; and what it answers.
//
// Thread rule: Take() and Answer() on the polling thread, the rest on any.
// Blocking: Await() alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "radar_spoof/config/config.h"
#include "radar_spoof/poll/poller.h"

namespace radar_spoof {

class Mailbox {
 public:
  struct Reload {
    std::optional<Settings> settings;  // to be taken over
    bool failed = false;               // a later configuration could not be read
  };

  // Of several reloads that were not taken yet the last counts.
  void PostReload(Settings settings);
  void PostFailedReload();
  void PostStop();
  bool stopped() const { return stopped_; }
  // As Poller::AwaitReload().
  Poller::ReloadEnd Await(Milliseconds at_most);

  // What was posted since the last time; nullopt if nothing was.
  std::optional<Reload> Take();
  // The page shows what became of all that was taken.
  void Answer(bool taken_over);

 private:
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards all that follows
  std::condition_variable answered_;
  std::optional<Settings> settings_;
  bool failed_ = false;
  bool pending_ = false;    // something was posted that is not answered
  bool taken_over_ = true;  // as answered last
};

}  // namespace radar_spoof
