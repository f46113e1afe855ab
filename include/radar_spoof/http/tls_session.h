// The part of TLS that libmicrohttpd leaves to its users, and a digest; the only door to GnuTLS.
//
// Thread rule: any thread.
#pragma once

#include <optional>
#include <string>

#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

// Why these settings cannot serve: "certificate and key: ...", "client CA: ...". nullopt when they
// can. Never shows key material.
std::optional<std::string> TlsProblem(const TlsSettings& settings);

// Protocol versions from `minimum` on, as a GnuTLS priority string.
const char* TlsPriorities(TlsVersion minimum);

// What a session whose handshake has not begun asks of the client's certificate.
// REQUIRES: `gnutls_session` is a gnutls_session_t.
void AskForClientCertificate(void* gnutls_session, ClientAuth auth);

}  // namespace radar_spoof
