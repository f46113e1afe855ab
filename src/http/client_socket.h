// What is asked of the socket of a client and done to it, beside reading and writing.
//
// Outside facts are from Linux: tcp(7), SIOCOUTQ, socket(7), SO_LINGER.
// Thread rule: any thread.
#pragma once

namespace radar_spoof {

// Whether there are bytes in the system's memory that the client has not acknowledged.
bool HasUntaken(int descriptor);

// Drops them, and wakes who waits for the socket; the client sees a reset.
void ResetConnection(int descriptor);

// Another descriptor of the same socket, which says that it will write no more; -1 when there is
// none below `limit`.
int KeepUntaken(int descriptor, int limit);

}  // namespace radar_spoof
