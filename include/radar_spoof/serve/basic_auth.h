// HTTP basic authentication against bcrypt hashes.
//
// Used by: pages, web_server. Outside facts are from RFC 7617.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/serve/failed_logins.h"
#include "radar_spoof/words/clock.h"

namespace radar_spoof {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// An Authorization header's value. The scheme's case does not matter. nullopt for another scheme,
// broken base64, no colon, or a control character.
std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header);

struct AuthDecision {
  enum class Outcome { kAllowed, kRefused, kTryLater };

  Outcome outcome;
  Seconds retry_after{0};  // kTryLater: at least 1
};

// Thread rule: any thread. Only one bcrypt comparison is made at a time, and who would have to wait
// for it is told to try later instead; so at most one thread is ever busy with guesses. Credentials
// that were right before are known again in about a millisecond, whatever else goes on.
// After 10 wrong guesses within a minute a client's next ones are not looked at until the minute is
// over. An unknown user takes as long as a wrong password.
class BasicAuth {
 public:
  // User name to bcrypt hash. Empty: everyone is let in. REQUIRES: every hash satisfies
  // IsBcryptHash.
  explicit BasicAuth(std::map<std::string, std::string> users);

  // From now on these; who was known stays so if the hash is the same.
  void SetUsers(std::map<std::string, std::string> users);

  // `authorization` is the header's value, "" when it is absent; `client` as in ServerRequest.
  AuthDecision Check(std::string_view authorization, std::string_view client, SteadyTime now);

 private:
  struct KnownPassword {
    std::string hash;    // the one it was found right for
    std::string digest;  // of the password
  };

  struct UserHash {
    std::string hash;  // an unknown user has another one's; "" if there are no users
    bool exists = false;
  };

  UserHash FindUser(const std::string& name) const;
  bool IsKnown(const std::string& user, const KnownPassword& password) const;

  const std::string salt_;
  std::mutex comparing_;
  FailedLogins failed_;  // under comparing_
  mutable std::mutex mutex_;
  std::map<std::string, std::string> users_;    // under mutex_
  std::map<std::string, KnownPassword> known_;  // under mutex_; by user
};

}  // namespace radar_spoof
