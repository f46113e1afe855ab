#include "radar_spoof/parse/spoof_series.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr double kHighestSum = 100.01 + 1e-9;

std::optional<Failure> CheckArray(const JsonValue* found, std::string_view name,
                                  std::string_view key) {
  if (found != nullptr && found->Is(Kind::kArray)) return std::nullopt;
  return Invalid(fmt::format("result.{}.{} is {}; expected an array", name, key, Describe(found)));
}

// The arrays of a series; nullptr for one that is not there.
struct Arrays {
  const JsonValue* timestamps;
  const JsonValue* spoof;
  const JsonValue* not_spoof;

  explicit Arrays(const JsonValue& series)
      : timestamps(series.Find("timestamps")),
        spoof(series.Find("SPOOF")),
        not_spoof(series.Find("NOT_SPOOF")) {}

  // As the API answers where there was no mail at all.
  bool WithoutClasses() const {
    return timestamps != nullptr && IsAbsent(spoof) && IsAbsent(not_spoof);
  }
  std::optional<Failure> Check(std::string_view name) const;
};

std::optional<Failure> Arrays::Check(std::string_view name) const {
  if (timestamps != nullptr) {
    if (auto problem = CheckArray(timestamps, name, "timestamps")) return problem;
  }
  if (WithoutClasses()) return std::nullopt;
  if (auto problem = CheckArray(spoof, name, "SPOOF")) return problem;
  if (auto problem = CheckArray(not_spoof, name, "NOT_SPOOF")) return problem;
  const std::size_t count = spoof->items.size();
  const std::size_t other = not_spoof->items.size();
  if (timestamps == nullptr) {
    if (other == count) return std::nullopt;
    return Invalid(fmt::format("result.{} has {} SPOOF and {} NOT_SPOOF", name, count, other));
  }
  if (other == count && timestamps->items.size() == count) return std::nullopt;
  return Invalid(fmt::format("result.{} has {} SPOOF, {} NOT_SPOOF and {} timestamps", name, count,
                             other, timestamps->items.size()));
}

Result<SeriesPlaces, Failure> ReadTimestamps(const JsonValue& timestamps, std::string_view name,
                                             AggInterval interval) {
  SeriesPlaces places;
  std::vector<BucketPlace>& buckets = places.buckets;
  buckets.reserve(timestamps.items.size());
  for (std::size_t i = 0; i < timestamps.items.size(); ++i) {
    const JsonValue& value = timestamps.items[i];
    const auto start = value.Is(Kind::kString) ? ParseRfc3339(value.text) : std::nullopt;
    if (!start || FloorTo(*start, Length(interval)) != *start) {
      return Invalid(
          fmt::format("result.{}.timestamps[{}] is {}; expected {}", name, i, Describe(&value),
                      start ? fmt::format("the start of a bucket of {}", RequestName(interval))
                            : "an RFC 3339 time"));
    }
    buckets.push_back({i, start});
  }
  if (!std::ranges::is_sorted(buckets, {}, &BucketPlace::start)) {
    std::ranges::stable_sort(buckets, {}, &BucketPlace::start);
  }
  const auto twice = std::ranges::adjacent_find(buckets, {}, &BucketPlace::start);
  if (twice != buckets.end()) {
    return Invalid(
        fmt::format("result.{}.timestamps has {} twice", name, FormatRfc3339(*twice->start)));
  }
  return places;
}

// The API moves a range's start to a whole bucket or a whole hour, so that the first bucket may
// begin before it; its end cuts the last bucket, is where that begins, or leaves it out.
SeriesPlaces PlacesIn(const std::optional<TimeRange>& range, std::size_t count, Seconds interval) {
  SeriesPlaces places;
  for (std::size_t i = 0; i < count; ++i) places.buckets.push_back({i, std::nullopt});
  if (!range || count == 0) return places;
  const auto fits = [&](WallTime first) {
    const WallTime last = first + static_cast<std::int64_t>(count - 1) * interval;
    return last <= range->to && range->to < last + 2 * interval;
  };
  const WallTime floor = FloorTo(range->from, interval);
  const WallTime ceiling = floor == range->from ? floor : floor + interval;
  const bool by_floor = fits(floor);
  const bool by_ceiling = fits(ceiling);
  if (!by_floor && !by_ceiling) return places;
  // Of two that fit, the later makes fewer buckets complete.
  WallTime start = by_ceiling ? ceiling : floor;
  places.by_range = true;
  places.certain = floor == ceiling || by_floor != by_ceiling;
  for (BucketPlace& place : places.buckets) {
    place.start = start;
    start += interval;
  }
  return places;
}

Failure Broken(const JsonValue& value, std::string_view name, std::string_view key,
               std::size_t position) {
  return Invalid(fmt::format("result.{}.{}[{}] is {}; expected a percentage from 0 to 100", name,
                             key, position, Describe(&value)));
}

// nullopt: without mail.
Result<std::optional<SpoofBucket>, Failure> ReadBucket(const Arrays& arrays, std::string_view name,
                                                       const BucketPlace& place) {
  const JsonValue& spoof = arrays.spoof->items[place.position];
  const JsonValue& not_spoof = arrays.not_spoof->items[place.position];
  const auto ratio = [](std::optional<double> percent) {
    return percent ? Ratio::FromPercent(*percent) : std::nullopt;
  };
  const auto spoof_percent = ReadDecimal(spoof);
  const auto not_spoof_percent = ReadDecimal(not_spoof);
  const auto spoof_ratio = ratio(spoof_percent);
  const auto not_spoof_ratio = ratio(not_spoof_percent);
  if (!spoof_ratio || !not_spoof_ratio) {
    if (HoldsNothing(spoof) && HoldsNothing(not_spoof)) return std::optional<SpoofBucket>();
    return spoof_ratio ? Broken(not_spoof, name, "NOT_SPOOF", place.position)
                       : Broken(spoof, name, "SPOOF", place.position);
  }
  const double sum = *spoof_percent + *not_spoof_percent;
  if (sum == 0) return std::optional<SpoofBucket>();
  if (sum > kHighestSum) {
    return Invalid(fmt::format(
        "SPOOF and NOT_SPOOF of result.{} add up to over 100 at {}", name,
        place.start ? FormatRfc3339(*place.start) : fmt::format("[{}]", place.position)));
  }
  return std::optional(SpoofBucket{place.start, *spoof_ratio, *not_spoof_ratio, place.position});
}

// Of the buckets in these places only those that may be used stay. `reached`: by the data and by
// the clock.
void KeepComplete(SeriesPlaces& series, Seconds interval, WallTime reached,
                  const Projections& projections) {
  std::vector<BucketPlace>& places = series.buckets;
  if (places.empty()) return;
  if (!places.front().start) {
    if (projections.any()) places.pop_back();
    return;
  }
  const auto begun =
      std::find_if(places.rbegin(), places.rend(),
                   [reached](const BucketPlace& place) { return *place.start <= reached; });
  if (projections.of_last() && begun != places.rend()) {
    places.erase(std::prev(begun.base()), places.end());
  }
  // What may be one interval earlier may be what a projection covers there.
  const Seconds margin = series.certain ? Seconds(0) : interval;
  std::erase_if(places, [&](const BucketPlace& place) {
    const WallTime end = *place.start + interval;
    return end > reached || projections.Cover(*place.start - margin, end);
  });
}

// An answer about more time than was asked for is not this request's.
std::optional<Failure> CheckSpan(const AskedSeries& asked, const std::vector<BucketPlace>& places) {
  if (places.empty() || !places.front().start) return std::nullopt;
  const WallTime oldest = *places.front().start;
  const WallTime newest = *places.back().start;
  if (newest - oldest <=
      asked.query.date_range.Length() + RangeAdjustment(asked.query.agg_interval)) {
    return std::nullopt;
  }
  return Invalid(fmt::format("result.{} has buckets from {} to {}; expected a range of {}",
                             asked.name, FormatRfc3339(oldest), FormatRfc3339(newest),
                             asked.query.date_range.Text()));
}

// The position of the first bucket, where the range asked for, or the one answered, begins within
// it: it may hold the mail of that part only.
std::optional<std::size_t> CutBucket(const AskedSeries& asked,
                                     const std::optional<TimeRange>& range,
                                     const std::vector<BucketPlace>& places) {
  if (places.empty() || !places.front().start) return std::nullopt;
  const BucketPlace& first = places.front();
  const auto begins_within = [&](WallTime from) {
    return *first.start < from && from < *first.start + Length(asked.query.agg_interval);
  };
  if (!begins_within(asked.from) && !(range && begins_within(range->from))) return std::nullopt;
  return first.position;
}

}  // namespace

Result<SeriesPlaces, Failure> ReadPlaces(const JsonValue& series, std::string_view name,
                                         AggInterval interval,
                                         const std::optional<TimeRange>& range) {
  const Arrays arrays(series);
  if (auto problem = arrays.Check(name)) return *problem;
  if (arrays.timestamps != nullptr) return ReadTimestamps(*arrays.timestamps, name, interval);
  return PlacesIn(range, arrays.spoof->items.size(), Length(interval));
}

Result<std::vector<SpoofBucket>, Failure> ReadBuckets(const JsonValue& series,
                                                      std::string_view name,
                                                      std::span<const BucketPlace> places,
                                                      std::optional<std::size_t> cut) {
  std::vector<SpoofBucket> buckets;
  const Arrays arrays(series);
  if (arrays.WithoutClasses()) return buckets;
  buckets.reserve(places.size());
  for (const BucketPlace& place : places) {
    const auto bucket = ReadBucket(arrays, name, place);
    if (!bucket && place.position != cut) return bucket.error();
    if (bucket && bucket.value()) buckets.push_back(*bucket.value());
  }
  return buckets;
}

std::optional<Failure> CheckIsThere(const JsonValue& result, const std::string& name) {
  const JsonValue* const series = result.Find(name);
  if (series != nullptr && series->Is(Kind::kObject)) return std::nullopt;
  Failure missing =
      Invalid(fmt::format("result.{} is {}; expected an object", name, Describe(series)));
  missing.fewer_series = FewerSeries::kHelp;
  return missing;
}

Result<SeriesWindow, Failure> ReadSeries(const AskedSeries& asked, const JsonValue& result,
                                         const AnswerMeta& meta, WallTime now) {
  if (auto problem = CheckIsThere(result, asked.name)) return *problem;
  const JsonValue& series = *result.Find(asked.name);
  const Seconds interval = Length(asked.query.agg_interval);
  const auto range = DateRangeOf(meta, asked.place);
  auto read_places = ReadPlaces(series, asked.name, asked.query.agg_interval, range);
  if (!read_places) return read_places.error();
  SeriesPlaces& placed = read_places.value();
  std::vector<BucketPlace>& places = placed.buckets;
  const auto cut = CutBucket(asked, range, places);
  SeriesWindow read{.buckets = {}, .count = places.size()};
  KeepComplete(placed, interval, std::min(now, meta.last_updated), meta.projections);
  if (auto problem = CheckSpan(asked, places)) return *problem;
  read.complete = places.size();
  read.placed_by_range = placed.by_range && placed.certain;
  if (!placed.certain) {
    for (BucketPlace& place : places) place.start.reset();
  }
  auto buckets = ReadBuckets(series, asked.name, places, cut);
  if (!buckets) return buckets.error();
  read.buckets = std::move(buckets).value();
  return read;
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
