#include "api_text_rules.h"

#include <algorithm>
#include <cctype>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

bool All(std::string_view text, bool (*is_one)(unsigned char)) {
  return std::ranges::all_of(text, is_one);
}

bool IsVisibleAscii(unsigned char c) { return c > 0x20 && c < 0x7F; }
bool IsHostCharacter(unsigned char byte) {
  const char c = static_cast<char>(byte);
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '-' || c == '.';
}
// RFC 3986, section 3.3, without what would need decoding to be judged.
bool IsPathCharacter(unsigned char c) {
  return IsVisibleAscii(c) &&
         std::string_view("?#\\\"<>^`{|}").find(static_cast<char>(c)) == std::string_view::npos;
}

bool HasOne(std::string_view text, int (*is_one)(int)) {
  return std::any_of(text.begin(), text.end(), [&](unsigned char c) { return is_one(c) != 0; });
}

// A token mixes digits and letters of both cases, a legacy key is hexadecimal. Names that people
// give are neither.
bool LooksLikeACredential(std::string_view text) {
  constexpr std::size_t kShortestCredential = 32;
  if (text.size() < kShortestCredential || !HasOne(text, std::isdigit)) return false;
  if (text.find_first_of("./") != std::string_view::npos) return false;
  return (HasOne(text, std::islower) && HasOne(text, std::isupper)) ||
         All(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool IsHost(const std::string& host) {
  if (host.starts_with('[')) {
    in6_addr v6{};
    return host.ends_with(']') &&
           inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1;
  }
  return !host.empty() && All(host, IsHostCharacter) && !host.starts_with('.') &&
         !host.starts_with('-') && host.find("..") == std::string::npos;
}

bool IsPort(std::string_view text) {
  constexpr int kHighestPort = 65535;
  const auto port = ParseNumber<int>(text);
  return port && *port >= 1 && *port <= kHighestPort;
}

}  // namespace

std::optional<std::string> BaseUrlProblem(const YamlNode& node) {
  constexpr std::string_view kExpected =
      "https://HOST[:PORT][/PATH], or http:// to localhost, 127.0.0.0/8 or [::1]";
  const auto refused = [&](std::string_view found) {
    return fmt::format("found {}; expected {}", found, kExpected);
  };
  const std::string_view url = node.text;
  const bool is_http = url.starts_with(kHttp);
  if (!is_http && !url.starts_with(kHttps)) {
    if (url.find('@') != std::string_view::npos) return refused("a URL of another kind");
    YamlNode with_scheme = node;
    with_scheme.text.insert(0, kHttps);
    const bool lacks_scheme =
        url.find('.') < url.find('/') && BaseUrlProblem(with_scheme) == std::nullopt;
    return refused(Describe(node)) +
           (lacks_scheme ? fmt::format("; did you mean {}?", Describe(with_scheme)) : "");
  }
  const std::string_view rest = url.substr(is_http ? kHttp.size() : kHttps.size());
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  // Not repeated: a password may stand in it.
  if (authority.find('@') != std::string_view::npos) return refused("a user name in the URL");
  if (path.find('#') != std::string_view::npos) return refused("a fragment (#) in the URL");
  if (path.find('?') != std::string_view::npos) return refused("a query string (?) in the URL");
  const SplitHost parts = SplitHostAndPort(authority);
  if (!IsHost(parts.host) || (parts.port && !IsPort(*parts.port)) || !All(path, IsPathCharacter)) {
    return refused(Describe(node));
  }
  if (is_http && !IsLoopback(parts.host)) {
    return refused(fmt::format("http:// to {}, which would send the credentials in the clear",
                               ForMessage(parts.host)));
  }
  return std::nullopt;
}

std::optional<std::string> ProxyProblem(const YamlNode& node) {
  if (node.text == "none" || node.text == "environment") return std::nullopt;
  const auto refused = [](std::string_view found) {
    return fmt::format("found {}; expected none, environment, or http[s]://HOST:PORT", found);
  };
  // Not repeated: a password may stand in it.
  if (node.text.find('@') != std::string::npos) return refused("a user name in the URL");
  const std::string_view url = node.text;
  const std::string_view scheme = url.starts_with(kHttps) ? kHttps : kHttp;
  if (!url.starts_with(scheme)) {
    constexpr auto kWords = std::to_array<std::string_view>({"none", "environment"});
    constexpr std::array kSynonyms = {Synonym{"off", "none"}, Synonym{"false", "none"},
                                      Synonym{"system", "environment"}};
    return refused(Describe(node)) + DidYouMean(node.text, kWords, kSynonyms);
  }
  const SplitHost parts = SplitHostAndPort(url.substr(scheme.size()));
  if (!IsHost(parts.host) || !parts.port || !IsPort(*parts.port)) return refused(Describe(node));
  return std::nullopt;
}

std::optional<std::string> PathProblem(const YamlNode& node) {
  if (node.text.starts_with('/') && All(node.text, IsPathCharacter)) return std::nullopt;
  const std::string_view hint = node.text.find('?') == std::string::npos
                                    ? ""
                                    : "; the parameters of a request come from the queries";
  return fmt::format("found {}; expected a path that begins with \"/\" and has no query string{}",
                     Describe(node), hint);
}

std::optional<std::string> FileNameProblem(const YamlNode& node) {
  if (node.text.empty()) return "found an empty text; expected the name of a file";
  if (LooksLikeACredential(node.text)) {
    return "found what looks like the credential itself; expected the name of the file that holds "
           "it";
  }
  if (ForMessage(node.text, node.text.size()) != node.text) {
    return fmt::format("found {}; expected the name of a file, without control characters",
                       Describe(node));
  }
  return std::nullopt;
}

std::optional<std::string> VariableNameProblem(const YamlNode& node) {
  if (LooksLikeACredential(node.text)) {
    return "found what looks like the credential itself; expected the name of the variable of the "
           "environment that holds it";
  }
  if (IsIdentifier(node.text)) return std::nullopt;
  return "found text that is not a name; expected the name of a variable of the environment: "
         "letters, digits and _";
}

std::optional<std::string> EmailProblem(const YamlNode& node) {
  constexpr std::size_t kLongestAddress = 254;
  const std::size_t at = node.text.find('@');
  const bool is_address = node.text.size() <= kLongestAddress && All(node.text, IsVisibleAscii) &&
                          at != std::string::npos && at > 0 && at + 1 < node.text.size() &&
                          node.text.find('@', at + 1) == std::string::npos;
  if (is_address) return std::nullopt;
  return fmt::format("found {}; expected the e-mail address of a Cloudflare account",
                     Describe(node));
}

}  // namespace radar_spoof
