// Whatever stands in a Retry-After, Ratelimit or time field, what is read stays within its bounds.
//
// The first line is each of them in turn; the second the Date or the Ratelimit-Policy.
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/radar_headers.h"
#include "tests/fuzz/fuzz_target.h"

namespace radar_spoof::test {
namespace {

constexpr WallTime kReceived(Seconds(1'781'007'000));  // 2026-06-09T12:10:00Z

void ReadRetryAfter(std::string_view text, std::string_view date) {
  const auto wait = ParseRetryAfter(text, date, kReceived);
  if (wait) Require(*wait >= Seconds(1) && *wait <= kMaxRetryAfter);
}

void ReadRateLimit(std::string_view ratelimit, std::string_view policy) {
  const auto policies = ParseRateLimit(ratelimit, policy);
  Require(policies.size() <= kMaxRateLimitPolicies);
  for (const auto& [name, header] : policies) {
    Require(!name.empty() && name.size() <= 32);
    Require(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos);
    Require(header.quota || header.remaining || header.reset_in);
    if (!header.reset_in) continue;
    Require(*header.reset_in >= Seconds(0) && *header.reset_in <= std::chrono::hours(24));
  }
}

void ReadTime(std::string_view text) {
  const auto time = ParseRfc3339(text);
  if (!time) return;
  const auto again = ParseRfc3339(FormatRfc3339(*time));
  Require(again && *again == std::chrono::floor<Seconds>(*time));
}

}  // namespace

FUZZ_TARGET(headers) {
  std::string_view second = input;
  const std::string_view first = TakeUntil(second, "\n");
  ReadRetryAfter(first, second);
  ReadRateLimit(first, second);
  ReadTime(first);
}

}  // namespace radar_spoof::test
