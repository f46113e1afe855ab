// Reading text and URLs, and making text from outside safe for the place where it is shown.
//
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

// Lower case of ASCII letters, whatever the locale; other bytes stay.
constexpr char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string LowerCase(std::string_view text);

// Without the spaces, tabs and line ends around it.
std::string_view Trim(std::string_view text);

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0: what stands there is not UTF-8
};

// The first of `text`. Source: RFC 3629: shortest form, no surrogates, at most U+10FFFF.
// REQUIRES: `text` is not empty.
CodePoint FirstCodePoint(std::string_view text);

bool IsUtf8(std::string_view text);

// U+FEFF, with which some editors begin a file.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What the system calls an errno: "No such file or directory".
std::string SystemErrorText(int error);

// FNV-1a, 64 bits (Fowler, Noll, Vo): the same in every run and on every machine. Not for secrets.
constexpr std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

// For a log line: everything outside printable ASCII as \xNN, and cut where the result would pass
// `max_bytes`.
std::string ForLog(std::string_view text, std::size_t max_bytes);

// For a message about a file: control characters as \xNN, cut with "..." after `max_characters`.
// REQUIRES: UTF-8.
std::string ForMessage(std::string_view text, std::size_t max_characters = 60);

// For a terminal: what could steer it or turn the line around as \u{202e}, invalid UTF-8 as \xNN,
// and without `unicode` everything beyond ASCII.
std::string ForTerminal(std::string_view text, bool unicode);

// For HTML, between tags and in attributes in quotes.
std::string ForHtml(std::string_view text);

// Source of what a URL is: RFC 3986, 3.2. "HOST[:PORT]" of "SCHEME://HOST[:PORT][/PATH][?QUERY]";
// empty when there is no "://".
std::string HostAndPort(std::string_view url);

struct SplitHost {
  std::string host;  // an IPv6 address keeps its brackets
  std::optional<std::string> port;
};
SplitHost SplitHostAndPort(std::string_view host_and_port);

// localhost, 127.0.0.0/8 and [::1]. `host` is without a port.
bool IsLoopback(const std::string& host);

// Whose numbers come from a host.
enum class NumbersOf {
  kCloudflare,   // cloudflare.com and what is under it
  kThisMachine,  // loopback: a simulator
  kSomebody,     // any other host
};
NumbersOf WhoseNumbers(std::string_view host_and_port);

}  // namespace radar_spoof
