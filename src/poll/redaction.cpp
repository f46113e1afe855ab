#include "redaction.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>
#include <vector>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

constexpr std::string_view kMark = "[redacted]";
constexpr std::size_t kTellingPart = 8;
constexpr std::size_t kTellingBeginning = 4;

// A text as it is compared: without escapes and upper case, each character with its place.
struct Folded {
  struct Place {
    std::size_t begin;
    std::size_t end;
  };
  std::string text;
  std::vector<Place> places;
};

std::optional<char> AsciiFromHex(std::string_view digits, std::size_t length) {
  unsigned code = 0;
  if (digits.size() < length) return std::nullopt;
  const char* const end = digits.data() + length;
  const auto [stopped, error] = std::from_chars(digits.data(), end, code, 16);
  if (error != std::errc() || stopped != end || code > 0x7f) return std::nullopt;
  return static_cast<char>(code);
}

// The character that `text`, which is not empty, begins with, and as how many it is written.
std::pair<char, std::size_t> FirstCharacter(std::string_view text) {
  if (text.starts_with("\\u")) {
    if (const auto c = AsciiFromHex(text.substr(2), 4)) return {*c, 6};
  }
  if (text.starts_with('%')) {
    if (const auto c = AsciiFromHex(text.substr(1), 2)) return {*c, 3};
  }
  if (text.starts_with("\\/")) return {'/', 2};
  return {text.front(), 1};
}

Folded Fold(std::string_view text) {
  Folded folded;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = FirstCharacter(text.substr(at));
    folded.text += LowerCase(c);
    folded.places.push_back({at, at + length});
    at += length;
  }
  return folded;
}

// Which characters belong to a part of `secret` of that length.
void MarkParts(std::string_view text, std::string_view secret, std::size_t length,
               std::vector<bool>& marked) {
  if (secret.empty() || text.size() < length) return;
  std::unordered_set<std::string_view> parts;
  for (std::size_t at = 0; at + length <= secret.size(); ++at) {
    parts.insert(secret.substr(at, length));
  }
  for (std::size_t at = 0; at + length <= text.size(); ++at) {
    if (!parts.contains(text.substr(at, length))) continue;
    std::fill_n(marked.begin() + static_cast<std::ptrdiff_t>(at), length, true);
  }
}

// Without what may be the beginning of an escape.
std::string_view WithoutCutEscape(std::string_view text) {
  constexpr std::size_t kLongest = 5;  // of "\\u002f"
  const std::size_t at = text.find_last_of("\\%");
  return at != std::string_view::npos && text.size() - at <= kLongest ? text.substr(0, at) : text;
}

void MarkCutBeginning(std::string_view text, std::string_view secret, std::vector<bool>& marked) {
  if (text.ends_with('"')) text.remove_suffix(1);
  text = WithoutCutEscape(text);
  for (std::size_t length = std::min(secret.size(), text.size()); length >= kTellingBeginning;
       --length) {
    if (!text.ends_with(secret.substr(0, length))) continue;
    std::fill_n(marked.begin() + static_cast<std::ptrdiff_t>(text.size() - length), length, true);
    return;
  }
}

struct Marker {
  std::string_view text;
  std::vector<bool>& marked;

  void operator()(const BearerToken& bearer) const { MarkSecret(bearer.token); }
  void operator()(const LegacyKey& legacy) const {
    MarkSecret(legacy.key);
    MarkParts(text, LowerCase(legacy.email), legacy.email.size(), marked);
  }

  void MarkSecret(const Secret& secret) const {
    const Secret folded(LowerCase(secret.Reveal()));
    const std::string& plain = folded.Reveal();
    MarkParts(text, plain, std::min(kTellingPart, plain.size()), marked);
    MarkCutBeginning(text, plain, marked);
  }
};

}  // namespace

std::string Redacted(std::string_view text, const Credentials& credentials) {
  const Folded folded = Fold(text);
  std::vector<bool> marked(folded.text.size());
  std::visit(Marker{folded.text, marked}, credentials);
  std::string redacted;
  for (std::size_t i = 0; i < marked.size(); ++i) {
    const auto& [begin, end] = folded.places[i];
    if (!marked[i]) {
      redacted += text.substr(begin, end - begin);
    } else if (i == 0 || !marked[i - 1]) {
      redacted += kMark;
    }
  }
  return redacted;
}

}  // namespace radar_spoof
