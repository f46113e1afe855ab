#include "seen_answers.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

bool IsNothing(const JsonValue& value) {
  if (value.Is(Kind::kNull)) return true;
  if (value.Is(Kind::kString) && (value.text.empty() || LowerCase(value.text) == "nan"))
    return true;
  return ReadDecimal(value) == 0.0;
}

const JsonValue* ElementOf(const JsonValue* array, std::size_t place) {
  return array != nullptr && place < array->items.size() ? &array->items[place] : nullptr;
}

SeenNumbers NumbersOf(const SeenSeries& series) {
  SeenNumbers numbers;
  const auto buckets = series.Complete();
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto spoof = buckets[i].Spoof();
    if (!spoof || buckets[i].IsEmpty()) continue;
    const auto& start = buckets[i].start;
    numbers[start ? start->time_since_epoch().count() : static_cast<std::int64_t>(i)] = *spoof;
  }
  return numbers;
}

SeenSeries ReadSeenSeries(std::string_view key, const JsonValue& json, const AskedRequest& asked) {
  const auto is_own = [key](const SeriesNames& names) { return names.own == key; };
  SeenSeries series{
      .key = key,
      .json = &json,
      .interval = Length(asked.queries.front().agg_interval),
      .control = asked.queries.front().control && std::ranges::none_of(asked.names, is_own),
      .buckets = {},
      .numbers = {}};
  const JsonValue* const spoof = json.Find("SPOOF");
  const JsonValue* const not_spoof = json.Find("NOT_SPOOF");
  for (std::size_t i = 0;; ++i) {
    const JsonValue* const one = ElementOf(spoof, i);
    const JsonValue* const other = ElementOf(not_spoof, i);
    if (one == nullptr || other == nullptr) break;
    const JsonValue* const time = ElementOf(series.timestamps(), i);
    const auto start = time == nullptr ? std::nullopt : ParseRfc3339(time->text);
    series.buckets.push_back({start, one, other});
  }
  series.numbers = NumbersOf(series);
  return series;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (LowerCase(c) >= 'a' && LowerCase(c) <= 'f');
}

bool IsOfAddress(char c) {
  return IsHexDigit(c) || (LowerCase(c) >= 'a' && LowerCase(c) <= 'z') ||
         std::string_view("._%+-").find(c) != std::string_view::npos;
}

// How many of the characters at the beginning are such.
template <typename Is>
std::size_t RunOf(std::string_view text, Is is) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is) - text.begin());
}

bool IsTelling(std::string_view text) {
  constexpr std::size_t kLongestWord = 40;
  const auto is_capital = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return ParseRfc3339(text) || text == "*" || text == "requests" ||
         (!text.empty() && text.size() <= kLongestWord && std::ranges::all_of(text, is_capital));
}

}  // namespace

std::optional<double> SeenBucket::Spoof() const {
  const auto number = ReadDecimal(*spoof);
  return number && *number >= 0 ? number : std::nullopt;
}

std::optional<double> SeenBucket::Sum() const {
  const auto other = ReadDecimal(*not_spoof);
  const auto one = Spoof();
  return one && other && *other >= 0 ? std::optional(*one + *other) : std::nullopt;
}

bool SeenBucket::IsEmpty() const { return IsNothing(*spoof) && IsNothing(*not_spoof); }

bool SeenBucket::IsHalf() const {
  const auto is_missing = [](const JsonValue& value) {
    return IsNothing(value) && !ReadDecimal(value);
  };
  return !IsEmpty() && is_missing(*spoof) != is_missing(*not_spoof);
}

std::span<const SeenBucket> SeenSeries::Complete() const {
  return std::span(buckets).first(buckets.size() > 1 ? buckets.size() - 1 : buckets.size());
}

const SeenSeries* SeenAnswer::Find(std::string_view key) const {
  const auto found = std::ranges::find(series, key, &SeenSeries::key);
  return found == series.end() ? nullptr : &*found;
}

const JsonValue* SeenAnswer::InMeta(std::string_view member) const {
  return meta == nullptr ? nullptr : meta->Find(member);
}

std::optional<WallTime> SeenAnswer::LastUpdated() const {
  const JsonValue* const value = InMeta("lastUpdated");
  return value != nullptr && value->Is(Kind::kString) ? ParseRfc3339(value->text) : std::nullopt;
}

std::vector<SeenAnswer> SeenIn(const Examination& examination) {
  std::vector<SeenAnswer> answers;
  for (const AskedRequest& asked : examination.asked) {
    if (asked.status() < 200 || asked.status() >= 300) continue;
    auto parsed = ParseJson(asked.answer.value().body);
    if (!parsed) continue;
    SeenAnswer answer{&asked, std::move(parsed).value(), nullptr, {}};
    const JsonValue* const result = answer.document.root.Find("result");
    const JsonValue* const success = answer.document.root.Find("success");
    const bool has_failed = success != nullptr && success->Is(Kind::kBool) && !success->boolean;
    if (result == nullptr || !result->Is(Kind::kObject)) continue;
    if (has_failed && result->keys.empty()) continue;
    for (std::size_t i = 0; i < result->keys.size(); ++i) {
      if (!result->items[i].Is(Kind::kObject)) continue;
      if (result->keys[i] == "meta") {
        answer.meta = &result->items[i];
      } else {
        answer.series.push_back(ReadSeenSeries(result->keys[i], result->items[i], asked));
      }
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

bool SeemRatios(std::span<const SeenSeries> series) {
  constexpr double kAboutOne = 1.01;
  bool any = false;
  for (const SeenSeries& each : series) {
    for (const SeenBucket& bucket : each.Complete()) {
      const auto sum = bucket.Sum();
      if (!sum || *sum == 0) continue;
      if (*sum > kAboutOne) return false;
      any = true;
    }
  }
  return any;
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
    shape += fmt::format("{}{}: {}", i == 0 ? "" : ", ", ForLog(value.keys[i], kLongestKey),
                         ShapeOf(value.items[i]));
  }
  return '{' + shape + '}';
}

std::string WithoutIdentity(std::string_view text) {
  constexpr std::size_t kShortestId = 32;
  std::string rest;
  while (!text.empty()) {
    const std::size_t digits = RunOf(text, IsHexDigit);
    const std::size_t local = RunOf(text, IsOfAddress);
    const std::string_view behind = text.substr(std::min(local + 1, text.size()));
    if (digits >= kShortestId) {
      rest += "[id]";
      text.remove_prefix(digits);
    } else if (local > 0 && local < text.size() && text[local] == '@' &&
               RunOf(behind, IsOfAddress) > 0) {
      rest += "[address]";
      text.remove_prefix(local + 1 + RunOf(behind, IsOfAddress));
    } else {
      const std::size_t take = std::max<std::size_t>(digits, 1);
      rest += text.substr(0, take);
      text.remove_prefix(take);
    }
  }
  return rest;
}

}  // namespace radar_spoof
