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

// HMAC-SHA256, in a few microseconds: for a memory of passwords that were already checked, not for
// storing them. "" when it cannot be had. `key` is RandomKey(), made anew by each process.
std::string KeyedDigest(const std::string& text, const std::string& key);
// Throws std::runtime_error when the system has no random bytes.
std::string RandomKey();

}  // namespace radar_spoof
