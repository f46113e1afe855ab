// A TCP socket that is bound and listens, and the address it is given.
//
// Thread rule: any thread.
#pragma once

#include <string>
#include <string_view>

#include "radar_spoof/core/error.h"

namespace radar_spoof {

struct ListenAddress {
  std::string host;  // empty: every address, IPv6 and IPv4
  int port;          // 0: any free one

  // ":10766", "127.0.0.1:10766", "[::1]:10766", "localhost:10766". The error says what is wrong.
  static Result<ListenAddress, std::string> Parse(std::string_view text);
  // The same form back.
  std::string Text() const;
};

// The caller owns the descriptor; it does not block and is not inherited by child processes. An
// empty host listens on IPv6 and IPv4 together, on a machine without IPv6 on IPv4 alone.
// Its connections hold at most 192 KiB each of what their client does not read, and 32 KiB of what
// it sends and we do not (Linux doubles what it is asked for: socket(7), SO_SNDBUF, SO_RCVBUF).
// The error names the address and the system's reason. Blocking: resolving a host name may block.
Result<int, std::string> OpenListenSocket(const ListenAddress& address);

// REQUIRES: `descriptor` is from OpenListenSocket.
int BoundPort(int descriptor);

// Whether the server behind `descriptor` still serves: connects to the address that it is bound to
// (the loopback address if it is bound to all) and says "GET /-/healthy". True when anything comes
// back, or the connection is closed, as a TLS server does; also when this process lacks the
// descriptor to ask, which proves nothing. Blocking: half a second at most.
bool ServerAnswers(int descriptor);

}  // namespace radar_spoof
