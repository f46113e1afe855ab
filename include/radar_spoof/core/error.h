// Results that may be failures, the closed set of ways a poll can fail, and how each is retried.
//
// The names are one vocabulary: they are the `reason` label of cloudflare_radar_api_failures_total,
// the `reason` field of log lines and the table in docs/operations.md.
// Thread rule: plain values.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace radar_spoof {

// A value, or the reason there is none. Expected failures travel as values; docs/design.md lists
// the few exceptions. REQUIRES: T and E are different types.
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  // Implicit, so that `return value;` and `return failure;` both read naturally.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok(). Throws std::bad_variant_access otherwise.
  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

  // REQUIRES: !ok(). Throws std::bad_variant_access otherwise.
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, E> state_;
};

enum class FailureReason {
  kDns,           // the host name did not resolve
  kConnect,       // TCP refused, no route
  kTls,           // handshake or certificate
  kTimeout,       // connect, total or low-speed limit reached
  kTransport,     // reset, short body, HTTP 206, broken framing: no whole answer came
  kRateLimited,   // HTTP 429
  kUnauthorized,  // HTTP 401, 403, or 400 with an authentication code
  kRejected,      // any other 4xx, and redirects, which are never followed
  kNotFound,      // HTTP 404, 410, or 400 that says the path names no dimension
  kServer,        // HTTP 5xx, or 400 that says "Internal Error"
  kApiError,      // HTTP 2xx whose envelope does not say `"success": true`
  kTooLarge,      // the decoded body passed the cap
  kParse,         // HTTP 2xx whose body is not a JSON document
  kValidation,    // JSON that is not the answer documented for this endpoint
  kEmpty,         // a valid answer that holds no complete bucket
};

inline constexpr std::array kAllFailureReasons = {
    FailureReason::kDns,          FailureReason::kConnect,    FailureReason::kTls,
    FailureReason::kTimeout,      FailureReason::kTransport,  FailureReason::kRateLimited,
    FailureReason::kUnauthorized, FailureReason::kRejected,   FailureReason::kNotFound,
    FailureReason::kServer,       FailureReason::kApiError,   FailureReason::kTooLarge,
    FailureReason::kParse,        FailureReason::kValidation, FailureReason::kEmpty};

// The metric label, e.g. "rate_limited".
std::string_view Name(FailureReason reason);
// For a person, half a sentence: "the API does not accept the token".
std::string_view InPlainWords(FailureReason reason);
// A sentence: what who asked can do about it.
std::string_view WhatToDo(FailureReason reason);

// When a failed poll may be repeated before its next slot.
enum class RetryClass {
  kTransient,      // two quick retries, then growing delays
  kTransientOnce,  // one quick retry, then the next slot
  kThrottled,      // every query is held for as long as the API says
  kCredentials,    // one quick retry with the credentials read again, then every 15 minutes
  kNextSlot,       // repeating at once cannot help
};

// Whether what failed may fare better in a request for fewer series.
enum class FewerSeries { kNoHelp, kMayHelp, kHelp };

// One failed poll, in words for a log line: `detail` is one line of printable text, at most 300
// bytes, never holds a credential, and is never used as a metric label.
struct Failure {
  // Of the class that the reason usually has: whoever found the failure knows nothing better.
  Failure(FailureReason why, std::string what);
  Failure(FailureReason why, RetryClass when, std::string what)
      : reason(why), retry(when), detail(std::move(what)) {}

  FailureReason reason;
  RetryClass retry;
  std::string detail;
  FewerSeries fewer_series = FewerSeries::kNoHelp;
};

}  // namespace radar_spoof
