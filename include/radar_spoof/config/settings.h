// Configuration and credentials as they were read together, at start or at a reload.
//
// Used by: the poller, backfill. Thread rule: plain values; whoever has them may read the
// credentials again.
#pragma once

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"

namespace radar_spoof {

struct Settings {
  Config config;
  CredentialReader credential_reader;  // for reading them again
  Credentials credentials;             // as read last
};

}  // namespace radar_spoof
