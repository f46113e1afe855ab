#include "radar_spoof/core/error.h"

#include <algorithm>

namespace radar_spoof {
namespace {

using enum FailureReason;

struct Reason {
  FailureReason reason;
  std::string_view name;
  RetryClass retry;
  std::string_view plain_words;
  std::string_view what_to_do;
};

constexpr std::array<Reason, kAllFailureReasons.size()> kReasons = {{
    {kDns, "dns", RetryClass::kTransient, "the API's host name is not found",
     "Check api.base_url and the name server."},
    {kConnect, "connect", RetryClass::kTransient, "the API refuses connections",
     "Check api.base_url, the network and the firewall."},
    {kTls, "tls", RetryClass::kNextSlot, "the API's TLS certificate is not trusted",
     "Check the clock, the system's certificates and api.ca_file."},
    {kTimeout, "timeout", RetryClass::kTransient, "no complete answer in time",
     "Ask again, over a shorter range, or raise api.timeout."},
    {kTransport, "transport", RetryClass::kTransient, "the connection broke off",
     "Ask again in a minute; Cloudflare's status page may say more."},
    {kRateLimited, "rate_limited", RetryClass::kThrottled,
     "too many requests; the API asks clients to wait",
     "Ask again in 5 minutes; the limit is shared by all that this Cloudflare user runs."},
    {kUnauthorized, "unauthorized", RetryClass::kCredentials, "the API does not accept the token",
     "Check that the token is whole, not expired, and has the permission Account > Radar > Read."},
    {kRejected, "rejected", RetryClass::kNextSlot, "the API does not accept the request",
     "Try a coarser interval or a shorter range, and one value a filter; after a redirect, check "
     "api.base_url."},
    {kNotFound, "not_found", RetryClass::kNextSlot, "the API has no such endpoint",
     "Check api.base_url and api.path."},
    {kServer, "server", RetryClass::kTransient, "the API reports a server error",
     "Ask again in a minute; Cloudflare's status page may say more."},
    {kApiError, "api_error", RetryClass::kNextSlot, "the API reports an error",
     "Ask again in a minute; the API's own words may say more."},
    {kTooLarge, "too_large", RetryClass::kNextSlot, "the answer is too large",
     "Ask for a coarser interval or a shorter range."},
    {kParse, "parse", RetryClass::kNextSlot, "the answer is not JSON",
     "Check that api.base_url leads to the API and not to a proxy's page."},
    {kValidation, "validation", RetryClass::kNextSlot, "the answer is not as documented",
     "Look for a newer version: the API may have changed."},
    {kEmpty, "empty", RetryClass::kNextSlot, "the answer holds no complete bucket",
     "Ask for a longer range, a coarser interval or fewer filters."},
}};
static_assert(std::ranges::equal(kReasons, kAllFailureReasons, {}, &Reason::reason) &&
              kAllFailureReasons.front() == FailureReason{} &&
              std::ranges::is_sorted(kAllFailureReasons));

const Reason& RowOf(FailureReason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

}  // namespace

std::string_view Name(FailureReason reason) { return RowOf(reason).name; }
std::string_view InPlainWords(FailureReason reason) { return RowOf(reason).plain_words; }
std::string_view WhatToDo(FailureReason reason) { return RowOf(reason).what_to_do; }

Failure::Failure(FailureReason why, std::string what)
    : Failure(why, RowOf(why).retry, std::move(what)) {}

}  // namespace radar_spoof
