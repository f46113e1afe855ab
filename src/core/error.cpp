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
