#include "radar_spoof/parse/radar_response.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "radar_spoof/parse/json.h"
#include "radar_spoof/words/rfc3339.h"

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

Failure FailureOfStatus(const HttpResponse& response) {
  // An edge failure is HTML or text: whatever is not JSON simply has no codes.
  auto parsed = ParseJson(response.body);
  const JsonValue envelope = parsed ? std::move(parsed).value() : JsonValue{};
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
  return {FailureReason::kRejected, std::move(detail)};
}

// libcurl hands over what it cannot decode as it came, without an error.
std::optional<Failure> CheckEncoding(const HttpResponse& response) {
  std::string encoding = response.Header("content-encoding");
  std::transform(encoding.begin(), encoding.end(), encoding.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (encoding.empty() || encoding == "gzip" || encoding == "identity") return std::nullopt;
  return Failure(FailureReason::kParse, RetryClass::kTransientOnce,
                 "unknown Content-Encoding " + Excerpt(encoding, 40));
}

Failure NotJson(const HttpResponse& response, const JsonProblem& problem) {
  if (problem.kind != JsonProblem::Kind::kSyntax) return Invalid(problem.detail);
  // A page meant for people will not turn into an answer in a second; a cut one may.
  const std::size_t first = response.body.find_first_not_of(" \t\r\n");
  const bool page = first != std::string::npos && response.body[first] == '<';
  return {FailureReason::kParse, page ? RetryClass::kNextSlot : RetryClass::kTransientOnce,
          fmt::format("HTTP {} without JSON: {}; the body begins \"{}\"", response.status,
                      problem.detail, Excerpt(response.body, 80))};
}

// What `meta` must say for the numbers to be the ones that were asked for.
std::optional<Failure> CheckMeta(const JsonValue& meta, const Query& query) {
  const auto check = [&meta](std::string_view key,
                             std::string_view expected) -> std::optional<Failure> {
    const JsonValue* const value = meta.Find(key);
    if (value != nullptr && value->Is(Kind::kString) && value->text == expected)
      return std::nullopt;
    return Invalid(fmt::format("result.meta.{} is {}; expected {}", key, Shown(value), expected));
  };
  if (auto problem = check("normalization", "PERCENTAGE")) return problem;
  return check("aggInterval", MetaName(query.agg_interval));
}

Result<std::vector<SpoofBucket>, Failure> FindSeries(const JsonValue& result,
                                                     std::string_view name) {
  const JsonValue* const series = result.Find(name);
  if (series == nullptr || !series->Is(Kind::kObject)) {
    return Invalid(fmt::format("result.{} is {}; expected an object", name, Shown(series)));
  }
  return ReadSeries(*series, name);
}

// Everything that decides whether a bucket is complete.
struct Completeness {
  Seconds interval;
  WallTime now;
  std::optional<WallTime> last_updated;
  const std::vector<Annotation>& annotations;

  bool Covers(const SpoofBucket& bucket, bool newest) const {
    const WallTime end = *bucket.start + interval;
    if (end > now || (last_updated && end > *last_updated)) return false;
    return std::none_of(annotations.begin(), annotations.end(), [&](const Annotation& annotation) {
      if (annotation.type != EventType::kPartialProjection) return false;
      // A projection without a beginning can only be of the last bucket.
      return annotation.start ? annotation.Overlaps(*bucket.start, end) : newest;
    });
  }
};

void KeepComplete(std::vector<SpoofBucket>& buckets, const Completeness& complete) {
  if (buckets.empty() || !buckets.front().start) return;
  const WallTime newest = *buckets.back().start;
  std::erase_if(buckets, [&](const SpoofBucket& bucket) {
    return !complete.Covers(bucket, *bucket.start == newest);
  });
}

std::optional<Failure> CheckSum(const SpoofBucket& bucket, std::string_view name) {
  if (bucket.adds_up) return std::nullopt;
  return Invalid(fmt::format("SPOOF and NOT_SPOOF of result.{} do not add up to 100{}", name,
                             bucket.start ? " at " + FormatRfc3339(*bucket.start) : ""));
}

Result<std::optional<Ratio>, Failure> ControlOf(const SpoofWindow& window, const Query& query) {
  const SpoofBucket* const same = ControlBucket(query, window);
  if (same == nullptr) return std::optional<Ratio>();
  if (auto problem = CheckSum(*same, "serie_1")) return *problem;
  return std::optional(same->spoof);
}

AnnotationCounts CountAnnotations(const Query& query, const SpoofWindow& window) {
  AnnotationCounts counts{};
  for (const Annotation& annotation : window.confidence.annotations) {
    if (!ConcernsNewest(query, window, annotation)) continue;
    ++counts[static_cast<std::size_t>(annotation.type)];
  }
  return counts;
}

Result<SpoofWindow, Failure> ReadResult(const Query& query, const JsonValue& result, WallTime now) {
  const JsonValue* const meta = result.Find("meta");
  if (meta == nullptr || !meta->Is(Kind::kObject)) {
    return Invalid(fmt::format("result.meta is {}; expected an object", Shown(meta)));
  }
  if (auto problem = CheckMeta(*meta, query)) return *problem;
  SpoofWindow window{.buckets = {}, .control = {}, .confidence = ReadConfidence(*meta)};
  const JsonValue* const updated = meta->Find("lastUpdated");
  if (updated != nullptr && updated->Is(Kind::kString)) {
    window.last_updated = ParseRfc3339(updated->text);
  }
  const Completeness complete{Length(query.agg_interval), now, window.last_updated,
                              window.confidence.annotations};

  auto read = FindSeries(result, "serie_0");
  if (!read) return read.error();
  window.buckets = std::move(read).value();
  KeepComplete(window.buckets, complete);
  for (const SpoofBucket& bucket : window.buckets) {
    if (auto problem = CheckSum(bucket, "serie_0")) return *problem;
  }
  if (window.buckets.empty())
    return Failure(FailureReason::kEmpty, "no complete bucket in result.serie_0");
  if (query.control) {
    auto control = FindSeries(result, "serie_1");
    if (!control) return control.error();
    window.control = std::move(control).value();
    KeepComplete(window.control, complete);
  }
  return window;
}

// One value per interval up to the newest bucket, NaN where the window has none.
std::vector<float> TrendOf(const std::vector<SpoofBucket>& buckets, Seconds interval) {
  const auto places_back = [&](const SpoofBucket& bucket) -> std::size_t {
    if (!bucket.start) return static_cast<std::size_t>(&buckets.back() - &bucket);
    return static_cast<std::size_t>((*buckets.back().start - *bucket.start) / interval);
  };
  const std::size_t length = std::min(places_back(buckets.front()) + 1, kTrendLength);
  std::vector<float> trend(length, std::numeric_limits<float>::quiet_NaN());
  for (const SpoofBucket& bucket : buckets) {
    const std::size_t back = places_back(bucket);
    if (back < length) trend[length - 1 - back] = static_cast<float>(bucket.spoof.value());
  }
  return trend;
}

}  // namespace

Result<SpoofWindow, Failure> ReadWindow(const Query& query, const HttpResponse& response,
                                        WallTime now) {
  if (response.status < 200 || response.status >= 300) return FailureOfStatus(response);
  if (auto problem = CheckEncoding(response)) return *problem;
  auto parsed = ParseJson(response.body);
  if (!parsed) return NotJson(response, parsed.error());
  const JsonValue& envelope = parsed.value();
  const JsonValue* const success = envelope.Find("success");
  if (success == nullptr || !success->Is(Kind::kBool) || !success->boolean) {
    return Failure(
        FailureReason::kApiError,
        ErrorDetail(fmt::format("HTTP {}, but `success` is {}", response.status, Shown(success)),
                    envelope));
  }
  const JsonValue* const result = envelope.Find("result");
  if (result == nullptr || !result->Is(Kind::kObject)) {
    return Invalid(fmt::format("result is {}; expected an object", Shown(result)));
  }
  return ReadResult(query, *result, now);
}

Result<SpoofSample, Failure> SampleOf(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const Seconds interval = Length(query.agg_interval);
  auto control = ControlOf(window, query);
  if (!control) return control.error();
  return SpoofSample{
      .spoof = newest.spoof,
      .not_spoof = newest.not_spoof,
      .bucket_start = newest.start,
      .window = StatisticsOf(std::span(window.buckets).first(window.buckets.size() - 1)),
      .control = control.value(),
      .confidence_level = window.confidence.level,
      .annotations = CountAnnotations(query, window),
      .last_updated = window.last_updated,
      .trend = TrendOf(window.buckets, interval)};
}

const SpoofBucket* ControlBucket(const Query& query, const SpoofWindow& window) {
  if (window.control.empty()) return nullptr;
  const SpoofBucket& newest = window.buckets.back();
  const SpoofBucket& newest_control = window.control.back();
  if (!newest.start || !newest_control.start) {
    return newest.start.has_value() == newest_control.start.has_value() ? &newest_control : nullptr;
  }
  const WallTime wanted = *newest.start - query.date_range.ControlShift();
  const auto found =
      std::find_if(window.control.begin(), window.control.end(),
                   [&](const SpoofBucket& bucket) { return bucket.start == wanted; });
  return found == window.control.end() ? nullptr : &*found;
}

bool ConcernsNewest(const Query& query, const SpoofWindow& window, const Annotation& annotation) {
  const auto start = window.buckets.back().start;
  return !start || annotation.Overlaps(*start, *start + Length(query.agg_interval));
}

Result<SpoofSample, Failure> ReadAnswer(const Query& query, const HttpResponse& response,
                                        WallTime now) {
  const auto window = ReadWindow(query, response, now);
  if (!window) return window.error();
  return SampleOf(query, window.value());
}

}  // namespace radar_spoof
