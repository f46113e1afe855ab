#include "radar_spoof/http/tls_session.h"

#include <memory>
#include <type_traits>

#include <gnutls/gnutls.h>

namespace radar_spoof {
namespace {

gnutls_datum_t Datum(const std::string& text) {
  // GnuTLS only reads through this pointer.
  auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  return {bytes, static_cast<unsigned>(text.size())};
}

int VerifyIfGiven(gnutls_session_t session) {
  unsigned certificates = 0;
  if (gnutls_certificate_get_peers(session, &certificates) == nullptr) return 0;
  unsigned problems = 0;
  const int error = gnutls_certificate_verify_peers2(session, &problems);
  return error == GNUTLS_E_SUCCESS && problems == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

gnutls_certificate_request_t RequestKind(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNoClientCert: return GNUTLS_CERT_IGNORE;
    case ClientAuth::kRequestClientCert: return GNUTLS_CERT_REQUEST;
    case ClientAuth::kRequireAnyClientCert: return GNUTLS_CERT_REQUIRE;
    case ClientAuth::kVerifyClientCertIfGiven: return GNUTLS_CERT_REQUEST;
    case ClientAuth::kRequireAndVerifyClientCert: return GNUTLS_CERT_REQUIRE;
  }
  return GNUTLS_CERT_REQUIRE;
}

}  // namespace

std::optional<std::string> TlsProblem(const TlsSettings& settings) {
  gnutls_certificate_credentials_t credentials = nullptr;
  if (const int error = gnutls_certificate_allocate_credentials(&credentials); error < 0) {
    return gnutls_strerror(error);
  }
  const std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>,
                        decltype(&gnutls_certificate_free_credentials)>
      owner(credentials, &gnutls_certificate_free_credentials);

  const gnutls_datum_t certificate = Datum(settings.certificate_pem);
  const gnutls_datum_t key = Datum(settings.key_pem);
  if (const int error =
          gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
      error < 0) {
    return std::string("certificate and key: ") + gnutls_strerror(error);
  }
  const bool verifies = settings.client_auth == ClientAuth::kVerifyClientCertIfGiven ||
                        settings.client_auth == ClientAuth::kRequireAndVerifyClientCert;
  if (settings.client_ca_pem.empty()) {
    if (verifies) return "client CA: none given, so no client certificate can be verified";
    return std::nullopt;
  }
  const gnutls_datum_t trust = Datum(settings.client_ca_pem);
  const int loaded =
      gnutls_certificate_set_x509_trust_mem(credentials, &trust, GNUTLS_X509_FMT_PEM);
  if (loaded < 0) return std::string("client CA: ") + gnutls_strerror(loaded);
  if (loaded == 0) return "client CA: no certificate in it";
  return std::nullopt;
}

const char* TlsPriorities(TlsVersion minimum) {
  switch (minimum) {
    case TlsVersion::kTls12: return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    case TlsVersion::kTls13: return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
  }
  return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
}

void AskForClientCertificate(void* gnutls_session, ClientAuth auth) {
  const auto session = static_cast<gnutls_session_t>(gnutls_session);
  gnutls_certificate_server_set_request(session, RequestKind(auth));
  if (auth == ClientAuth::kVerifyClientCertIfGiven ||
      auth == ClientAuth::kRequireAndVerifyClientCert) {
    gnutls_session_set_verify_function(session, &VerifyIfGiven);
  }
}

}  // namespace radar_spoof
