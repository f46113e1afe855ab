// How a server speaks TLS.
//
// What the names mean is Go's crypto/tls, as Prometheus' exporter-toolkit uses it. Thread rule:
// pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace radar_spoof {

// What is asked of a client's certificate; the names are Go's tls.ClientAuthType.
enum class ClientAuth {
  kNoClientCert,
  kRequestClientCert,           // asked for, neither required nor verified
  kRequireAnyClientCert,        // required, not verified
  kVerifyClientCertIfGiven,     // one that is given is verified
  kRequireAndVerifyClientCert,  // required and verified
};

enum class TlsVersion { kTls12, kTls13 };

// A suite of TLS 1.2 with ECDHE. Those of TLS 1.3 cannot be chosen, in Go neither.
struct CipherSuite {
  enum class Key { kRsa, kEcdsa };  // the certificate's; kEcdsa is of Ed25519, too
  enum class Cipher { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305, kAes128Cbc, kAes256Cbc };

  Key key;
  Cipher cipher;

  bool operator==(const CipherSuite&) const = default;
};

enum class TlsCurve { kP256, kP384, kP521, kX25519 };

struct TlsSettings {
  std::string certificate_pem;  // the server's, then its chain
  std::string key_pem;          // PEM, not encrypted
  // What certificates of clients are verified against: without it none is good, where Go would take
  // those of any public authority. Not empty with kRequireAndVerifyClientCert.
  std::string client_ca_pem;
  ClientAuth client_auth = ClientAuth::kNoClientCert;
  // Unless it is empty, a client must show a certificate in which one of these is a DNS name, an IP
  // address, a mail address or a URI. Needs a `client_auth` that asks for one.
  std::vector<std::string> client_allowed_sans = {};
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  std::vector<CipherSuite> cipher_suites = {};  // the best first; empty: GnuTLS's choice
  bool prefer_server_ciphers = true;            // to the client's order
  std::vector<TlsCurve> curves = {};            // the best first; empty: GnuTLS's choice

  bool operator==(const TlsSettings&) const = default;
};

// Why these settings cannot serve: "certificate and key: ...", "client CA: ...". nullopt when they
// can. Never shows key material.
std::optional<std::string> TlsProblem(const TlsSettings& settings);

}  // namespace radar_spoof
