#include "radar_spoof/parse/annotations.h"

#include <cmath>

#include "radar_spoof/parse/spoof_series.h"
#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

constexpr double kLowestLevel = 1;
constexpr double kHighestLevel = 5;

std::optional<WallTime> ReadTime(const JsonValue* value) {
  if (value == nullptr || !value->Is(JsonValue::Kind::kString)) return std::nullopt;
  return ParseRfc3339(value->text);
}

std::optional<int> ReadLevel(const JsonValue* value) {
  const auto level = value == nullptr ? std::nullopt : ReadDecimal(*value);
  if (!level || *level < kLowestLevel || *level > kHighestLevel) return std::nullopt;
  if (std::floor(*level) != *level) return std::nullopt;
  return static_cast<int>(*level);
}

Annotation ReadAnnotation(const JsonValue& item) {
  const JsonValue* const type = item.Find("eventType");
  const JsonValue* const instantaneous = item.Find("isInstantaneous");
  Annotation annotation{.type = type != nullptr && type->Is(JsonValue::Kind::kString)
                                    ? ParseEventType(type->text)
                                    : EventType::kOther,
                        .start = ReadTime(item.Find("startDate")),
                        .end = ReadTime(item.Find("endDate"))};
  if (instantaneous != nullptr && instantaneous->boolean && annotation.start) {
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

Confidence ReadConfidence(const JsonValue& meta) {
  Confidence confidence;
  const JsonValue* const info = meta.Find("confidenceInfo");
  if (info == nullptr) return confidence;
  confidence.level = ReadLevel(info->Find("level"));
  const JsonValue* const annotations = info->Find("annotations");
  if (annotations == nullptr || !annotations->Is(JsonValue::Kind::kArray)) return confidence;
  for (std::size_t i = 0; i < annotations->items.size(); ++i) {
    if (confidence.annotations.size() == kMaxAnnotations) break;
    const JsonValue& item = annotations->items[i];
    if (!item.Is(JsonValue::Kind::kObject)) continue;
    confidence.annotations.push_back(ReadAnnotation(item));
    confidence.annotations.back().position = i;
  }
  return confidence;
}

}  // namespace radar_spoof
