// Tells the service supervisor how far start and stop are, in systemd's notification protocol:
// sd_notify(3) and sd_watchdog_enabled(3). Without a supervisor each call does nothing.
// libsystemd's own sd_notify() waits for ever for a supervisor that does not read.
//
// Blocking: half a second at most. Thread rule: any, while nobody changes the environment.
#pragma once

namespace radar_spoof {

// False when there is a supervisor that could not be told: to be tried again.
bool NotifyReady();
void NotifyStopping();

// Whether the supervisor waits for NotifyAlive() from time to time.
bool WatchdogWaits();
void NotifyAlive();

}  // namespace radar_spoof
