#include "answer_envelope.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "radar_spoof/words/lower_case.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kMessageBytes = 160;
constexpr std::size_t kMaxCodes = 5;
// A malformed or unknown credential can come back as a 400.
constexpr std::array<std::string_view, 7> kCredentialCodes = {"6003", "6103",  "6111", "9106",
                                                              "9109", "10000", "10001"};

Failure Invalid(std::string detail) { return {FailureReason::kValidation, std::move(detail)}; }

// `errors[].code` of an error envelope, as text; empty when the body holds none.
std::vector<std::string> ErrorCodes(const JsonValue& envelope) {
  std::vector<std::string> codes;
  const JsonValue* const errors = envelope.Find("errors");
  if (errors == nullptr || !errors->Is(Kind::kArray)) return codes;
  for (const JsonValue& error : errors->items) {
    const JsonValue* const code = error.Find("code");
    if (code == nullptr || code->text.empty() || codes.size() >= kMaxCodes) continue;
    codes.push_back(Excerpt(code->text, 10));
  }
  return codes;
}

std::string ErrorDetail(std::string_view what, const JsonValue& envelope) {
  std::string detail(what);
  const std::vector<std::string> codes = ErrorCodes(envelope);
  if (!codes.empty()) detail += fmt::format(", API error {}", fmt::join(codes, ", "));
  const JsonValue* const errors = envelope.Find("errors");
  if (errors == nullptr || errors->items.empty()) return detail;
  const JsonValue* const message = errors->items.front().Find("message");
  if (message != nullptr && message->Is(Kind::kString)) {
    detail += ": " + Excerpt(message->text, kMessageBytes);
  }
  return detail;
}

bool NamesCredentials(const JsonValue& envelope) {
  const std::vector<std::string> codes = ErrorCodes(envelope);
  return std::any_of(codes.begin(), codes.end(), [](const std::string& code) {
    return std::find(kCredentialCodes.begin(), kCredentialCodes.end(), code) !=
           kCredentialCodes.end();
  });
}

// 422 is what the API is known to say to too many series; 413 and 414 what any server says to what
// is too long. 400 may be about anything.
FewerSeries AfterStatus(int status) {
  if (status == 413 || status == 414 || status == 422) return FewerSeries::kHelp;
  return status == 400 ? FewerSeries::kMayHelp : FewerSeries::kNoHelp;
}

Failure FailureOfStatus(const HttpResponse& response) {
  // An edge failure is HTML or text: whatever is not JSON simply has no codes.
  const auto parsed = ParseJson(response.body);
  const JsonValue nothing;
  const JsonValue& envelope = parsed ? parsed.value().root : nothing;
  std::string detail = ErrorDetail(fmt::format("HTTP {}", response.status), envelope);
  const int status = response.status;
  if (status == 401 || status == 403 || (status == 400 && NamesCredentials(envelope))) {
    return {FailureReason::kUnauthorized, std::move(detail)};
  }
  if (status == 429) return {FailureReason::kRateLimited, std::move(detail)};
  if (status == 404 || status == 410) return {FailureReason::kNotFound, std::move(detail)};
  if (status == 408 || status == 425) {
    return {FailureReason::kRejected, RetryClass::kTransient, std::move(detail)};
  }
  if (status >= 500) return {FailureReason::kServer, std::move(detail)};
  if (status >= 300 && status < 400) detail += ": redirects are not followed";
  Failure rejected(FailureReason::kRejected, std::move(detail));
  rejected.fewer_series = AfterStatus(status);
  return rejected;
}

// libcurl hands over what it cannot decode as it came, without an error.
std::optional<Failure> CheckEncoding(const HttpResponse& response) {
  const std::string encoding = LowerCase(response.Header("content-encoding"));
  if (encoding.empty() || encoding == "gzip" || encoding == "identity") return std::nullopt;
  return Failure(FailureReason::kParse, RetryClass::kTransientOnce,
                 "unknown Content-Encoding " + Excerpt(encoding, 40));
}

Failure NotJson(const HttpResponse& response, const JsonProblem& problem) {
  if (problem.kind != JsonProblem::Kind::kSyntax) {
    Failure invalid = Invalid(problem.detail);
    if (problem.kind == JsonProblem::Kind::kLimit) invalid.fewer_series = FewerSeries::kHelp;
    return invalid;
  }
  // A page meant for people will not turn into an answer in a second; a cut one may.
  const std::size_t first = response.body.find_first_not_of(" \t\r\n");
  const bool page = first != std::string::npos && response.body[first] == '<';
  return {FailureReason::kParse, page ? RetryClass::kNextSlot : RetryClass::kTransientOnce,
          fmt::format("HTTP {} without JSON: {}; the body begins \"{}\"", response.status,
                      problem.detail, Excerpt(response.body, 80))};
}

}  // namespace

Result<JsonDocument, Failure> ReadResult(const HttpResponse& response) {
  if (response.status < 200 || response.status >= 300) return FailureOfStatus(response);
  if (auto problem = CheckEncoding(response)) return *problem;
  auto parsed = ParseJson(response.body);
  if (!parsed) return NotJson(response, parsed.error());
  JsonDocument document = std::move(parsed).value();
  const JsonValue& envelope = document.root;
  const JsonValue* const success = envelope.Find("success");
  if (success == nullptr || !success->Is(Kind::kBool) || !success->boolean) {
    return Failure(
        FailureReason::kApiError,
        ErrorDetail(fmt::format("HTTP {}, but `success` is {}", response.status, Shown(success)),
                    envelope));
  }
  const auto key = std::find(envelope.keys.begin(), envelope.keys.end(), "result");
  if (key == envelope.keys.end()) return Invalid("result is missing; expected an object");
  const auto place = static_cast<std::size_t>(key - envelope.keys.begin());
  JsonValue result = std::move(document.root.items[place]);
  if (!result.Is(Kind::kObject)) {
    return Invalid(fmt::format("result is {}; expected an object", Shown(&result)));
  }
  document.root = std::move(result);
  return document;
}

}  // namespace radar_spoof
