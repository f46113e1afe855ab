#include "radar_spoof/serve/basic_auth.h"

#include <algorithm>

#include "radar_spoof/serve/password.h"

namespace radar_spoof {
namespace {

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string decoded;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = Base64Value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += static_cast<char>(bits >> count & 0xFF);
  }
  return decoded;
}

}  // namespace

std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header) {
  constexpr std::string_view kScheme = "basic ";
  if (header.size() < kScheme.size()) return std::nullopt;
  const auto same = [](char lower, char c) {
    return lower == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  };
  if (!std::equal(kScheme.begin(), kScheme.end(), header.begin(), same)) {
    return std::nullopt;
  }
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  const auto decoded = DecodeBase64(header);
  if (!decoded) return std::nullopt;
  const bool has_control = std::any_of(decoded->begin(), decoded->end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  const std::size_t colon = decoded->find(':');
  if (has_control || colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

BasicAuth::BasicAuth(std::map<std::string, std::string> users)
    : salt_(RandomSalt()), users_(std::move(users)) {}

void BasicAuth::SetUsers(std::map<std::string, std::string> users) {
  const std::lock_guard lock(mutex_);
  users_ = std::move(users);
  std::erase_if(known_, [this](const auto& each) { return !users_.contains(each.first); });
}

BasicAuth::UserHash BasicAuth::FindUser(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (users_.empty()) return {};
  const auto found = users_.find(name);
  if (found != users_.end()) return {found->second, true};
  return {users_.begin()->second, false};
}

bool BasicAuth::IsKnown(const std::string& user, const KnownPassword& password) const {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(user);
  return known != known_.end() && known->second.hash == password.hash &&
         EqualInConstantTime(known->second.digest, password.digest);
}

AuthDecision BasicAuth::Check(std::string_view authorization, std::string_view client,
                              SteadyTime now) {
  using enum AuthDecision::Outcome;
  const auto credentials = ParseBasicAuthorization(authorization);
  const UserHash user = FindUser(credentials ? credentials->user : "");
  if (user.hash.empty()) return {kAllowed};
  if (!credentials) return {kRefused};
  const std::string digest = FastDigest(credentials->password, salt_);
  if (user.exists && IsKnown(credentials->user, {user.hash, digest})) return {kAllowed};

  const std::unique_lock comparing(comparing_, std::try_to_lock);
  if (!comparing) return {kTryLater, Seconds(1)};
  if (const auto wait = failed_.Wait(client, now); wait > wait.zero()) {
    return {kTryLater, std::chrono::ceil<Seconds>(wait)};
  }
  if (!MatchesBcrypt(credentials->password, user.hash) || !user.exists) {
    failed_.Add(client, now);
    return {kRefused};
  }
  const std::lock_guard lock(mutex_);
  if (!digest.empty()) known_[credentials->user] = {user.hash, digest};
  return {kAllowed};
}

}  // namespace radar_spoof
