#include "service_notify.h"

#include <systemd/sd-daemon.h>

namespace radar_spoof {

void NotifyReady() { (void)sd_notify(0, "READY=1"); }

bool WatchdogWaits() { return sd_watchdog_enabled(0, nullptr) > 0; }

void NotifyAlive() { (void)sd_notify(0, "WATCHDOG=1"); }

void NotifyStopping() { (void)sd_notify(0, "STOPPING=1"); }

}  // namespace radar_spoof
