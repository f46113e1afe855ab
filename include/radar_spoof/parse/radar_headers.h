// The response headers that say how fast the API may be asked.
//
// Sources: RFC 9110, 10.2.3 (Retry-After) and 5.6.7 (dates); Cloudflare, "API rate limits"
// (Ratelimit: "default";r=50;t=30 and Ratelimit-Policy: "burst";q=100;w=60, each possibly a list).
// What cannot be read is as if it were not there. Thread rule: pure.
#pragma once

#include <cstdint>
#include <map>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

inline constexpr Seconds kMaxRetryAfter{900};

// Seconds or an HTTP date, between 1 s and `longest`; a date in the past is 1 s. Of a list the
// first is taken, of a fraction the whole part. nullopt for "", "abc", "-5".
// A date may have any of the forms of RFC 9110, 5.6.7, and is counted from `date`, the same
// answer's Date header, so that this host's clock need not be right; from `now` when that header is
// missing ("") or unreadable. Of RFC 850's two-digit years, the last that is at most 50 years after
// `now` is meant. The day of the week is not compared with the date.
std::optional<Seconds> ParseRetryAfter(std::string_view value, std::string_view date, WallTime now,
                                       Seconds longest = kMaxRetryAfter);

// A date in any of the forms of RFC 9110, 5.6.7, as above; nullopt for anything else.
std::optional<WallTime> ParseHttpDate(std::string_view text, WallTime now);

struct RateLimitHeader {
  std::optional<std::uint64_t> quota;      // q, requests
  std::optional<std::uint64_t> remaining;  // r, requests
  std::optional<Seconds> reset_in;         // t of r, at most a day
  std::optional<Seconds> window;           // w of q, 1 s to a day
};

inline constexpr std::size_t kMaxRateLimitPolicies = 8;

// Both headers' values, "" for one that is missing: lists of `"name";key=number;...` (RFC 9651); by
// policy. An item without a name, without q and r, or with a q, r or t that is no whole number, is
// ignored whole. The name becomes a label: in lower case, every byte but [a-z0-9_-]
// replaced by "_", cut to 32 bytes. Of policies that are then of one name, what allows less is
// taken. No more than kMaxRateLimitPolicies are.
std::map<std::string, RateLimitHeader> ParseRateLimit(std::string_view ratelimit,
                                                      std::string_view policy);

}  // namespace radar_spoof
