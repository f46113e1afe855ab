// Accepts the connections of a server's listening sockets on a thread of its own.
//
// Out of descriptors, accepting pauses until the next tick. docs/adr/0008 says why the library's
// own accepting is not used.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// Thread rule: both functions are called from the acceptor's thread.
class Acceptor {
 public:
  // Gets a descriptor to own, which does not block and is not inherited, and the client's address.
  // Must not throw.
  using OnAccepted = std::function<void(int, const sockaddr*, socklen_t)>;
  // Whether there is anything left to be called for, beside new connections. What it could not do
  // for want of memory, the next call does.
  using OnTick = std::function<bool()>;

  // How many ticks follow an accepted connection at least: time for its new owner to know of it.
  static constexpr int kTicksAfterAccept = 20;

  // `on_tick` is called about every `tick`, but not while there is nothing to be called for: an
  // idle server sleeps. REQUIRES: the listening descriptors outlive this.
  // Throws std::system_error when the system has no descriptor or thread left.
  Acceptor(const std::vector<int>& listening, Milliseconds tick, OnAccepted on_accepted,
           OnTick on_tick);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // There is something to be called for. From any thread.
  void Wake();

 private:
  void Run();
  bool Tick();
  // False when the system cannot give what an accepted connection needs.
  bool AcceptWaiting(int listening);

  std::vector<pollfd> events_;  // the event first, then the listening descriptors
  std::atomic<bool> stopping_ = false;
  const Milliseconds tick_;
  const OnAccepted on_accepted_;
  const OnTick on_tick_;
  std::thread thread_;
};

}  // namespace radar_spoof
