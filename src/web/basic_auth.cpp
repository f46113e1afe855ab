#include "radar_spoof/web/basic_auth.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <iterator>
#include <new>
#include <thread>

#include "crypto.h"
#include "password.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kMostGuesses = 16;
constexpr int kSettingsKept = 16;

}  // namespace

std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header) {
  constexpr std::string_view kScheme = "basic ";
  if (LowerCase(header.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  const auto decoded = DecodeBase64(Trim(header.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const bool has_control = std::any_of(decoded->begin(), decoded->end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  const std::size_t colon = decoded->find(':');
  if (has_control || colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

struct BasicAuth::Guess {
  std::string client;
  std::string network;
  SteadyTime time;
  std::string user;
  std::string password;
  std::string hash;  // the user's; for an unknown user somebody else's
  bool user_exists;
  std::string digest;  // of the password
  std::shared_ptr<PasswordComparison> comparison = std::make_shared<PasswordComparison>();
};

struct BasicAuth::Shared {
  struct KnownPassword {
    std::string hash;    // the one it was found right for
    std::string digest;  // of the password
  };

  std::mutex mutex;  // for all of these
  FailedLogins failed;
  std::map<std::string, KnownPassword> known;  // by user
  std::deque<std::unique_ptr<Guess>> guesses;  // the first is being compared
  bool comparing = false;                      // by a thread that lives until there are no guesses
};

BasicAuth::BasicAuth(Users users)
    : key_(RandomKey()), shared_(std::make_shared<Shared>()), users_{{0, std::move(users)}} {}

BasicAuth::~BasicAuth() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->guesses.size() > 1) shared_->guesses.resize(1);
}

void BasicAuth::SetUsers(Users users, int settings) {
  const std::lock_guard lock(mutex_);
  users_.try_emplace(settings).first->second.swap(users);
  users_.erase(users_.upper_bound(settings), users_.end());
  users_.erase(users_.begin(), users_.lower_bound(settings - kSettingsKept));
}

AuthDecision BasicAuth::Check(std::string_view authorization, std::string_view client, int settings,
                              SteadyTime now) {
  using enum AuthDecision::Outcome;
  auto credentials = ParseBasicAuthorization(authorization);
  auto guess = std::make_unique<Guess>();
  {
    const std::lock_guard lock(mutex_);
    const auto after = users_.upper_bound(settings);
    if (after == users_.begin()) return {kRefused};
    const Users& users = std::prev(after)->second;
    if (users.empty()) return {kAllowed};
    if (!credentials) return {kRefused};
    const auto user = users.find(credentials->user);
    guess->user_exists = user != users.end();
    guess->hash = guess->user_exists ? user->second : users.begin()->second;
  }
  guess->client = client;
  guess->network = ClientNetwork(client);
  guess->time = now;
  guess->user = std::move(credentials->user);
  guess->password = std::move(credentials->password);
  guess->digest = KeyedDigest(guess->password, key_);
  return Queue(std::move(guess), now);
}

// Unless the answer is known, or there are guesses enough.
AuthDecision BasicAuth::Queue(std::unique_ptr<Guess> guess, SteadyTime now) {
  using enum AuthDecision::Outcome;
  const std::lock_guard lock(shared_->mutex);
  const auto known = shared_->known.find(guess->user);
  if (guess->user_exists && known != shared_->known.end() && known->second.hash == guess->hash &&
      !guess->digest.empty() && EqualInConstantTime(known->second.digest, guess->digest)) {
    return {kAllowed};
  }
  if (const auto wait = shared_->failed.Wait(guess->client, now); wait > wait.zero()) {
    return {kTryLater, std::chrono::ceil<Seconds>(wait)};
  }
  auto& guesses = shared_->guesses;
  const bool is_waiting = std::any_of(guesses.begin(), guesses.end(), [&](const auto& each) {
    return each->network == guess->network;
  });
  if (is_waiting || guesses.size() >= kMostGuesses) return {kTryLater, Seconds(1)};
  const auto comparison = guess->comparison;
  guesses.push_back(std::move(guess));
  if (!shared_->comparing) {
    try {
      std::thread(Compare, shared_).detach();
    } catch (const std::exception&) {  // no memory, or no thread
      guesses.pop_back();
      return {kTryLater, Seconds(1)};
    }
    shared_->comparing = true;
  }
  return {kComparing, Seconds(0), comparison};
}

void BasicAuth::Compare(const std::shared_ptr<Shared>& shared) {
  using enum AuthDecision::Outcome;
  std::unique_lock lock(shared->mutex);
  while (!shared->guesses.empty()) {
    const Guess& guess = *shared->guesses.front();
    const auto comparison = guess.comparison;
    lock.unlock();
    try {
      const bool right = MatchesBcrypt(guess.password, guess.hash) && guess.user_exists;
      lock.lock();
      if (right) {
        shared->known[guess.user] = {guess.hash, guess.digest};
      } else {
        shared->failed.Add(guess.client, guess.time);
      }
      comparison->outcome_ = right ? kAllowed : kRefused;
    } catch (const std::bad_alloc&) {  // then it is told to try later
      if (!lock) lock.lock();
    }
    shared->guesses.pop_front();
    lock.unlock();
    comparison->done.Done();
    lock.lock();
  }
  shared->comparing = false;
}

}  // namespace radar_spoof
