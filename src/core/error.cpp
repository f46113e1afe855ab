#include "radar_spoof/core/error.h"

namespace radar_spoof {

std::string_view Name(FailureReason reason) {
  switch (reason) {
    case FailureReason::kDns: return "dns";
    case FailureReason::kConnect: return "connect";
    case FailureReason::kTls: return "tls";
    case FailureReason::kTimeout: return "timeout";
    case FailureReason::kTransport: return "transport";
    case FailureReason::kRateLimited: return "rate_limited";
    case FailureReason::kUnauthorized: return "unauthorized";
    case FailureReason::kRejected: return "rejected";
    case FailureReason::kNotFound: return "not_found";
    case FailureReason::kServer: return "server";
    case FailureReason::kApiError: return "api_error";
    case FailureReason::kTooLarge: return "too_large";
    case FailureReason::kParse: return "parse";
    case FailureReason::kValidation: return "validation";
    case FailureReason::kEmpty: return "empty";
  }
  return "";
}

std::string_view InPlainWords(FailureReason reason) {
  switch (reason) {
    case FailureReason::kDns: return "the API's host name is not found";
    case FailureReason::kConnect: return "the API refuses connections";
    case FailureReason::kTls: return "the API's TLS certificate is not trusted";
    case FailureReason::kTimeout: return "no complete answer in time";
    case FailureReason::kTransport: return "the connection broke off";
    case FailureReason::kRateLimited: return "too many requests; the API made us wait";
    case FailureReason::kUnauthorized: return "the API does not accept the token";
    case FailureReason::kRejected: return "the API does not accept the request";
    case FailureReason::kNotFound: return "the API has no such endpoint";
    case FailureReason::kServer: return "the API reports a server error";
    case FailureReason::kApiError: return "the API reports an error";
    case FailureReason::kTooLarge: return "the answer is too large";
    case FailureReason::kParse: return "the answer is not JSON";
    case FailureReason::kValidation: return "the answer is not as documented";
    case FailureReason::kEmpty: return "the answer holds no complete bucket";
  }
  return "";
}

std::string_view WhatToDo(FailureReason reason) {
  switch (reason) {
    case FailureReason::kDns: return "Check api.base_url and the name server.";
    case FailureReason::kConnect: return "Check api.base_url, the network and the firewall.";
    case FailureReason::kTls: return "Check the clock, the system's certificates and api.ca_file.";
    case FailureReason::kTimeout: return "Ask again, over a shorter range, or raise api.timeout.";
    case FailureReason::kTransport:
    case FailureReason::kServer:
      return "Ask again in a minute; Cloudflare's status page may say more.";
    case FailureReason::kRateLimited:
      return "Ask again in 5 minutes; the limit is shared by all that this Cloudflare user runs.";
    case FailureReason::kUnauthorized:
      return "Check that the token is whole, not expired, and has the permission Account > Radar > "
             "Read.";
    case FailureReason::kRejected:
      return "Try a coarser interval or a shorter range, and one value a filter.";
    case FailureReason::kNotFound: return "Check api.base_url and api.path.";
    case FailureReason::kApiError:
      return "Ask again in a minute; the API's own words may say more.";
    case FailureReason::kTooLarge: return "Ask for a coarser interval or a shorter range.";
    case FailureReason::kParse:
      return "Check that api.base_url leads to the API and not to a proxy's page.";
    case FailureReason::kValidation: return "Look for a newer version: the API may have changed.";
    case FailureReason::kEmpty:
      return "Ask for a longer range, a coarser interval or fewer filters.";
  }
  return "";
}

RetryClass DefaultRetryClass(FailureReason reason) {
  switch (reason) {
    case FailureReason::kDns:
    case FailureReason::kConnect:
    case FailureReason::kTimeout:
    case FailureReason::kTransport:
    case FailureReason::kServer: return RetryClass::kTransient;
    case FailureReason::kRateLimited: return RetryClass::kThrottled;
    case FailureReason::kUnauthorized: return RetryClass::kCredentials;
    case FailureReason::kTls:
    case FailureReason::kRejected:
    case FailureReason::kNotFound:
    case FailureReason::kApiError:
    case FailureReason::kTooLarge:
    case FailureReason::kParse:
    case FailureReason::kValidation:
    case FailureReason::kEmpty: return RetryClass::kNextSlot;
  }
  return RetryClass::kNextSlot;
}

}  // namespace radar_spoof
