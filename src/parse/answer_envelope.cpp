#include "answer_envelope.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "answer_values.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr int kPartialContent = 206;
constexpr int kNotModified = 304;
constexpr std::array kRedirects = {301, 302, 303, 307, 308};
constexpr std::size_t kMessageBytes = 160;
constexpr std::size_t kShownCodes = 5;
constexpr std::size_t kCodeBytes = 10;
// What can come back as a 400: a malformed or unknown credential,
constexpr std::array<std::string_view, 7> kCredentialCodes = {"6003", "6103",  "6111", "9106",
                                                              "9109", "10000", "10001"};
// a fault of the API's own, which passes,
constexpr std::string_view kInternal = "internal error";
// and a path whose last segment is no dimension.
constexpr std::string_view kNoSuchDimension = "invalid option for dimension";

// What an envelope says of its errors. Radar promises a list of objects; lists of texts, a lone
// text and a singular `error` exist. Its texts are the document's.
class ApiErrors {
 public:
  explicit ApiErrors(const JsonValue& envelope) {
    for (const std::string_view key : {"errors", "error"}) {
      const JsonValue* const found = envelope.Find(key);
      if (found == nullptr) continue;
      if (found->Is(Kind::kArray)) {
        for (const JsonValue& error : found->items) Add(error);
      } else {
        Add(*found);
      }
    }
  }

  bool HoldCredentialCode() const {
    return std::find_first_of(codes_.begin(), codes_.end(), kCredentialCodes.begin(),
                              kCredentialCodes.end()) != codes_.end();
  }

  // `what`, and after it the first codes and the first text.
  std::string After(std::string what) const {
    for (std::size_t i = 0; i < std::min(codes_.size(), kShownCodes); ++i) {
      what += (i == 0 ? ", API error " : ", ") + ForLog(codes_[i], kCodeBytes);
    }
    if (!text_.empty()) what += ": " + ForLog(text_, kMessageBytes);
    return what;
  }

 private:
  void Add(const JsonValue& error) {
    const JsonValue* const code = error.Find("code");
    if (code != nullptr && !code->text.empty()) codes_.push_back(code->text);
    const JsonValue* const message = error.Is(Kind::kString) ? &error : error.Find("message");
    if (text_.empty() && message != nullptr && message->Is(Kind::kString)) text_ = message->text;
  }

  std::vector<std::string_view> codes_;
  std::string_view text_;  // the first there is
};

// 422 is what the API is known to say to too many series; 413 and 414 what any server says to what
// is too long. 400 may be about anything.
FewerSeries AfterStatus(int status) {
  if (status == 413 || status == 414 || status == 422) return FewerSeries::kHelp;
  return status == 400 ? FewerSeries::kMayHelp : FewerSeries::kNoHelp;
}

Failure FailureOfStatus(const HttpResponse& response) {
  // An edge failure is HTML or text: whatever is not JSON simply has no errors.
  const auto parsed = ParseJson(response.body);
  const JsonValue nothing;
  const ApiErrors errors(parsed ? parsed.value().root : nothing);
  const int status = response.status;
  const std::string words = status == 400 ? LowerCase(response.body) : "";
  std::string detail = errors.After(fmt::format("HTTP {}", status));
  if (status == 401 || status == 403 || (status == 400 && errors.HoldCredentialCode())) {
    return {FailureReason::kUnauthorized, std::move(detail)};
  }
  if (status == 429) return {FailureReason::kRateLimited, std::move(detail)};
  if (status == 404 || status == 410 || words.find(kNoSuchDimension) != std::string::npos) {
    return {FailureReason::kNotFound, std::move(detail)};
  }
  if (status == 408 || status == 425) {
    return {FailureReason::kRejected, RetryClass::kTransient, std::move(detail)};
  }
  if (status >= 500 || words.find(kInternal) != std::string::npos) {
    return {FailureReason::kServer, std::move(detail)};
  }
  if (status == kNotModified) detail += ": as to a conditional request, which this was not";
  if (std::find(kRedirects.begin(), kRedirects.end(), status) != kRedirects.end()) {
    detail += ": redirects are not followed";
  }
  Failure rejected(FailureReason::kRejected, std::move(detail));
  rejected.fewer_series = AfterStatus(status);
  return rejected;
}

// libcurl hands over what it cannot decode as it came, without an error.
std::optional<Failure> CheckEncoding(const HttpResponse& response) {
  const std::string encoding = LowerCase(response.Header("content-encoding"));
  if (encoding.empty() || encoding == "gzip" || encoding == "identity") return std::nullopt;
  return Failure(FailureReason::kParse, RetryClass::kTransientOnce,
                 "unknown Content-Encoding " + ForLog(encoding, 40));
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
                      problem.detail, ForLog(response.body, 80))};
}

}  // namespace

Result<JsonDocument, Failure> OpenEnvelope(const HttpResponse& response) {
  if (response.status < 200 || response.status >= 300) return FailureOfStatus(response);
  if (response.status == kPartialContent) {
    return Failure(FailureReason::kTransport, "HTTP 206: a part of the answer, not the whole");
  }
  if (auto problem = CheckEncoding(response)) return *problem;
  auto parsed = ParseJson(response.body);
  if (!parsed) return NotJson(response, parsed.error());
  JsonDocument document = std::move(parsed).value();
  const JsonValue& envelope = document.root;
  const JsonValue* const success = envelope.Find("success");
  if (success == nullptr || !success->Is(Kind::kBool) || !success->boolean) {
    return Failure(FailureReason::kApiError,
                   ApiErrors(envelope).After(fmt::format("HTTP {}, but `success` is {}",
                                                         response.status, Describe(success))));
  }
  const auto key = std::find(envelope.keys.begin(), envelope.keys.end(), "result");
  if (key == envelope.keys.end()) return Invalid("result is missing; expected an object");
  const auto place = static_cast<std::size_t>(key - envelope.keys.begin());
  JsonValue result = std::move(document.root.items[place]);
  if (!result.Is(Kind::kObject)) {
    return Invalid(fmt::format("result is {}; expected an object", Describe(&result)));
  }
  document.root = std::move(result);
  return document;
}

}  // namespace radar_spoof
