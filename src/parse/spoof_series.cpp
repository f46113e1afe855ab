#include "radar_spoof/parse/spoof_series.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/words/rfc3339.h"

namespace radar_spoof {
namespace {

constexpr double kSumTolerance = 0.01 + 1e-9;

Failure Invalid(std::string detail) { return {FailureReason::kValidation, std::move(detail)}; }

// The member as an array; nullptr, with `problem` set, when it is anything else.
const JsonValue* FindArray(const JsonValue& series, std::string_view name, std::string_view key,
                           std::optional<Failure>& problem) {
  const JsonValue* const found = series.Find(key);
  if (found != nullptr && found->Is(JsonValue::Kind::kArray)) return found;
  problem = Invalid(fmt::format("result.{}.{} is {}; expected an array", name, key, Shown(found)));
  return nullptr;
}

struct Percent {
  double value;
  Ratio ratio;
};

Result<Percent, Failure> ReadPercent(const JsonValue& value, std::string_view name,
                                     std::string_view key, std::size_t index) {
  const auto percent = ReadDecimal(value);
  const auto ratio = percent ? Ratio::FromPercent(*percent) : std::nullopt;
  if (ratio) return Percent{*percent, *ratio};
  return Invalid(fmt::format("result.{}.{}[{}] is {}; expected a percentage from 0 to 100", name,
                             key, index, Shown(&value)));
}

// Buckets that repeat each other to the letter are one bucket; any other repeat cannot be trusted.
// `buckets` are in order.
std::optional<Failure> DropRepeats(std::vector<SpoofBucket>& buckets, std::string_view name) {
  const auto contradict = [](const SpoofBucket& a, const SpoofBucket& b) {
    return a.start == b.start && !(a.spoof == b.spoof && a.not_spoof == b.not_spoof);
  };
  const auto twice = std::adjacent_find(buckets.begin(), buckets.end(), contradict);
  if (twice != buckets.end()) {
    return Invalid(fmt::format("result.{}.timestamps has {} twice, with different values", name,
                               FormatRfc3339(*twice->start)));
  }
  const auto same_start = [](const SpoofBucket& a, const SpoofBucket& b) {
    return a.start == b.start;
  };
  buckets.erase(std::unique(buckets.begin(), buckets.end(), same_start), buckets.end());
  return std::nullopt;
}

std::optional<Failure> ReadStarts(const JsonValue& timestamps, std::string_view name,
                                  std::vector<SpoofBucket>& buckets) {
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const JsonValue& value = timestamps.items[i];
    if (value.Is(JsonValue::Kind::kString)) buckets[i].start = ParseRfc3339(value.text);
    if (!buckets[i].start) {
      return Invalid(fmt::format("result.{}.timestamps[{}] is {}; expected an RFC 3339 time", name,
                                 i, Shown(&value)));
    }
  }
  const auto older = [](const SpoofBucket& a, const SpoofBucket& b) { return a.start < b.start; };
  if (!std::is_sorted(buckets.begin(), buckets.end(), older)) {
    std::stable_sort(buckets.begin(), buckets.end(), older);
  }
  return DropRepeats(buckets, name);
}

}  // namespace

std::optional<double> ReadDecimal(const JsonValue& value) {
  if (!value.Is(JsonValue::Kind::kNumber) && !value.Is(JsonValue::Kind::kString)) {
    return std::nullopt;
  }
  double number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [stopped, error] = std::from_chars(value.text.data(), end, number);
  if (error != std::errc() || stopped != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

Result<std::vector<SpoofBucket>, Failure> ReadSeries(const JsonValue& series,
                                                     std::string_view name) {
  std::optional<Failure> problem;
  const JsonValue* const spoof = FindArray(series, name, "SPOOF", problem);
  if (spoof == nullptr) return *problem;
  const JsonValue* const not_spoof = FindArray(series, name, "NOT_SPOOF", problem);
  if (not_spoof == nullptr) return *problem;
  const JsonValue* timestamps = nullptr;
  if (series.Find("timestamps") != nullptr) {
    timestamps = FindArray(series, name, "timestamps", problem);
    if (timestamps == nullptr) return *problem;
  }
  const std::size_t count = spoof->items.size();
  if (not_spoof->items.size() != count || (timestamps && timestamps->items.size() != count)) {
    return Invalid(timestamps == nullptr
                       ? fmt::format("result.{} has {} SPOOF and {} NOT_SPOOF", name, count,
                                     not_spoof->items.size())
                       : fmt::format("result.{} has {} SPOOF, {} NOT_SPOOF and {} timestamps", name,
                                     count, not_spoof->items.size(), timestamps->items.size()));
  }

  std::vector<SpoofBucket> buckets;
  buckets.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto spoof_share = ReadPercent(spoof->items[i], name, "SPOOF", i);
    if (!spoof_share) return spoof_share.error();
    auto not_spoof_share = ReadPercent(not_spoof->items[i], name, "NOT_SPOOF", i);
    if (!not_spoof_share) return not_spoof_share.error();
    const double sum = spoof_share.value().value + not_spoof_share.value().value;
    buckets.push_back({std::nullopt, spoof_share.value().ratio, not_spoof_share.value().ratio,
                       std::abs(sum - 100.0) <= kSumTolerance, i});
  }
  if (timestamps != nullptr) problem = ReadStarts(*timestamps, name, buckets);
  if (problem) return *problem;
  return buckets;
}

std::optional<WindowStatistics> StatisticsOf(std::span<const SpoofBucket> buckets) {
  if (buckets.size() < 2) return std::nullopt;
  const auto count = static_cast<double>(buckets.size());
  double sum = 0;
  for (const SpoofBucket& bucket : buckets) sum += bucket.spoof.value();
  const double mean = sum / count;
  double squares = 0;
  for (const SpoofBucket& bucket : buckets) {
    squares += (bucket.spoof.value() - mean) * (bucket.spoof.value() - mean);
  }
  return WindowStatistics{mean, std::sqrt(squares / (count - 1))};
}

}  // namespace radar_spoof
