#include "tls_endpoint.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

namespace radar_spoof {
namespace {

using Credentials = std::unique_ptr<gnutls_certificate_credentials_st,
                                    decltype(&gnutls_certificate_free_credentials)>;
using Certificate = std::unique_ptr<gnutls_x509_crt_int, decltype(&gnutls_x509_crt_deinit)>;

gnutls_datum_t Datum(const std::string& text) {
  // GnuTLS only reads through this pointer.
  auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  return {bytes, static_cast<unsigned>(text.size())};
}

// The first of `text`; null when it cannot be read.
Certificate ReadCertificate(const gnutls_datum_t& text, gnutls_x509_crt_fmt_t format) {
  gnutls_x509_crt_t certificate = nullptr;
  (void)gnutls_x509_crt_init(&certificate);
  Certificate owner(certificate, gnutls_x509_crt_deinit);
  if (owner && gnutls_x509_crt_import(certificate, &text, format) < 0) owner.reset();
  return owner;
}

CipherSuite::Key KeyOf(const TlsSettings& settings) {
  const Certificate certificate =
      ReadCertificate(Datum(settings.certificate_pem), GNUTLS_X509_FMT_PEM);
  const int algorithm =
      certificate ? gnutls_x509_crt_get_pk_algorithm(certificate.get(), nullptr) : 0;
  const bool is_rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
  return is_rsa ? CipherSuite::Key::kRsa : CipherSuite::Key::kEcdsa;
}

std::string_view Name(CipherSuite::Cipher cipher) {
  constexpr std::array<std::string_view, 5> kNames = {
      "AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "AES-128-CBC", "AES-256-CBC"};
  return kNames[static_cast<std::size_t>(cipher)];
}

std::string_view Name(TlsCurve curve) {
  constexpr std::array<std::string_view, 4> kNames = {"SECP256R1", "SECP384R1", "SECP521R1",
                                                      "X25519"};
  return kNames[static_cast<std::size_t>(curve)];
}

bool Allows(const TlsSettings& settings, TlsVersion version) {
  return settings.min_version <= version && version <= settings.max_version;
}

std::string Priorities(const TlsSettings& settings, bool tls12) {
  std::string text = "NORMAL:-VERS-ALL";
  if (Allows(settings, TlsVersion::kTls13)) text += ":+VERS-TLS1.3";
  if (tls12) text += ":+VERS-TLS1.2";
  if (!settings.curves.empty()) text += ":-GROUP-ALL";
  for (const TlsCurve curve : settings.curves) text.append(":+GROUP-").append(Name(curve));
  if (settings.prefer_server_ciphers) text += ":%SERVER_PRECEDENCE";
  return text;
}

// "" when no suite fits the certificate.
std::string PrioritiesOfSuites(const TlsSettings& settings) {
  const CipherSuite::Key key = KeyOf(settings);
  std::string ciphers;
  for (const CipherSuite& suite : settings.cipher_suites) {
    if (suite.key == key) ciphers.append(":+").append(Name(suite.cipher));
  }
  if (ciphers.empty()) return "";
  // With one key exchange a cipher has one suite: an AEAD, or CBC with SHA1.
  return Priorities(settings, true) + ":-KX-ALL:+ECDHE-" +
         (key == CipherSuite::Key::kRsa ? "RSA" : "ECDSA") + ":-CIPHER-ALL" + ciphers +
         ":-MAC-ALL:+AEAD:+SHA1";
}

std::string PrioritiesOfSessions(const TlsSettings& settings) {
  const bool tls12 = Allows(settings, TlsVersion::kTls12);
  if (!tls12 || settings.cipher_suites.empty()) return Priorities(settings, tls12);
  return settings.max_version == TlsVersion::kTls12 ? PrioritiesOfSuites(settings)
                                                    : Priorities(settings, false);
}

std::string PrioritiesBeforeTls13(const TlsSettings& settings) {
  const bool both_versions =
      Allows(settings, TlsVersion::kTls12) && Allows(settings, TlsVersion::kTls13);
  return both_versions && !settings.cipher_suites.empty() ? PrioritiesOfSuites(settings) : "";
}

bool Verifies(ClientAuth auth) {
  return auth == ClientAuth::kVerifyClientCertIfGiven ||
         auth == ClientAuth::kRequireAndVerifyClientCert;
}

gnutls_certificate_request_t RequestKind(const TlsSettings& settings) {
  switch (settings.client_auth) {
    case ClientAuth::kNoClientCert: return GNUTLS_CERT_IGNORE;
    case ClientAuth::kRequestClientCert:
    case ClientAuth::kVerifyClientCertIfGiven:
      return settings.client_allowed_sans.empty() ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_REQUIRE;
    case ClientAuth::kRequireAnyClientCert:
    case ClientAuth::kRequireAndVerifyClientCert: return GNUTLS_CERT_REQUIRE;
  }
  return GNUTLS_CERT_REQUIRE;
}

// As Go writes them: an IPv6 address in its shortest form. "" for those that are of another kind.
std::string AlternativeNameText(unsigned type, const std::string& bytes) {
  if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI) {
    return bytes;
  }
  if (type != GNUTLS_SAN_IPADDRESS || (bytes.size() != 4 && bytes.size() != 16)) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

bool HasNameOf(const gnutls_datum_t& der, const std::vector<std::string>& names) {
  const Certificate certificate = ReadCertificate(der, GNUTLS_X509_FMT_DER);
  if (!certificate) return false;
  for (unsigned place = 0;; ++place) {
    std::string bytes(2048, '\0');  // a longer name is none of ours
    std::size_t size = bytes.size();
    unsigned type = 0;
    const int error = gnutls_x509_crt_get_subject_alt_name2(certificate.get(), place, bytes.data(),
                                                            &size, &type, nullptr);
    if (error == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return false;
    if (error < 0) continue;
    bytes.resize(size);
    const std::string text = AlternativeNameText(type, bytes);
    if (!text.empty() && std::ranges::find(names, text) != names.end()) return true;
  }
}

// Whether the extension supported_versions of a ClientHello names TLS 1.3 (RFC 8446, 4.2.1).
bool OffersTls13(const gnutls_datum_t& hello) {
  constexpr unsigned kSupportedVersions = 43;
  bool offers = false;
  const auto look = [](void* found, unsigned id, const unsigned char* data, unsigned size) {
    if (id != kSupportedVersions) return 0;
    for (unsigned at = 1; at + 1 < size; at += 2) {
      if (data[at] == 3 && data[at + 1] == 4) *static_cast<bool*>(found) = true;
    }
    return 0;
  };
  (void)gnutls_ext_raw_parse(&offers, look, &hello, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
  return offers;
}

}  // namespace

std::optional<std::string> TlsProblem(const TlsSettings& settings) {
  gnutls_certificate_credentials_t credentials = nullptr;
  if (const int error = gnutls_certificate_allocate_credentials(&credentials); error < 0) {
    return gnutls_strerror(error);
  }
  const Credentials owner(credentials, gnutls_certificate_free_credentials);
  const gnutls_datum_t certificate = Datum(settings.certificate_pem);
  const gnutls_datum_t key = Datum(settings.key_pem);
  if (const int error =
          gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
      error < 0) {
    return std::string("certificate and key: ") + gnutls_strerror(error);
  }
  if (PrioritiesOfSessions(settings).empty()) {
    return std::string("cipher suites: none is for the key of the certificate, which is ") +
           (KeyOf(settings) == CipherSuite::Key::kRsa ? "RSA" : "not RSA");
  }
  gnutls_priority_t priorities = nullptr;
  const int set =
      gnutls_priority_init(&priorities, PrioritiesOfSessions(settings).c_str(), nullptr);
  if (set < 0) return std::string("versions, suites and curves: ") + gnutls_strerror(set);
  gnutls_priority_deinit(priorities);
  if (settings.client_ca_pem.empty()) {
    if (settings.client_auth != ClientAuth::kRequireAndVerifyClientCert) return std::nullopt;
    return "client CA: none given, so no client certificate can be verified";
  }
  const gnutls_datum_t trust = Datum(settings.client_ca_pem);
  const int loaded =
      gnutls_certificate_set_x509_trust_mem(credentials, &trust, GNUTLS_X509_FMT_PEM);
  if (loaded < 0) return std::string("client CA: ") + gnutls_strerror(loaded);
  if (loaded == 0) return "client CA: no certificate in it";
  return std::nullopt;
}

// What GnuTLS calls during a handshake. It is C: a lack of memory refuses the client.
struct TlsEndpoint::Callbacks {
  static const TlsEndpoint& Of(gnutls_session_t session) {
    return *static_cast<const TlsEndpoint*>(gnutls_db_get_ptr(session));
  }

  static int BeforeClientHello(gnutls_session_t session, unsigned, unsigned, unsigned,
                               const gnutls_datum_t* hello) {
    if (OffersTls13(*hello)) return 0;
    const std::string& priorities = Of(session).priorities_before_tls13_;
    return gnutls_priority_set_direct(session, priorities.c_str(), nullptr);
  }

  static int VerifyClient(gnutls_session_t session) {
    const TlsSettings& settings = Of(session).settings_;
    unsigned certificates = 0;
    const gnutls_datum_t* const chain = gnutls_certificate_get_peers(session, &certificates);
    if (chain == nullptr || certificates == 0) {
      return settings.client_allowed_sans.empty() ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
    }
    unsigned problems = 0;
    // As Go does: a certificate that names its purposes must name this one.
    std::string purpose = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st is_client{GNUTLS_DT_KEY_PURPOSE_OID,
                                    reinterpret_cast<unsigned char*>(purpose.data()), 0};
    if (Verifies(settings.client_auth) &&
        (gnutls_certificate_verify_peers(session, &is_client, 1, &problems) < 0 || problems != 0)) {
      return GNUTLS_E_CERTIFICATE_ERROR;
    }
    try {
      const auto& names = settings.client_allowed_sans;
      return names.empty() || HasNameOf(chain[0], names) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
    } catch (const std::bad_alloc&) {
      return GNUTLS_E_MEMORY_ERROR;
    }
  }
};

TlsEndpoint::TlsEndpoint(TlsSettings settings)
    : settings_(std::move(settings)),
      priorities_(PrioritiesOfSessions(settings_)),
      priorities_before_tls13_(PrioritiesBeforeTls13(settings_)) {}

void TlsEndpoint::Prepare(void* session) const {
  auto* const of_client = static_cast<gnutls_session_t>(session);
  gnutls_db_set_ptr(of_client, const_cast<TlsEndpoint*>(this));
  gnutls_certificate_server_set_request(of_client, RequestKind(settings_));
  if (Verifies(settings_.client_auth) || !settings_.client_allowed_sans.empty()) {
    gnutls_session_set_verify_function(of_client, &Callbacks::VerifyClient);
  }
  if (!priorities_before_tls13_.empty()) {
    gnutls_handshake_set_hook_function(of_client, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE,
                                       &Callbacks::BeforeClientHello);
  }
}

}  // namespace radar_spoof
