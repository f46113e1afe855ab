#include "service_notify.h"

#include <systemd/sd-daemon.h>

namespace radar_spoof {

void NotifyReady() { (void)sd_notify(0, "READY=1"); }

void NotifyStopping() { (void)sd_notify(0, "STOPPING=1"); }

}  // namespace radar_spoof
