#include "series_window.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "answer_values.h"
#include "radar_spoof/core/rfc3339.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

// The API widens a range to whole hours; and to whole buckets, which is one interval.
constexpr Seconds kRangeAdjustment = std::chrono::hours(1);

// Which buckets of a series may be used.
struct Completeness {
  Seconds interval;
  WallTime reached;  // by the data and by the clock
  const Projections& projections;

  void Keep(std::vector<BucketPlace>& places, bool certain) const {
    if (places.empty()) return;
    if (!places.front().start) {
      if (projections.any()) places.pop_back();
      return;
    }
    const auto begun =
        std::find_if(places.rbegin(), places.rend(),
                     [this](const BucketPlace& place) { return *place.start <= reached; });
    if (projections.of_last() && begun != places.rend()) {
      places.erase(std::prev(begun.base()), places.end());
    }
    // What may be one interval earlier may be what a projection covers there.
    const Seconds margin = certain ? Seconds(0) : interval;
    std::erase_if(places, [&](const BucketPlace& place) {
      const WallTime end = *place.start + interval;
      return end > reached || projections.Cover(*place.start - margin, end);
    });
  }
};

// An answer about more time than was asked for is not this request's.
std::optional<Failure> CheckSpan(const AskedSeries& asked, const std::vector<BucketPlace>& places) {
  if (places.empty() || !places.front().start) return std::nullopt;
  const WallTime oldest = *places.front().start;
  const WallTime newest = *places.back().start;
  if (newest - oldest <=
      asked.query.date_range.Length() + Length(asked.query.agg_interval) + kRangeAdjustment) {
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
  const auto range = DateRangeOf(meta, asked.place);
  auto placed = ReadPlaces(series, asked.name, asked.query.agg_interval, range);
  if (!placed) return placed.error();
  auto& [places, by_range, certain] = placed.value();
  if (auto problem = CheckSpan(asked, places)) return *problem;
  const auto cut = CutBucket(asked, range, places);
  SeriesWindow read{.buckets = {}, .count = places.size()};
  Completeness{Length(asked.query.agg_interval), std::min(now, meta.last_updated), meta.projections}
      .Keep(places, certain);
  read.complete = places.size();
  read.placed_by_range = by_range && certain;
  if (!certain) {
    for (BucketPlace& place : places) place.start.reset();
  }
  if (!places.empty() && places.back().start) {
    read.complete_until = *places.back().start + Length(asked.query.agg_interval);
  }
  auto buckets = ReadBuckets(series, asked.name, places, cut);
  if (!buckets) return buckets.error();
  read.buckets = std::move(buckets).value();
  return read;
}

}  // namespace radar_spoof
