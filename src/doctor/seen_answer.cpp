#include "seen_answer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

const JsonValue* ElementOf(const JsonValue* array, std::size_t place) {
  return array != nullptr && place < array->items.size() ? &array->items[place] : nullptr;
}

SeenBucket ReadSeenBucket(const JsonValue* time, const JsonValue& spoof,
                          const JsonValue& not_spoof) {
  const auto number_of = [](const JsonValue& value) {
    const auto number = ReadDecimal(value);
    return number && *number >= 0 ? number : std::nullopt;
  };
  const auto is_nothing = [](const JsonValue& value) {
    return HoldsNothing(value) || ReadDecimal(value) == 0.0;
  };
  const auto number = number_of(spoof);
  const auto other = number_of(not_spoof);
  const bool is_empty = is_nothing(spoof) && is_nothing(not_spoof);
  return {.start = ReadTime(time),
          .spoof = &spoof,
          .not_spoof = &not_spoof,
          .number = number,
          .sum = number && other ? std::optional(*number + *other) : std::nullopt,
          .is_empty = is_empty,
          .is_half = !is_empty && HoldsNothing(spoof) != HoldsNothing(not_spoof)};
}

SeenSeries ReadSeenSeries(std::string_view key, const JsonValue& json, const Query& query) {
  SeenSeries series{.key = key,
                    .json = &json,
                    .interval = Length(query.agg_interval),
                    .buckets = {},
                    .numbers = {}};
  const JsonValue* const spoof = json.Find("SPOOF");
  const JsonValue* const not_spoof = json.Find("NOT_SPOOF");
  for (std::size_t i = 0; ElementOf(spoof, i) != nullptr && ElementOf(not_spoof, i); ++i) {
    series.buckets.push_back(
        ReadSeenBucket(ElementOf(series.timestamps(), i), spoof->items[i], not_spoof->items[i]));
  }
  std::int64_t place = 0;
  for (const auto& [start, one, other, number, sum, is_empty, is_half] : series.Complete()) {
    if (number && !is_empty) {
      series.numbers[start ? start->time_since_epoch().count() : place] = *number;
    }
    ++place;
  }
  return series;
}

constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";
constexpr std::string_view kOfAddress =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._%+-";
constexpr std::string_view kOfWord = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

// How many characters at the beginning are among these.
std::size_t RunOf(std::string_view text, std::string_view characters) {
  return std::min(text.find_first_not_of(characters), text.size());
}

bool IsTelling(std::string_view text) {
  constexpr std::size_t kLongestWord = 40;
  return ParseRfc3339(text) || text == "*" || text == "requests" ||
         (!text.empty() && text.size() <= kLongestWord && RunOf(text, kOfWord) == text.size());
}

}  // namespace

std::span<const SeenBucket> SeenSeries::Complete() const {
  return std::span(buckets).first(buckets.size() > 1 ? buckets.size() - 1 : buckets.size());
}

std::optional<WallTime> SeenSeries::FirstStart() const {
  return std::ranges::min(buckets, {}, &SeenBucket::start).start;
}

const SeenSeries* SeenAnswer::Find(std::string_view key) const {
  const auto found = std::ranges::find(series, key, &SeenSeries::key);
  return found == series.end() ? nullptr : &*found;
}

const JsonValue* SeenAnswer::InMeta(std::string_view member) const {
  return meta == nullptr ? nullptr : meta->Find(member);
}

std::optional<WallTime> SeenAnswer::LastUpdated() const { return ReadTime(InMeta("lastUpdated")); }

bool SeenAnswer::HasRatios() const {
  constexpr double kAboutOne = 1.01;
  bool any = false;
  for (const SeenSeries& each : series) {
    for (const SeenBucket& bucket : each.Complete()) {
      if (bucket.sum.value_or(0) == 0) continue;
      if (*bucket.sum > kAboutOne) return false;
      any = true;
    }
  }
  return any;
}

std::optional<SeenAnswer> ReadFreely(std::string_view body, const std::vector<Query>& queries,
                                     const std::vector<SeriesNames>& names) {
  auto parsed = ParseJson(body);
  if (!parsed) return std::nullopt;
  SeenAnswer answer{.document = std::move(parsed).value(), .series = {}};
  const JsonValue* const result = answer.document.root.Find("result");
  const JsonValue* const success = answer.document.root.Find("success");
  const bool has_failed = success != nullptr && success->Is(Kind::kBool) && !success->boolean;
  if (result == nullptr || !result->Is(Kind::kObject)) return std::nullopt;
  if (has_failed && result->keys.empty()) return std::nullopt;
  const Query& query = queries.front();
  for (std::size_t i = 0; i < result->keys.size(); ++i) {
    const std::string_view key = result->keys[i];
    if (!result->items[i].Is(Kind::kObject)) continue;
    if (key == "meta") {
      answer.meta = &result->items[i];
      continue;
    }
    answer.series.push_back(ReadSeenSeries(key, result->items[i], query));
    answer.series.back().is_control =
        query.control && std::ranges::find(names, key, &SeriesNames::own) == names.end();
  }
  return answer;
}

Likeness Compare(const SeenNumbers& one, const SeenNumbers& other) {
  constexpr double kSameNumber = 1e-6;
  Likeness likeness;
  for (const auto& [place, number] : one) {
    const auto found = other.find(place);
    if (found == other.end()) continue;
    ++likeness.compared;
    if (std::abs(found->second - number) >= kSameNumber) continue;
    ++likeness.alike;
    if (number > 0 && number < 100) ++likeness.telling;
  }
  return likeness;
}

bool SeemTheSame(const SeenNumbers& one, const SeenNumbers& other) {
  constexpr std::size_t kTelling = 3;
  const auto [compared, alike, telling] = Compare(one, other);
  return telling >= kTelling && alike + 1 + compared / 20 >= compared;
}

std::optional<double> MeanOf(const SeenNumbers& numbers, const SeenNumbers& as) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [place, number] : numbers) {
    if (!as.contains(place)) continue;
    sum += number;
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

std::string ShapeOf(const JsonValue& value) {
  constexpr std::size_t kLongestKey = 40;
  switch (value.kind) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kNumber: return Describe(&value);
    case Kind::kString:
      return ReadDecimal(value) || IsTelling(value.text) ? Describe(&value) : "text";
    case Kind::kArray:
      return value.items.empty()
                 ? "[]"
                 : fmt::format("[{} of {}]", value.items.size(), ShapeOf(value.items.front()));
    case Kind::kObject: break;
  }
  std::string shape;
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    shape += (i == 0 ? "" : ", ") + ForLog(value.keys[i], kLongestKey) + ": ";
    shape += ShapeOf(value.items[i]);
  }
  return '{' + shape + '}';
}

std::string WithoutIdentity(std::string_view text) {
  constexpr std::size_t kShortestId = 32;
  std::string rest;
  while (!text.empty()) {
    const std::size_t digits = RunOf(text, kHexDigits);
    const std::size_t local = RunOf(text, kOfAddress);
    const std::string_view behind = text.substr(std::min(local + 1, text.size()));
    std::size_t take = std::max<std::size_t>(digits, 1);
    if (digits >= kShortestId) {
      rest += "[id]";
    } else if (local > 0 && text.substr(local).starts_with('@') && RunOf(behind, kOfAddress) > 0) {
      rest += "[address]";
      take = local + 1 + RunOf(behind, kOfAddress);
    } else {
      rest += text.substr(0, take);
    }
    text.remove_prefix(take);
  }
  return rest;
}

}  // namespace radar_spoof
