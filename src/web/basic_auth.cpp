#include "radar_spoof/web/basic_auth.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <iterator>
#include <new>
#include <stdexcept>
#include <thread>

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kMostGuesses = 16;
constexpr int kSettingsKept = 16;

constexpr std::size_t kMostClients = 1024;
constexpr int kMostFailures = 10;
constexpr Milliseconds kWindow = std::chrono::minutes(1);

// The bytes that `text` stands for (RFC 4648, 4); nullopt when it is not base64.
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

// Takes as long wherever they differ; how long they are may show.
bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && gnutls_memcmp(a.data(), b.data(), a.size()) == 0;
}

// HMAC-SHA256, in a few microseconds: for a memory of passwords that were already checked, not for
// storing them. "" when it cannot be had.
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

// "" on failure, which no valid hash equals.
std::string Crypt(const std::string& phrase, const std::string& setting) {
  // libcrypt stops at a NUL: what follows would be ignored.
  if (phrase.find('\0') != std::string::npos) return {};
  const auto workspace = std::make_unique<crypt_data>();  // 32 KiB, so not on the stack
  const char* const hash = crypt_r(phrase.c_str(), setting.c_str(), workspace.get());
  return hash == nullptr || hash[0] == '*' ? std::string() : std::string(hash);
}

// Slow on purpose: some 80 ms at cost 10, twice as much for each step more; the time does not
// depend on the answer.
bool MatchesBcrypt(const std::string& password, const std::string& hash) {
  return EqualInConstantTime(Crypt(password, hash), hash);
}

}  // namespace

std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header) {
  constexpr std::string_view kScheme = "basic ";
  if (LowerCase(header.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  const auto decoded = DecodeBase64(Trim(header.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const bool has_control = std::ranges::any_of(
      *decoded, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  const std::size_t colon = decoded->find(':');
  if (has_control || colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

bool IsBcryptHash(std::string_view text) {
  if (text.size() != 60 || !text.starts_with("$2") || text[3] != '$' || text[6] != '$') {
    return false;
  }
  constexpr std::string_view kSalted =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (text[2] != 'a' && text[2] != 'b' && text[2] != 'y') return false;
  if (!IsDigit(text[4]) || !IsDigit(text[5])) return false;
  const int cost = BcryptCost(text);
  return cost >= 4 && cost <= 31 && text.find_first_not_of(kSalted, 7) == text.npos;
}

int BcryptCost(std::string_view hash) { return (hash[4] - '0') * 10 + (hash[5] - '0'); }

void FailedLogins::Add(const std::string& client, SteadyTime now) {
  if (!counts_.contains(client)) MakeRoom(now);
  Count& count = counts_[client];
  if (count.failures == 0 || now - count.first >= kWindow) count = {now, 0};
  ++count.failures;
}

Milliseconds FailedLogins::Wait(const std::string& client, SteadyTime now) const {
  const auto found = counts_.find(client);
  if (found == counts_.end() || found->second.failures < kMostFailures) return {};
  return std::max(Milliseconds(0), found->second.first + kWindow - now);
}

void FailedLogins::MakeRoom(SteadyTime now) {
  if (counts_.size() < kMostClients) return;
  std::erase_if(counts_, [now](const auto& each) { return now - each.second.first >= kWindow; });
  if (counts_.size() < kMostClients) return;
  counts_.erase(std::ranges::min_element(counts_, [](const auto& one, const auto& other) {
    return one.second.first < other.second.first;
  }));
}

struct BasicAuth::Guess {
  std::string network;
  SteadyTime time;
  std::string user;
  std::string password;
  std::string hash;  // the user's; for an unknown user the costliest there is
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
    const auto costliest = std::ranges::max_element(
        users, {}, [](const auto& each) { return BcryptCost(each.second); });
    guess->hash = (guess->user_exists ? user : costliest)->second;
  }
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
  if (const auto wait = shared_->failed.Wait(guess->network, now); wait > wait.zero()) {
    return {kTryLater, std::chrono::ceil<Seconds>(wait)};
  }
  auto& guesses = shared_->guesses;
  const bool is_waiting = std::ranges::any_of(
      guesses, [&](const auto& each) { return each->network == guess->network; });
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
        shared->failed.Add(guess.network, guess.time);
      }
      comparison->decision.outcome = right ? kAllowed : kRefused;
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
