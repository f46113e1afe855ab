#include "radar_spoof/parse/radar_response.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

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
  if (status == 304) detail += ": as to a conditional request, which this was not";
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

// The document is an answer's that says `success` and has an object `result`. Failures: those of
// the status, kParse, kApiError, kValidation.
Result<JsonDocument, Failure> OpenEnvelope(const HttpResponse& response) {
  if (response.status < 200 || response.status >= 300) return FailureOfStatus(response);
  if (response.status == 206) {
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
  const JsonValue* const result = envelope.Find("result");
  if (result == nullptr || !result->Is(Kind::kObject)) {
    return Invalid(fmt::format("result is {}; expected an object", Describe(result)));
  }
  return document;
}

AnnotationCounts CountAnnotations(const Query& query, const SpoofWindow& window) {
  AnnotationCounts counts{};
  for (const Annotation& annotation : window.confidence.annotations) {
    if (!ConcernsNewest(query, window, annotation)) continue;
    ++counts[static_cast<std::size_t>(annotation.type)];
  }
  return counts;
}

Failure Empty(const std::string& name, const SeriesWindow& read, WallTime last_updated) {
  const auto counted = [](std::size_t count) {
    return fmt::format("{} bucket{}", count, count == 1 ? "" : "s");
  };
  return {
      FailureReason::kEmpty,
      read.complete == 0
          ? fmt::format("no complete bucket in result.{}: it has {}, and lastUpdated is {}; ask "
                        "for a longer range",
                        name, counted(read.count), FormatRfc3339(last_updated))
          : fmt::format("no mail in result.{}: its {} up to lastUpdated, {}, hold none; ask for "
                        "a longer range, a coarser interval or fewer filters",
                        name, counted(read.complete), FormatRfc3339(last_updated))};
}

// `place`: of the query's own series among those of the request; its control period's is the next.
Result<SpoofWindow, Failure> ReadQuery(const Query& query, const SeriesNames& names,
                                       std::size_t place, const JsonValue& result,
                                       const AnswerMeta& meta, WallTime now) {
  const WallTime from = now - query.date_range.Length();
  auto own = ReadSeries({query, names.own, place, from}, result, meta, now);
  if (!own) return own.error();
  SeriesWindow& read = own.value();
  if (read.buckets.empty()) return Empty(names.own, read, meta.last_updated);
  SpoofWindow window{.buckets = std::move(read.buckets),
                     .control = {},
                     .confidence = meta.confidence,
                     .last_updated = meta.last_updated,
                     .placed_by_range = read.placed_by_range};
  if (!query.control) return window;
  const WallTime earlier = from - query.date_range.ControlShift();
  auto control = ReadSeries({query, names.control, place + 1, earlier}, result, meta, now);
  // Without a place in time only equally many buckets can be told to be the same ones.
  const bool comparable =
      window.buckets.front().start || (control && control.value().count == read.count);
  if (control && comparable) window.control = std::move(control.value().buckets);
  return window;
}

FormProblem FormProblemOf(const Failure& failure, int status) {
  if (failure.reason == FailureReason::kNotFound) return FormProblem::kPathNotFound;
  if (failure.reason == FailureReason::kRejected && status == 400) return FormProblem::kMayBeNames;
  return FormProblem::kNone;
}

// Of an answer that lacks a series of its request.
FormProblem WhatIsThereInstead(const JsonValue& result, std::span<const SeriesNames> names) {
  const auto is_there = [&result](const SeriesNames& each) {
    return result.Find(each.own) != nullptr || result.Find(each.control) != nullptr;
  };
  if (std::any_of(names.begin(), names.end(), is_there)) return FormProblem::kNone;
  if (result.Find("serie_0") != nullptr) return FormProblem::kNamesIgnored;
  const bool only_meta = result.keys.size() == (result.Find("meta") == nullptr ? 0U : 1U);
  return only_meta ? FormProblem::kNone : FormProblem::kForeign;
}

// One value per interval up to the newest bucket, NaN where the window has none.
std::vector<float> TrendOf(const std::vector<SpoofBucket>& buckets, Seconds interval) {
  const auto places_back = [&](const SpoofBucket& bucket) -> std::size_t {
    if (!bucket.start) return buckets.back().position - bucket.position;
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

SpoofSample SampleOf(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const Seconds interval = Length(query.agg_interval);
  const SpoofBucket* const control = ControlBucket(query, window);
  return SpoofSample{
      .spoof = newest.spoof,
      .not_spoof = newest.not_spoof,
      .bucket_start = newest.start,
      .window = StatisticsOf(std::span(window.buckets).first(window.buckets.size() - 1)),
      .control = control == nullptr ? std::nullopt : std::optional(control->spoof),
      .confidence_level = window.confidence.level,
      .annotations = CountAnnotations(query, window),
      .last_updated = window.last_updated,
      .trend = TrendOf(window.buckets, interval)};
}

const SpoofBucket* ControlBucket(const Query& query, const SpoofWindow& window) {
  const SpoofBucket& newest = window.buckets.back();
  const auto is_same = [&](const SpoofBucket& bucket) {
    if (newest.start && bucket.start) {
      return *bucket.start == *newest.start - query.date_range.ControlShift();
    }
    return !newest.start && !bucket.start && bucket.position == newest.position;
  };
  const auto found = std::find_if(window.control.begin(), window.control.end(), is_same);
  return found == window.control.end() ? nullptr : &*found;
}

bool ConcernsNewest(const Query& query, const SpoofWindow& window, const Annotation& annotation) {
  const auto start = window.buckets.back().start;
  return !start || annotation.Overlaps(*start, *start + Length(query.agg_interval));
}

Result<std::vector<Result<SpoofWindow, Failure>>, AnswerRefusal> ReadSharedAnswer(
    std::span<const Query* const> queries, std::span<const SeriesNames> names,
    const HttpResponse& response, WallTime now) {
  const auto answer = OpenEnvelope(response);
  if (!answer) return AnswerRefusal{answer.error(), FormProblemOf(answer.error(), response.status)};
  const JsonValue& result = *answer.value().root.Find("result");
  for (const SeriesNames& each : names) {
    if (auto problem = CheckIsThere(result, each.own)) {
      return AnswerRefusal{*std::move(problem), WhatIsThereInstead(result, names)};
    }
  }
  const auto meta = ReadMeta(result, *queries.front(), now);
  if (!meta) return AnswerRefusal{meta.error()};
  std::vector<Result<SpoofWindow, Failure>> windows;
  windows.reserve(queries.size());
  std::size_t series = 0;
  for (std::size_t place = 0; place < queries.size(); ++place) {
    const Query& query = *queries[place];
    windows.push_back(ReadQuery(query, names[place], series, result, meta.value(), now));
    series += query.control ? 2 : 1;
  }
  return windows;
}

}  // namespace radar_spoof
