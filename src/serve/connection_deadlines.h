// By when each open connection must have got on, whatever it does meanwhile: a client that sends or
// reads a byte now and then is never idle, and still must not stay for ever.
//
// Used by: http_server, http_daemon. Thread rule: any thread; `reset` is called under the lock, so
// that a descriptor cannot be closed, and its number given away, while it is being reset.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

#include "radar_spoof/words/clock.h"

namespace radar_spoof {

class ConnectionDeadlines {
 public:
  // Adds a connection, or gives it another deadline.
  void Set(int descriptor, SteadyTime deadline);
  // To be called before the descriptor is closed. Harmless when it is not there.
  void Remove(int descriptor);
  // Calls `reset` for every connection whose deadline has come, once for each deadline. Whether
  // there is any connection.
  bool ResetLate(SteadyTime now, const std::function<void(int)>& reset);

 private:
  std::mutex mutex_;
  std::map<int, SteadyTime> deadlines_;  // by descriptor
};

}  // namespace radar_spoof
