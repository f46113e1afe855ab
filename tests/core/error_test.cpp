#include "radar_spoof/core/error.h"

#include <string>

#include <doctest/doctest.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

TEST_CASE("the reasons are the closed list of the metrics contract, in its order") {
  std::string names;
  for (const FailureReason reason : kAllFailureReasons) names += std::string(Name(reason)) + ' ';
  CHECK(names ==
        "dns connect tls timeout transport rate_limited unauthorized rejected not_found server "
        "api_error too_large parse validation empty ");
}

TEST_CASE("each reason has its usual way of being retried") {
  struct Row {
    FailureReason reason;
    RetryClass retry;
  };
  using enum FailureReason;
  for (const Row& row :
       {Row{kDns, RetryClass::kTransient}, Row{kConnect, RetryClass::kTransient},
        Row{kTls, RetryClass::kNextSlot}, Row{kTimeout, RetryClass::kTransient},
        Row{kTransport, RetryClass::kTransient}, Row{kRateLimited, RetryClass::kThrottled},
        Row{kUnauthorized, RetryClass::kCredentials}, Row{kRejected, RetryClass::kNextSlot},
        Row{kNotFound, RetryClass::kNextSlot}, Row{kServer, RetryClass::kTransient},
        Row{kApiError, RetryClass::kNextSlot}, Row{kTooLarge, RetryClass::kNextSlot},
        Row{kParse, RetryClass::kNextSlot}, Row{kValidation, RetryClass::kNextSlot},
        Row{kEmpty, RetryClass::kNextSlot}}) {
    CAPTURE(Name(row.reason));
    CHECK(Failure(row.reason, "x").retry == row.retry);
  }
  CHECK(Failure(kRejected, RetryClass::kTransient, "x").retry == RetryClass::kTransient);
}

TEST_CASE("an excerpt is printable ASCII and never longer than allowed") {
  CHECK(ForLog("plain text", 40) == "plain text");
  CHECK(ForLog("cut here", 3) == "cut");
  CHECK(ForLog("a\nb\x7f\xC3\xA9", 40) == R"(a\x0ab\x7f\xc3\xa9)");
  CHECK(ForLog(std::string_view("\0", 1), 40) == R"(\x00)");
  CHECK(ForLog("\n\n\n", 11) == R"(\x0a\x0a)");
  CHECK(ForLog(std::string(10'000, '\x1b'), 200).size() == 200);
  CHECK(ForLog("", 40).empty());
}

}  // namespace
}  // namespace radar_spoof
