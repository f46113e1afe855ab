// HTTP basic authentication against bcrypt hashes.
//
// Used by: pages. Outside facts are from RFC 7617.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// An Authorization header's value. The scheme's case does not matter. nullopt for another scheme,
// broken base64, no colon, or a control character.
std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header);

// Thread rule: Allows() may be called from any thread. Blocks for one bcrypt comparison at least,
// as only one is made at a time; credentials that were right before are known again in about a
// millisecond. An unknown user takes as long as a wrong password.
class BasicAuth {
 public:
  // User name to bcrypt hash. REQUIRES: not empty; every hash satisfies IsBcryptHash.
  explicit BasicAuth(std::map<std::string, std::string> users);

  // `authorization` is the header's value, "" when it is absent.
  bool Allows(std::string_view authorization);

 private:
  const std::map<std::string, std::string> users_;
  const std::string salt_;
  std::mutex comparing_;
  std::mutex known_mutex_;
  std::map<std::string, std::string> known_;  // user to digest of the right password
};

}  // namespace radar_spoof
