#include "crypto.h"

#include <memory>
#include <stdexcept>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

namespace radar_spoof {

std::optional<std::string> DecodeBase64(std::string_view text) {
  // It reads over line ends and what stands behind the padding, which are not base64 here.
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t end = text.find_first_not_of(kAlphabet);
  const std::string_view padding = end == text.npos ? "" : text.substr(end);
  if (text.size() % 4 != 0 || (!padding.empty() && padding != "=" && padding != "==")) {
    return std::nullopt;
  }
  if (text.empty()) return std::string();
  const std::string base64(text);
  const gnutls_datum_t encoded{
      reinterpret_cast<unsigned char*>(const_cast<char*>(base64.data())),  // which it only reads
      static_cast<unsigned>(base64.size())};
  gnutls_datum_t decoded{};
  if (gnutls_base64_decode2(&encoded, &decoded) != GNUTLS_E_SUCCESS) return std::nullopt;
  const std::unique_ptr<unsigned char, decltype(gnutls_free)> owner(decoded.data, gnutls_free);
  return std::string(reinterpret_cast<const char*>(decoded.data), decoded.size);
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && gnutls_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string KeyedDigest(const std::string& text, const std::string& key) {
  std::string digest(gnutls_hmac_get_len(GNUTLS_MAC_SHA256), '\0');
  const int error = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), text.data(),
                                     text.size(), digest.data());
  return error == GNUTLS_E_SUCCESS ? digest : std::string();
}

std::string RandomKey() {
  std::string key(32, '\0');
  if (const int error = gnutls_rnd(GNUTLS_RND_KEY, key.data(), key.size()); error < 0) {
    throw std::runtime_error(gnutls_strerror(error));
  }
  return key;
}

}  // namespace radar_spoof
