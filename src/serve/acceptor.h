// Accepts the connections of one listening socket on a thread of its own.
//
// Used by: http_server. The library's own accepting is not used: out of descriptors it spins, and
// it cannot hand its socket to a successor without a race that ends the process.
// Descriptors: a connection that would leave fewer than 32 to the rest of the process is closed at
// once, so that clients alone never take the last one. Out of them nonetheless, accepting pauses
// until the next tick.
#pragma once

#include <functional>
#include <thread>

#include <sys/socket.h>

#include "radar_spoof/words/clock.h"

namespace radar_spoof {

// Thread rule: both functions are called from the acceptor's thread; neither may throw.
class Acceptor {
 public:
  // Gets a descriptor to own, which does not block and is not inherited, and the client's address.
  using OnAccepted = std::function<void(int, const sockaddr*, socklen_t)>;
  // Whether there is anything left to be called for, beside new connections.
  using OnTick = std::function<bool()>;

  // How many ticks follow an accepted connection at least: time for its new owner to know of it.
  static constexpr int kTicksAfterAccept = 20;

  // Takes over the listening descriptor. `on_tick` is called about every `tick`, but not while
  // there is nothing to be called for: an idle server sleeps.
  // Throws std::system_error when the system has no descriptor or thread left.
  Acceptor(int listening, Milliseconds tick, OnAccepted on_accepted, OnTick on_tick);
  // Stops to listen.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

 private:
  void Run();
  bool Tick();
  // False when the system cannot give what an accepted connection needs.
  bool AcceptWaiting();

  const int listening_;
  const int stop_event_;
  const int descriptor_limit_;
  const Milliseconds tick_;
  const OnAccepted on_accepted_;
  const OnTick on_tick_;
  std::thread thread_;
};

}  // namespace radar_spoof
