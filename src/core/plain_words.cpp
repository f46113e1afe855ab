#include "radar_spoof/core/plain_words.h"

#include <array>

#include <fmt/format.h>

#include "radar_spoof/core/rfc3339.h"

namespace radar_spoof {

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

std::string_view ConfidenceText(int level) {
  constexpr std::array<std::string_view, 5> kTexts = {"too little and erratic data",
                                                      "too little data", "erratic data",
                                                      "not assigned", "no known issue"};
  return kTexts.at(static_cast<std::size_t>(level) - 1);
}

std::string FilterText(const Filters& filters) {
  std::string text;
  for (const Dimension dimension : kAllDimensions) {
    if (filters.IsAny(dimension)) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", LabelName(dimension),
                        filters.Label(dimension));
  }
  return text.empty() ? "all mail" : text;
}

std::string InWords(Milliseconds duration) {
  struct Unit {
    Seconds length;
    std::string_view name;
  };
  constexpr std::array kUnits = {Unit{Seconds(86400), "day"}, Unit{Seconds(3600), "hour"},
                                 Unit{Seconds(60), "minute"}, Unit{Seconds(1), "second"}};
  for (const Unit& unit : kUnits) {
    const auto count = duration / unit.length;
    if (count >= 1) return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
  }
  return "a moment";
}

std::string MinuteText(WallTime time) {
  const std::string rfc3339 = FormatRfc3339(time);
  return rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 5) + " UTC";
}

std::string PercentText(double ratio) { return fmt::format("{:.1f} %", ratio * 100); }

}  // namespace radar_spoof
