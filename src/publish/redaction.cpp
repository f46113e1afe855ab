#include "redaction.h"

#include <algorithm>
#include <string_view>

namespace radar_spoof {
namespace {

constexpr std::string_view kMark = "[redacted]";
constexpr std::size_t kTellingLength = 4;

struct SecretOf {
  const Secret& operator()(const BearerToken& bearer) const { return bearer.token; }
  const Secret& operator()(const LegacyKey& legacy) const { return legacy.key; }
};

// As an encoder of JSON may write it.
Secret WithEscapedSlashes(std::string_view secret) {
  std::string escaped;
  for (const char c : secret) {
    if (c == '/') escaped += '\\';
    escaped += c;
  }
  return Secret(std::move(escaped));
}

void Redact(std::string& text, std::string_view secret) {
  for (auto at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kMark.size())) {
    text.replace(at, secret.size(), kMark);
  }
  for (std::size_t length = std::min(secret.size() - 1, text.size()); length >= kTellingLength;
       --length) {
    if (!text.ends_with(secret.substr(0, length))) continue;
    text.replace(text.size() - length, length, kMark);
    break;
  }
}

}  // namespace

std::string Redacted(std::string text, const Credentials& credentials) {
  const std::string& secret = std::visit(SecretOf{}, credentials).Reveal();
  if (secret.empty()) return text;
  Redact(text, secret);
  Redact(text, WithEscapedSlashes(secret).Reveal());
  return text;
}

}  // namespace radar_spoof
