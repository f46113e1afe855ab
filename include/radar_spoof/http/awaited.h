// Something that another thread finds out, and that nobody needs to block for.
//
// Thread rule: any thread.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace radar_spoof {

class Awaited {
 public:
  // It is found out. To be called once.
  void Done() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    if (const auto then = std::exchange(then_, nullptr)) then();
  }
  // Calls `then` when it is done, or at once. `then` must not use this object.
  void Then(std::function<void()> then) {
    const std::lock_guard lock(mutex_);
    if (done_) {
      then();
    } else {
      then_ = std::move(then);
    }
  }
  // Once this has returned, what Then() was given is not called, nor being called.
  void Forget() {
    const std::lock_guard lock(mutex_);
    then_ = nullptr;
  }

 private:
  std::mutex mutex_;
  bool done_ = false;
  std::function<void()> then_;
};

}  // namespace radar_spoof
