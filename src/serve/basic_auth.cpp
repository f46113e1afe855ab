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
    : users_(std::move(users)), salt_(RandomSalt()) {}

bool BasicAuth::Allows(std::string_view authorization) {
  const auto credentials = ParseBasicAuthorization(authorization);
  if (!credentials) return false;
  const std::string digest = FastDigest(credentials->password, salt_);
  const auto user = users_.find(credentials->user);
  if (!digest.empty() && user != users_.end()) {
    const std::lock_guard lock(known_mutex_);
    const auto known = known_.find(user->first);
    if (known != known_.end() && EqualInConstantTime(known->second, digest)) return true;
  }

  const std::string& hash = (user == users_.end() ? users_.begin() : user)->second;
  const std::lock_guard comparing(comparing_);
  if (!MatchesBcrypt(credentials->password, hash) || user == users_.end()) return false;
  if (!digest.empty()) {
    const std::lock_guard lock(known_mutex_);
    known_[user->first] = digest;
  }
  return true;
}

}  // namespace radar_spoof
