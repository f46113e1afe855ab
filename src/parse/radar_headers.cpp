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

// Takes the part of `rest` before `separator`, and drops it from there.
std::string_view TakePart(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
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

bool IsPolicyName(std::string_view name) {
  constexpr std::size_t kLongest = 32;
  return !name.empty() && name.size() <= kLongest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

// ";r=50;t=30" into `policy`. False when none of it could be read.
bool ReadParameters(std::string_view parameters, RateLimitHeader& policy) {
  bool any = false;
  while (!parameters.empty()) {
    std::string_view parameter = TakePart(parameters, ';');
    const std::string_view key = TakePart(parameter, '=');
    const auto number = LeadingNumber(Trimmed(parameter));
    if (!number) continue;
    if (key == "q") policy.quota = number;
    if (key == "r") policy.remaining = number;
    if (key == "t") policy.reset_in = Capped(*number, kMaxReset);
    any = any || key == "q" || key == "r" || key == "t";
  }
  return any;
}

void ReadPolicies(std::string_view header, std::map<std::string, RateLimitHeader>& policies) {
  while (!header.empty()) {
    std::string_view item = TakePart(header, ',');
    std::string_view quoted = TakePart(item, ';');
    if (quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"') {
      quoted = quoted.substr(1, quoted.size() - 2);
    }
    if (!IsPolicyName(quoted)) continue;
    const std::string name(quoted);
    const auto known = policies.find(name);
    RateLimitHeader policy = known == policies.end() ? RateLimitHeader{} : known->second;
    if (!ReadParameters(item, policy)) continue;
    if (known == policies.end() && policies.size() >= kMaxRateLimitPolicies) continue;
    policies[name] = policy;
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
