#include "radar_spoof/core/text.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

namespace radar_spoof {
namespace {

bool IsPrintableAscii(char c) { return c >= 0x20 && c < 0x7f; }

// C0 and C1.
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// Changes the direction of the text, or is not to be seen at all.
bool IsInvisible(char32_t c) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  constexpr std::array kRanges = {
      Range{0xAD, 0xAD},     Range{0x61C, 0x61C},   Range{0x200B, 0x200F}, Range{0x2028, 0x202E},
      Range{0x2060, 0x206F}, Range{0xFEFF, 0xFEFF}, Range{0xFFF0, 0xFFFB}, Range{0xE0000, 0xE0FFF}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerCase(c);
  return lower;
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && !IsDigit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string_view TakeUntil(std::string_view& rest, std::string_view separator) {
  const std::string_view taken = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(taken.size() + separator.size(), rest.size()));
  return taken;
}

std::string_view TakeUntilUnquoted(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (rest[end] == separator && !quoted) break;
    if (rest[end] == '\\' && quoted) ++end;
  }
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(taken);
}

CodePoint FirstCodePoint(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (bytes == 0 || first > 0xF4 || text.size() < bytes) return {};
  char32_t value = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return {};
    value = value << 6 | (next & 0x3FU);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {};
  return {value, bytes};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    if (c.bytes == 0) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

std::string SystemErrorText(int error) { return std::generic_category().message(error); }

std::string ForLog(std::string_view text, std::size_t max_bytes) {
  std::string safe;
  for (const char c : text) {
    const std::string shown = IsPrintableAscii(c)
                                  ? std::string(1, c)
                                  : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    if (safe.size() + shown.size() > max_bytes) break;
    safe += shown;
  }
  return safe;
}

std::string ForMessage(std::string_view text, std::size_t max_characters) {
  if (text.size() <= max_characters && std::all_of(text.begin(), text.end(), IsPrintableAscii)) {
    return std::string(text);
  }
  std::string safe;
  for (std::size_t shown = 0; !text.empty(); ++shown) {
    if (shown == max_characters) return safe + "...";
    const CodePoint c = FirstCodePoint(text);
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    if (c.bytes == 0) {
      safe += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
    } else if (IsControl(c.value)) {
      safe += fmt::format("\\x{:02X}", std::uint32_t{c.value});
    } else {
      safe += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return safe;
}

std::string ForTerminal(std::string_view text, bool unicode) {
  std::string safe;
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    if (c.bytes == 0) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (IsControl(c.value) || IsInvisible(c.value) || (!unicode && c.value > 0x7E)) {
      safe += fmt::format("\\u{{{:x}}}", std::uint32_t{c.value});
    } else {
      safe += text.substr(0, c.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
  return safe;
}

std::string ForHtml(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

std::string HostAndPort(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "";
  const std::string_view rest = url.substr(scheme_end + 3);
  return std::string(rest.substr(0, rest.find_first_of("/?#")));
}

SplitHost SplitHostAndPort(std::string_view host_and_port) {
  const std::size_t bracket = host_and_port.rfind(']');
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {std::string(host_and_port), std::nullopt};
  }
  return {std::string(host_and_port.substr(0, colon)),
          std::string(host_and_port.substr(colon + 1))};
}

bool IsLoopback(const std::string& host) {
  if (LowerCase(host) == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  const std::string bare = host.substr(1, host.size() - 2);
  return inet_pton(AF_INET6, bare.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

NumbersOf WhoseNumbers(std::string_view host_and_port) {
  std::string host = LowerCase(SplitHostAndPort(host_and_port).host);
  if (host.ends_with('.')) host.pop_back();
  if (host == "cloudflare.com" || host.ends_with(".cloudflare.com")) return NumbersOf::kCloudflare;
  return IsLoopback(host) ? NumbersOf::kThisMachine : NumbersOf::kSomebody;
}

}  // namespace radar_spoof
