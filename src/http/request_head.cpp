#include "request_head.h"

#include <algorithm>
#include <cstring>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::size_t kMostHeaders = 64;

bool IsToken(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return IsDigit(c) || IsLetter(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view value) {
  return std::ranges::all_of(
      value, [](char c) { return static_cast<unsigned char>(c) >= ' ' ? c != '\x7f' : c == '\t'; });
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const auto value = ParseNumber<unsigned>(text.substr(i + 1, 2), 16);
      if (text.size() - i < 3 || !value) return std::nullopt;
      decoded += static_cast<char>(*value);
      i += 2;
    }
  }
  return decoded;
}

// The path and query of an absolute form for `host`; a target in origin form is returned as it is.
std::optional<std::string_view> OriginForm(std::string_view raw, std::string_view host) {
  if (raw.starts_with('/')) return raw;
  const std::size_t scheme_end = raw.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = raw.substr(0, scheme_end);
  if (LowerCase(scheme) != "http" && LowerCase(scheme) != "https") return std::nullopt;
  const std::string_view rest = raw.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  if (LowerCase(rest.substr(0, authority_end)) != LowerCase(host)) return std::nullopt;
  return rest.substr(authority_end);
}

bool ParseQuery(std::string_view rest, ServerRequest& request) {
  while (!rest.empty()) {
    std::string_view pair = TakeUntil(rest, "&");
    if (pair.empty()) continue;
    auto key = PercentDecode(TakeUntil(pair, "="), true);
    auto value = PercentDecode(pair, true);
    if (!key || !value) return false;
    request.query.emplace_back(std::move(*key), std::move(*value));
  }
  return true;
}

}  // namespace

std::optional<int> RefusalStatus(const ServerRequest& request, std::size_t head_size,
                                 std::size_t head_limit) {
  if (head_size > head_limit || request.headers.size() > kMostHeaders) return 431;
  if (request.method == "CONNECT") return 400;
  int hosts = 0;
  int framings = 0;
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name) || !IsFieldValue(value)) return 400;
    hosts += name == "host" ? 1 : 0;
    framings += name == "content-length" || name == "transfer-encoding" ? 1 : 0;
    if (name == "transfer-encoding" && LowerCase(value) != "chunked") return 400;
  }
  if (hosts > 1 || framings > 1) return 400;
  return std::nullopt;
}

HeadLayout::HeadLayout(const char* method, const char* target, std::size_t target_size,
                       const char* version)
    : begin_(method),
      line_end_(version + std::strlen(version)),
      exact_(target == method + std::strlen(method) + 1 && version == target + target_size + 1) {}

void HeadLayout::Add(const char* name, const char* value) {
  exact_ = exact_ && name == line_end_ + 2;
  line_end_ = value + std::strlen(value);
}

bool HeadLayout::IsExact(std::size_t head_size) const {
  return exact_ && begin_ + head_size == line_end_ + 4;
}

bool AnnouncesBody(const ServerRequest& request) {
  return request.Header("content-length").find_first_not_of('0') != std::string_view::npos ||
         !request.Header("transfer-encoding").empty();
}

bool ParseRequestTarget(std::string_view raw, ServerRequest& request) {
  if (!std::ranges::all_of(raw, [](char c) { return c > ' ' && c <= '~'; })) return false;
  if (raw == "*") {
    request.path = raw;
    return true;
  }
  auto origin = OriginForm(raw, request.Header("host"));
  if (!origin) return false;
  auto path = PercentDecode(TakeUntil(*origin, "?"), false);
  if (!path) return false;
  request.path = path->empty() ? "/" : std::move(*path);
  return ParseQuery(*origin, request);
}

}  // namespace radar_spoof
