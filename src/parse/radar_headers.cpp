#include "radar_spoof/parse/radar_headers.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kMaxReset = 24h;

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the part of `rest` before the next unquoted `separator`, and drops it from there.
std::string_view TakePart(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (rest[end] == separator && !quoted) break;
    if (rest[end] == '\\' && quoted) ++end;
  }
  const std::string_view part = Trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// The decimal number `text` begins with, as large as fits. nullopt when it begins otherwise.
std::optional<std::uint64_t> LeadingNumber(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc::result_out_of_range ? UINT64_MAX : number;
}

// The same for a text that is a number and nothing else.
std::optional<std::uint64_t> WholeNumber(std::string_view text) {
  const bool is_number = text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? LeadingNumber(text) : std::nullopt;
}

Seconds Capped(std::uint64_t seconds, Seconds cap) {
  return Seconds(
      static_cast<std::int64_t>(std::min(seconds, static_cast<std::uint64_t>(cap.count()))));
}

// "Sun, 06 Nov 1994 08:49:37 GMT": the one form RFC 9110 lets a server send.
std::optional<WallTime> ParseHttpDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::size_t kLength = std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size();
  if (text.size() != kLength || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return ParseRfc3339(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4),
                                  month - kMonths.begin() + 1, text.substr(5, 2),
                                  text.substr(17, 8)));
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A string or a token of RFC 9651, without the quotes. nullopt for what is neither, or empty.
std::optional<std::string_view> PolicyName(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.front() != '"') {
    const bool is_token = std::all_of(text.begin(), text.end(), [](char c) {
      return IsLetterOrDigit(c) ||
             std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
    });
    return is_token ? std::optional(text) : std::nullopt;
  }
  std::size_t end = 1;
  for (; end < text.size() && text[end] != '"'; ++end) {
    if (text[end] == '\\') ++end;
  }
  if (end == 1 || end + 1 != text.size()) return std::nullopt;
  return text.substr(1, end - 1);
}

std::string PolicyLabel(std::string_view name) {
  constexpr std::size_t kLongest = 32;
  std::string label(name.substr(0, kLongest));
  for (char& c : label) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    } else if (!IsLetterOrDigit(c) && c != '-') {
      c = '_';
    }
  }
  return label;
}

// ";r=50;t=30". nullopt when it has neither q nor r, or what it has of q, r and t is no number.
std::optional<RateLimitHeader> ReadParameters(std::string_view parameters) {
  RateLimitHeader policy;
  while (!parameters.empty()) {
    std::string_view value = TakePart(parameters, ';');
    const std::string_view key = TakePart(value, '=');
    if (key != "q" && key != "r" && key != "t") continue;
    const auto number = WholeNumber(Trimmed(value));
    if (!number) return std::nullopt;
    if (key == "q") policy.quota = number;
    if (key == "r") policy.remaining = number;
    if (key == "t") policy.reset_in = Capped(*number, kMaxReset);
  }
  if (!policy.quota && !policy.remaining) return std::nullopt;
  return policy;
}

// Different names may have one label: what allows less stays.
void Join(const RateLimitHeader& read, RateLimitHeader& known) {
  if (read.quota && (!known.quota || *read.quota < *known.quota)) known.quota = read.quota;
  if (!read.remaining || (known.remaining && *known.remaining <= *read.remaining)) return;
  known.remaining = read.remaining;
  known.reset_in = read.reset_in;
}

void ReadPolicies(std::string_view header, std::map<std::string, RateLimitHeader>& policies) {
  while (!header.empty()) {
    std::string_view item = TakePart(header, ',');
    const auto name = PolicyName(TakePart(item, ';'));
    const auto read = ReadParameters(item);
    if (!name || !read) continue;
    const std::string label = PolicyLabel(*name);
    if (!policies.contains(label) && policies.size() >= kMaxRateLimitPolicies) continue;
    Join(*read, policies[label]);
  }
}

}  // namespace

std::optional<Seconds> ParseRetryAfter(std::string_view value, WallTime now) {
  value = Trimmed(value);
  if (const auto seconds = LeadingNumber(value)) {
    return std::max(Capped(*seconds, kMaxRetryAfter), Seconds(1));
  }
  const auto date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::ceil<Seconds>(*date - now), Seconds(1), kMaxRetryAfter);
}

std::map<std::string, RateLimitHeader> ParseRateLimit(std::string_view ratelimit,
                                                      std::string_view policy) {
  std::map<std::string, RateLimitHeader> policies;
  ReadPolicies(ratelimit, policies);
  ReadPolicies(policy, policies);
  return policies;
}

}  // namespace radar_spoof
