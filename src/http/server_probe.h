// Whether a server of this process still serves: asks it, over a connection of its own.
//
// Blocking: half a second at most. Thread rule: any thread.
#pragma once

namespace radar_spoof {

// Connects to the address that `listening` is bound to (the loopback address if it is bound to all)
// and says "GET /-/healthy". True when anything comes back, or the connection is closed, as a TLS
// server does; also when this process lacks the descriptor to ask, which proves nothing.
bool ServerAnswers(int listening);

}  // namespace radar_spoof
