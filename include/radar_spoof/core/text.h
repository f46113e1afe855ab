// Reading text, and making text from outside safe for the place where it is shown.
//
// Thread rule: pure.
#pragma once

#include <cstddef>
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

// What the system calls an errno: "No such file or directory".
std::string SystemErrorText(int error);

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

}  // namespace radar_spoof
