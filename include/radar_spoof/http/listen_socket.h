// A TCP socket that is bound and listens.
//
// Blocking: resolving a host name may block. Thread rule: pure otherwise.
#pragma once

#include <string>

#include "radar_spoof/core/error.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

// The caller owns the descriptor; it does not block and is not inherited by child processes. An
// empty host listens on IPv6 and IPv4 together, on a machine without IPv6 on IPv4 alone.
// Its connections hold at most 192 KiB each of what their client does not read, and 32 KiB of what
// it sends and we do not (Linux doubles what it is asked for: socket(7), SO_SNDBUF, SO_RCVBUF).
// The error names the address and the system's reason.
Result<int, std::string> OpenListenSocket(const ListenAddress& address);

// REQUIRES: `descriptor` is from OpenListenSocket.
int BoundPort(int descriptor);

}  // namespace radar_spoof
