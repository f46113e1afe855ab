// HTTP basic authentication against bcrypt hashes.
//
// Outside facts are from RFC 7617.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"
#include "radar_spoof/web/failed_logins.h"

namespace radar_spoof {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// An Authorization header's value. The scheme's case does not matter. nullopt for another scheme,
// broken base64, no colon, or a control character.
std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header);

class PasswordComparison;

struct AuthDecision {
  enum class Outcome { kAllowed, kRefused, kTryLater, kComparing };

  Outcome outcome;
  Seconds retry_after{0};                                    // kTryLater: at least 1
  std::shared_ptr<PasswordComparison> comparison = nullptr;  // kComparing
};

// A guess that is compared with its bcrypt hash, or will be.
class PasswordComparison {
 public:
  Awaited done;
  // REQUIRES: `done` was called. Never kComparing.
  AuthDecision Decision() const { return {outcome_, Seconds(1)}; }

 private:
  friend class BasicAuth;
  AuthDecision::Outcome outcome_ = AuthDecision::Outcome::kTryLater;
};

// Thread rule: any thread; nothing blocks. Comparisons are made one after the other by a thread of
// their own, which is not waited for by the destructor. A client (FailedLogins) waits for one at a
// time, and 16 do; others are told to try later, as is who guessed wrong 10 times within a minute,
// until the minute is over. Credentials that were right before are known again at once, whatever
// else goes on. An unknown user takes as long as a wrong password.
class BasicAuth {
 public:
  // User name to bcrypt hash. Empty: everyone is let in. REQUIRES: every hash satisfies
  // IsBcryptHash and BcryptCost(hash) <= kHighestBcryptCost.
  using Users = std::map<std::string, std::string>;
  explicit BasicAuth(Users users);
  ~BasicAuth();
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  // These are the users of connections accepted with the server's settings number `settings` or
  // later; earlier ones keep theirs, for 16 numbers. Who was known stays so if the hash is the
  // same. May throw std::bad_alloc, and then nothing has changed.
  void SetUsers(Users users, int settings);

  // `authorization` is the header's value, "" when it is absent; `client` and `settings` as in
  // ServerRequest.
  AuthDecision Check(std::string_view authorization, std::string_view client, int settings,
                     SteadyTime now);

 private:
  struct Guess;
  struct Shared;

  static void Compare(const std::shared_ptr<Shared>& shared);
  AuthDecision Queue(std::unique_ptr<Guess> guess, SteadyTime now);

  const std::string key_;
  const std::shared_ptr<Shared> shared_;  // with the thread that compares
  mutable std::mutex mutex_;
  std::map<int, Users> users_;  // under mutex_; by the first settings they are for
};

}  // namespace radar_spoof
