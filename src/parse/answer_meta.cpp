#include "radar_spoof/parse/answer_meta.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr Milliseconds kMoment{1};
// How far the API's clock may be ahead of ours.
constexpr Seconds kClocksApart = std::chrono::hours(1);

Failure NotA(std::string_view what, std::string_view path, const JsonValue& value) {
  return Invalid(
      fmt::format("result.meta.confidenceInfo{} is {}; expected {}", path, Describe(&value), what));
}

std::optional<int> ReadLevel(const JsonValue* value) {
  const auto level = value == nullptr ? std::nullopt : ReadDecimal(*value);
  if (!level || *level < 1 || *level > 5 || std::floor(*level) != *level) return std::nullopt;
  return static_cast<int>(*level);
}

Result<Annotation, Failure> ReadAnnotation(const JsonValue& item, std::size_t position) {
  const auto path = [position](std::string_view key) {
    return fmt::format(".annotations[{}]{}", position, key);
  };
  if (!item.Is(Kind::kObject)) return NotA("an object", path(""), item);
  const JsonValue* const type = item.Find("eventType");
  if (!IsAbsent(type) && !type->Is(Kind::kString)) return NotA("text", path(".eventType"), *type);
  Annotation annotation{.type = IsAbsent(type) ? EventType::kOther : ParseEventType(type->text),
                        .start = ReadTime(item.Find("startDate")),
                        .end = ReadTime(item.Find("endDate")),
                        .position = position};
  const JsonValue* const instantaneous = item.Find("isInstantaneous");
  if (instantaneous != nullptr && instantaneous->boolean && annotation.start &&
      annotation.type != EventType::kPartialProjection) {
    annotation.end = annotation.start;
  }
  return annotation;
}

// What `meta` must say for the numbers to be the ones that were asked for.
std::optional<Failure> CheckMeta(const JsonValue& meta, const Query& query) {
  const auto check = [&meta](std::string_view key,
                             std::string_view expected) -> std::optional<Failure> {
    const JsonValue* const value = meta.Find(key);
    if (value != nullptr && value->Is(Kind::kString) && value->text == expected)
      return std::nullopt;
    return Invalid(
        fmt::format("result.meta.{} is {}; expected {}", key, Describe(value), expected));
  };
  if (auto problem = check("normalization", "PERCENTAGE")) return problem;
  return check("aggInterval", MetaName(query.agg_interval));
}

Result<WallTime, Failure> ReadLastUpdated(const JsonValue& meta, WallTime now) {
  const JsonValue* const value = meta.Find("lastUpdated");
  const auto time = ReadTime(value);
  if (time && *time <= now + kClocksApart) return *time;
  return Invalid(fmt::format(
      "result.meta.lastUpdated is {}; expected {}", Describe(value),
      time ? "no time over an hour ahead of " + FormatRfc3339(now) : "an RFC 3339 time"));
}

}  // namespace

bool Annotation::Overlaps(WallTime from, WallTime to) const {
  if (start && *start >= to) return false;
  if (!end) return true;
  // What begins and ends at one moment still concerns the bucket it falls into.
  return start == end ? *end >= from : *end > from;
}

Result<Confidence, Failure> ReadConfidence(const JsonValue& meta) {
  Confidence confidence;
  const JsonValue* const info = meta.Find("confidenceInfo");
  if (IsAbsent(info)) return confidence;
  if (!info->Is(Kind::kObject)) return NotA("an object", "", *info);
  confidence.level = ReadLevel(info->Find("level"));
  const JsonValue* const annotations = info->Find("annotations");
  if (IsAbsent(annotations)) return confidence;
  if (!annotations->Is(Kind::kArray)) return NotA("an array", ".annotations", *annotations);
  confidence.annotations.reserve(annotations->items.size());
  for (std::size_t i = 0; i < annotations->items.size(); ++i) {
    auto annotation = ReadAnnotation(annotations->items[i], i);
    if (!annotation) return annotation.error();
    confidence.annotations.push_back(annotation.value());
  }
  return confidence;
}

Projections::Projections(const std::vector<Annotation>& annotations) {
  for (const auto& [type, start, end, position] : annotations) {
    if (type != EventType::kPartialProjection) continue;
    any_ = true;
    of_last_ = of_last_ || !start || !end || *end < *start;
    if (start) {
      ranges_.push_back({*start, end ? std::max(*end, *start + kMoment) : WallTime::max()});
    }
  }
  std::ranges::sort(ranges_, {}, &TimeRange::from);
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    ranges_[i].to = std::max(ranges_[i].to, ranges_[i - 1].to);
  }
}

bool Projections::Cover(WallTime from, WallTime to) const {
  const auto after = std::ranges::lower_bound(ranges_, to, {}, &TimeRange::from);
  return after != ranges_.begin() && std::prev(after)->to > from;
}

Result<AnswerMeta, Failure> ReadMeta(const JsonValue& result, const Query& query, WallTime now) {
  const JsonValue* const meta = result.Find("meta");
  if (meta == nullptr || !meta->Is(Kind::kObject)) {
    return Invalid(fmt::format("result.meta is {}; expected an object", Describe(meta)));
  }
  if (auto problem = CheckMeta(*meta, query)) return *problem;
  const auto last_updated = ReadLastUpdated(*meta, now);
  if (!last_updated) return last_updated.error();
  auto confidence = ReadConfidence(*meta);
  if (!confidence) return confidence.error();
  Projections projections(confidence.value().annotations);
  return AnswerMeta{.confidence = std::move(confidence).value(),
                    .projections = std::move(projections),
                    .last_updated = last_updated.value(),
                    .date_range = meta->Find("dateRange")};
}

std::optional<TimeRange> DateRangeOf(const AnswerMeta& meta, std::size_t place) {
  const JsonValue* range = meta.date_range;
  if (range != nullptr && range->Is(Kind::kArray)) {
    range = place < range->items.size() ? &range->items[place] : nullptr;
  }
  if (range == nullptr) return std::nullopt;
  const auto from = ReadTime(range->Find("startTime"));
  const auto to = ReadTime(range->Find("endTime"));
  if (!from || !to || *from >= *to) return std::nullopt;
  return TimeRange{*from, *to};
}

}  // namespace radar_spoof
