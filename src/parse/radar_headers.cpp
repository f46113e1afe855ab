#include "radar_spoof/parse/radar_headers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kMaxReset = 24h;  // and the longest window

// The decimal number `text` begins with, as large as fits. nullopt when it begins otherwise.
std::optional<std::uint64_t> LeadingNumber(std::string_view text) {
  if (text.empty() || !IsDigit(text.front())) return std::nullopt;
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max()
                                                     : number;
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

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool IsDay(std::string_view text) {
  return std::find(kDays.begin(), kDays.end(), text) != kDays.end();
}

bool IsShortDay(std::string_view text) {
  return std::ranges::any_of(kDays, [&](std::string_view day) { return day.substr(0, 3) == text; });
}

std::optional<WallTime> TimeOf(std::string_view year, std::string_view month_name,
                               std::string_view day, std::string_view time_of_day) {
  const auto month = std::find(kMonths.begin(), kMonths.end(), month_name);
  if (month == kMonths.end()) return std::nullopt;
  return ParseRfc3339(
      fmt::format("{}-{:02}-{}T{}Z", year, month - kMonths.begin() + 1, day, time_of_day));
}

// RFC 850: a year that seems to be more than 50 years ahead is the last one before that ends alike.
std::optional<WallTime> TimeOfShortYear(std::string_view year, std::string_view month_name,
                                        std::string_view day, std::string_view time_of_day,
                                        WallTime now) {
  constexpr int kYearsAhead = 50;
  const auto number = WholeNumber(year);
  if (!number) return std::nullopt;
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const int latest = static_cast<int>(today.year()) + kYearsAhead;
  const int candidate = latest - (latest - static_cast<int>(*number)) % 100;
  const auto time_in = [&](int full_year) {
    return TimeOf(fmt::format("{:04}", full_year), month_name, day, time_of_day);
  };
  const auto time = time_in(candidate);
  const WallTime limit = std::chrono::sys_days(today + std::chrono::years(kYearsAhead)) +
                         (now - std::chrono::floor<std::chrono::days>(now));
  return time && *time > limit ? time_in(candidate - 100) : time;
}

// Whether both are alike, but where the form has a "*".
bool HasForm(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char expected) { return expected == '*' || c == expected; });
}

bool IsLetterOrDigit(char c) { return IsLetter(c) || IsDigit(c); }

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
    c = LowerCase(c);
    if (!IsLetterOrDigit(c) && c != '-') c = '_';
  }
  return label;
}

// ";r=50;t=30". nullopt when it has neither q nor r, or what it has of q, r and t is no number.
std::optional<RateLimitHeader> ReadParameters(std::string_view parameters) {
  RateLimitHeader policy;
  while (!parameters.empty()) {
    std::string_view value = TakeUntilUnquoted(parameters, ';');
    const std::string_view key = TakeUntilUnquoted(value, '=');
    if (key != "q" && key != "r" && key != "t" && key != "w") continue;
    const auto number = WholeNumber(Trim(value));
    if (key == "w") {
      if (number && *number > 0) policy.window = Capped(*number, kMaxReset);
      continue;
    }
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
  if (read.quota && (!known.quota || *read.quota < *known.quota)) {
    known.quota = read.quota;
    known.window = read.window;
  }
  if (!read.remaining || (known.remaining && *known.remaining <= *read.remaining)) return;
  known.remaining = read.remaining;
  known.reset_in = read.reset_in;
}

void ReadPolicies(std::string_view header, std::map<std::string, RateLimitHeader>& policies) {
  while (!header.empty()) {
    std::string_view item = TakeUntilUnquoted(header, ',');
    const auto name = PolicyName(TakeUntilUnquoted(item, ';'));
    const auto read = ReadParameters(item);
    if (!name || !read) continue;
    const std::string label = PolicyLabel(*name);
    if (!policies.contains(label) && policies.size() >= kMaxRateLimitPolicies) continue;
    Join(*read, policies[label]);
  }
}

}  // namespace

std::optional<WallTime> ParseHttpDate(std::string_view text, WallTime now) {
  const std::size_t day_end = std::min(text.find_first_of(", "), text.size());
  const std::string_view day_name = text.substr(0, day_end);
  const std::string_view rest = text.substr(day_end);
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (IsShortDay(day_name) && HasForm(rest, ", ** *** **** **:**:** GMT")) {
    return TimeOf(rest.substr(9, 4), rest.substr(5, 3), rest.substr(2, 2), rest.substr(14, 8));
  }
  // Sunday, 06-Nov-94 08:49:37 GMT
  if (IsDay(day_name) && HasForm(rest, ", **-***-** **:**:** GMT")) {
    return TimeOfShortYear(rest.substr(9, 2), rest.substr(5, 3), rest.substr(2, 2),
                           rest.substr(12, 8), now);
  }
  // Sun Nov  6 08:49:37 1994
  if (IsShortDay(day_name) && HasForm(rest, " *** ** **:**:** ****")) {
    std::string day(rest.substr(5, 2));
    if (day.front() == ' ') day.front() = '0';
    return TimeOf(rest.substr(17, 4), rest.substr(1, 3), day, rest.substr(8, 8));
  }
  return std::nullopt;
}

std::optional<Seconds> ParseRetryAfter(std::string_view value, std::string_view date, WallTime now,
                                       Seconds longest) {
  value = Trim(value);
  if (const auto seconds = LeadingNumber(value)) {
    return std::max(Capped(*seconds, longest), Seconds(1));
  }
  const auto end = ParseHttpDate(value, now);
  if (!end) return std::nullopt;
  const WallTime answered = ParseHttpDate(Trim(date), now).value_or(now);
  return std::clamp(std::chrono::ceil<Seconds>(*end - answered), Seconds(1), longest);
}

std::map<std::string, RateLimitHeader> ParseRateLimit(std::string_view ratelimit,
                                                      std::string_view policy) {
  std::map<std::string, RateLimitHeader> policies;
  ReadPolicies(ratelimit, policies);
  ReadPolicies(policy, policies);
  return policies;
}

}  // namespace radar_spoof
