// HTTP basic authentication against bcrypt hashes; the only door to libcrypt.
//
// Outside facts are from RFC 7617.
#pragma once

#include <map>
#include <mutex>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// An Authorization header's value. The scheme's case does not matter. nullopt for another scheme,
// broken base64, no colon, or a control character.
std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header);

// Whether `text` has the form of a bcrypt hash: "$2y$10$" (or 2a, 2b) and 53 characters.
bool IsBcryptHash(std::string_view text);

// The binary logarithm of the work it asks for. REQUIRES: IsBcryptHash(hash).
int BcryptCost(std::string_view hash);
// A second of work, or more, on the machines of 2024.
inline constexpr int kHighestBcryptCost = 14;

// Counts wrong passwords by client, so that guessing stays slow.
//
// A client is an IPv4 address or an IPv6 network of 64 bits, which is what one customer has. At
// most 1024 are remembered; one more makes the oldest forgotten. Thread rule: one thread at a time.
class FailedLogins {
 public:
  // `client`: its ClientNetwork().
  void Add(const std::string& client, SteadyTime now);
  // How long this client must wait before its next guess; zero: not at all.
  Milliseconds Wait(const std::string& client, SteadyTime now) const;

 private:
  struct Count {
    SteadyTime first;
    int failures = 0;
  };

  void MakeRoom(SteadyTime now);

  std::map<std::string, Count> counts_;
};

struct PasswordComparison;

struct AuthDecision {
  enum class Outcome { kAllowed, kRefused, kTryLater, kComparing };

  Outcome outcome;
  Seconds retry_after{0};                                    // kTryLater: at least 1
  std::shared_ptr<PasswordComparison> comparison = nullptr;  // kComparing
};

// A guess that is compared with its bcrypt hash, or will be.
struct PasswordComparison {
  Awaited done;
  // REQUIRES: `done` was called. Never kComparing.
  AuthDecision decision = {AuthDecision::Outcome::kTryLater, Seconds(1)};
};

// Thread rule: any thread; nothing blocks. Comparisons are made one after the other by a thread of
// their own, which is not waited for by the destructor. A client (FailedLogins) waits for one at a
// time, and 16 do; others are told to try later, as is who guessed wrong 10 times within a minute,
// until the minute is over. Credentials that were right before are known again at once, whatever
// else goes on. An unknown user takes as long as a wrong password for the costliest of the
// hashes; so only where all cost the same does the time not tell who is known.
class BasicAuth {
 public:
  // User name to bcrypt hash. Empty: everyone is let in. REQUIRES: every hash satisfies
  // IsBcryptHash and BcryptCost(hash) <= kHighestBcryptCost.
  using Users = std::map<std::string, std::string>;
  // Throws std::runtime_error when the system has no random bytes.
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
