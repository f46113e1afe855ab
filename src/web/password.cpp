#include "password.h"

#include <algorithm>
#include <memory>

#include <crypt.h>

#include "crypto.h"

namespace radar_spoof {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "" on failure, which no valid hash equals.
std::string Crypt(const std::string& phrase, const std::string& setting) {
  // libcrypt stops at a NUL: what follows would be ignored.
  if (phrase.find('\0') != std::string::npos) return {};
  const auto workspace = std::make_unique<crypt_data>();  // 32 KiB, so not on the stack
  const char* const hash = crypt_r(phrase.c_str(), setting.c_str(), workspace.get());
  return hash == nullptr || hash[0] == '*' ? std::string() : std::string(hash);
}

}  // namespace

bool IsBcryptHash(std::string_view text) {
  if (text.size() != 60 || !text.starts_with("$2") || text[3] != '$' || text[6] != '$') {
    return false;
  }
  if (text[2] != 'a' && text[2] != 'b' && text[2] != 'y') return false;
  if (!IsDigit(text[4]) || !IsDigit(text[5])) return false;
  const int cost = BcryptCost(text);
  const std::string_view salted = text.substr(7);
  return cost >= 4 && cost <= 31 && std::all_of(salted.begin(), salted.end(), [](char c) {
           return IsDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
                  c == '/';
         });
}

int BcryptCost(std::string_view hash) { return (hash[4] - '0') * 10 + (hash[5] - '0'); }

bool MatchesBcrypt(const std::string& password, const std::string& hash) {
  return EqualInConstantTime(Crypt(password, hash), hash);
}

}  // namespace radar_spoof
