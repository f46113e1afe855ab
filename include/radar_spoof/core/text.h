// Reading text and URLs, and making text from outside safe for the place where it is shown.
//
// Letters and digits are those of ASCII, whatever the locale. Thread rule: pure.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

// Other bytes stay.
constexpr char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string LowerCase(std::string_view text);

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLetter(char c) { return LowerCase(c) >= 'a' && LowerCase(c) <= 'z'; }
// Letters, digits and underscores, not beginning with a digit: a variable's name, or a label's.
bool IsIdentifier(std::string_view text);

// The number that all of `text` is, without white space or a plus sign; nullopt for what is none,
// or is none of T's. `form`: the base of an integer, or a std::chars_format.
template <typename T, typename... Form>
std::optional<T> ParseNumber(std::string_view text, Form... form) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, form...);
  return error == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

// Without the spaces, tabs and line ends around it.
std::string_view Trim(std::string_view text);

// Takes what stands before the first `separator` off `rest`, and the separator with it; all of it
// where there is none.
std::string_view TakeUntil(std::string_view& rest, std::string_view separator);
// The same of a header's value, without the blanks around it: what stands in quotes separates
// nothing (RFC 9110, 5.6.4).
std::string_view TakeUntilUnquoted(std::string_view& rest, char separator);

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
