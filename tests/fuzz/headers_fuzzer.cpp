// Whatever stands in a Retry-After, Ratelimit or time field, what is read stays within its bounds.
//
// The first line is each of them in turn; the second the Date or the Ratelimit-Policy.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/parse/radar_headers.h"

namespace radar_spoof {
namespace {

constexpr WallTime kNow(Seconds(1'781'007'000));  // 2026-06-09T12:10:00Z

void Require(bool holds) {
  if (!holds) std::abort();
}

void ReadRetryAfter(std::string_view text, std::string_view date) {
  const auto wait = ParseRetryAfter(text, date, kNow);
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
}  // namespace radar_spoof

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const std::size_t end = std::min(text.find('\n'), size);
  const std::string_view first = text.substr(0, end);
  const std::string_view second = text.substr(std::min(end + 1, size));
  radar_spoof::ReadRetryAfter(first, second);
  radar_spoof::ReadRateLimit(first, second);
  radar_spoof::ReadTime(first);
  return 0;
}
