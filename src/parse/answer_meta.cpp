#include "answer_meta.h"

#include <chrono>

#include <fmt/format.h>

#include "answer_values.h"
#include "radar_spoof/core/rfc3339.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

// How far the API's clock may be ahead of ours.
constexpr Seconds kClocksApart = std::chrono::hours(1);

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
