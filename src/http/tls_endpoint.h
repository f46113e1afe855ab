// A server's TLS settings as GnuTLS takes them; the room's only door to it.
//
// Sources: GnuTLS' manual, "Priority Strings" and the reference of the functions used.
#pragma once

#include <string>

#include "radar_spoof/http/tls_settings.h"

namespace radar_spoof {

// Thread rule: any thread.
class TlsEndpoint {
 public:
  // REQUIRES: `settings` has no TlsProblem.
  explicit TlsEndpoint(TlsSettings settings);

  const TlsSettings& settings() const { return settings_; }
  // A priority string for every session.
  const std::string& priorities() const { return priorities_; }
  // Before its handshake. `session` is a gnutls_session_t with those priorities. Takes the
  // session's database pointer, for there is no database. REQUIRES: this outlives the session.
  void Prepare(void* session) const;

 private:
  struct Callbacks;

  const TlsSettings settings_;
  const std::string priorities_;
  // For a client that does not speak TLS 1.3, which has suites of its own; "": the same.
  const std::string priorities_before_tls13_;
};

}  // namespace radar_spoof
