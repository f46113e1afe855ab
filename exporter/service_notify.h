// Tells the service supervisor (systemd's notification protocol) how far start and stop are.
// Without a supervisor each call does nothing. Never blocks.
//
// Used by: main.
#pragma once

namespace radar_spoof {

void NotifyReady();
void NotifyStopping();

// Whether the supervisor waits for NotifyAlive() from time to time.
bool WatchdogWaits();
void NotifyAlive();

}  // namespace radar_spoof
