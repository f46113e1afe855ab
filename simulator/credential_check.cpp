#include "simulator/credential_check.h"

#include <algorithm>

namespace radar_spoof::simulator {
namespace {

using Chain = std::vector<std::pair<int, std::string>>;

constexpr int kMissingEmail = 6100;
constexpr int kMissingKey = 6101;
constexpr int kMalformedEmail = 6102;
constexpr int kMalformedKey = 6103;
constexpr int kMalformedAuthorization = 6111;

ApiError InvalidHeaders(Chain chain) {
  return {400, 6003, "Invalid request headers", std::move(chain)};
}

bool IsVisible(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// The token of "Bearer TOKEN", or "" when the header has another form.
std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return "";
  const bool bearer = LowerCase(authorization.substr(0, kScheme.size())) == kScheme;
  const std::string_view token = authorization.substr(kScheme.size());
  return bearer && IsVisible(token) ? token : "";
}

std::optional<ApiError> CheckLegacyPair(std::string_view email, std::string_view key,
                                        const Credentials& accepted) {
  Chain chain;
  if (email.empty()) {
    chain.emplace_back(kMissingEmail, "Missing X-Auth-Email header");
  } else if (!IsVisible(email) || email.find('@') == std::string_view::npos) {
    chain.emplace_back(kMalformedEmail, "Invalid format for X-Auth-Email header");
  }
  if (key.empty()) {
    chain.emplace_back(kMissingKey, "Missing X-Auth-Key header");
  } else if (!IsVisible(key)) {
    chain.emplace_back(kMalformedKey, "Invalid format for X-Auth-Key header");
  }
  if (!chain.empty()) return InvalidHeaders(std::move(chain));
  if (email != accepted.email || key != accepted.key) return AuthenticationFailed();
  return std::nullopt;
}

}  // namespace

std::optional<ApiError> CheckCredentials(const ServerRequest& request,
                                         const Credentials& accepted) {
  const std::string_view authorization = request.Header("authorization");
  const std::string_view email = request.Header("x-auth-email");
  const std::string_view key = request.Header("x-auth-key");
  if (authorization.empty()) return CheckLegacyPair(email, key, accepted);
  if (!email.empty() || !key.empty()) {
    return InvalidHeaders({{kMalformedAuthorization,
                            "Authorization cannot be combined with X-Auth-Email and X-Auth-Key"}});
  }
  const std::string_view token = BearerToken(authorization);
  if (token.empty()) {
    return InvalidHeaders({{kMalformedAuthorization, "Invalid format for Authorization header"}});
  }
  if (token != accepted.token) return AuthenticationFailed();
  return std::nullopt;
}

ApiError AuthenticationFailed() { return {403, 10000, "Authentication error"}; }

}  // namespace radar_spoof::simulator
