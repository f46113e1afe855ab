#include "radar_spoof/parse/annotations.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "answer_values.h"
#include "radar_spoof/parse/spoof_series.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr double kLowestLevel = 1;
constexpr double kHighestLevel = 5;
constexpr Milliseconds kMoment{1};

Failure NotA(std::string_view what, std::string_view path, const JsonValue& value) {
  return {FailureReason::kValidation, fmt::format("result.meta.confidenceInfo{} is {}; expected {}",
                                                  path, Describe(&value), what)};
}

std::optional<int> ReadLevel(const JsonValue* value) {
  const auto level = value == nullptr ? std::nullopt : ReadDecimal(*value);
  if (!level || *level < kLowestLevel || *level > kHighestLevel) return std::nullopt;
  if (std::floor(*level) != *level) return std::nullopt;
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
  std::sort(ranges_.begin(), ranges_.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.from < b.from; });
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    ranges_[i].to = std::max(ranges_[i].to, ranges_[i - 1].to);
  }
}

bool Projections::Cover(WallTime from, WallTime to) const {
  const auto after =
      std::lower_bound(ranges_.begin(), ranges_.end(), to,
                       [](const TimeRange& range, WallTime time) { return range.from < time; });
  return after != ranges_.begin() && std::prev(after)->to > from;
}

}  // namespace radar_spoof
