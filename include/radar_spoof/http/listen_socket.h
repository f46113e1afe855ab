// A socket that is bound and listens, and the address it is given.
//
// Thread rule: any thread.
#pragma once

#include "radar_spoof/core/error.h"
#include "radar_spoof/core/file.h"

namespace radar_spoof {

struct ListenAddress {
  std::string host;  // empty: every address, IPv6 and IPv4
  int port;          // 0: any free one

  // ":10766", "127.0.0.1:10766", "[::1]:10766", "localhost:10766". The error says what is wrong.
  static Result<ListenAddress, std::string> Parse(std::string_view text);
  // The same form back.
  std::string Text() const;
};

// The descriptor does not block and is not inherited by child processes. An empty host listens on
// IPv6 and IPv4 together, on a machine without IPv6 on IPv4 alone.
// Its connections hold at most 192 KiB each of what their client does not read, and 32 KiB of what
// it sends and we do not (Linux doubles what it is asked for: socket(7), SO_SNDBUF, SO_RCVBUF).
// The error names the address and the system's reason. Blocking: resolving a host name may block.
Result<FileDescriptor, std::string> OpenListenSocket(const ListenAddress& address);

// One that this process was started with, as systemd passes it (sd_listen_fds(3)): TCP or a stream
// in the Unix domain. It then has OpenListenSocket's properties, but connections in the Unix domain
// hold what the system lets them. The error is what the descriptor is instead: "no socket that
// listens".
Result<FileDescriptor, std::string> AdoptListenSocket(int descriptor);

// These REQUIRE a descriptor from OpenListenSocket or AdoptListenSocket.
int BoundPort(int descriptor);  // 0 in the Unix domain
// "127.0.0.1:10766", "[::1]:10766"; in the Unix domain "/run/exporter.sock", "@name".
std::string BoundAddressText(int descriptor);

// Whether the server behind `descriptor` still serves: connects to the address that it is bound to
// (the loopback address if it is bound to all) and says "GET /-/healthy". True when anything comes
// back, or the connection is closed, as a TLS server does; also when this process lacks the
// descriptor to ask, or has no way to the address (another network namespace, a directory that it
// may not enter), which proves nothing. Blocking: half a second at most.
bool ServerAnswers(int descriptor);

}  // namespace radar_spoof
