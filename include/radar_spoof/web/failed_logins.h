// Counts wrong passwords by client, so that guessing stays slow.
//
// A client is an IPv4 address or an IPv6 network of 64 bits, which is what one customer has. At
// most 1024 are remembered; one more makes the oldest forgotten.
// Thread rule: one thread at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

class FailedLogins {
 public:
  // `client` as in ServerRequest.
  void Add(std::string_view client, SteadyTime now);
  // How long this client must wait before its next guess; zero: not at all.
  Milliseconds Wait(std::string_view client, SteadyTime now) const;

 private:
  struct Count {
    SteadyTime first;
    int failures = 0;
  };

  void MakeRoom(SteadyTime now);

  std::map<std::string, Count, std::less<>> counts_;
};

}  // namespace radar_spoof
