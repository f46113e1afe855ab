#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "judgement.h"
#include "radar_spoof/core/text.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using Kind = JsonValue::Kind;

constexpr std::array kDayNames = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                  "Friday", "Saturday", "Sunday"};

std::vector<const SeenBucket*> CompleteBuckets(const Evidence& evidence) {
  std::vector<const SeenBucket*> buckets;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    for (const SeenBucket& bucket : series->Complete()) buckets.push_back(&bucket);
  }
  return buckets;
}

// The name of the weekday in UTC.
std::string_view DayOf(WallTime time) {
  const std::chrono::weekday day(std::chrono::floor<std::chrono::days>(time));
  return kDayNames[day.iso_encoding() - 1];
}

// What is wrong with the first timestamp that is not as it should be; "" when all are.
std::string TimestampProblem(const SeenSeries& series) {
  const JsonValue* const times = series.timestamps();
  if (times == nullptr) return "missing";
  if (!times->Is(Kind::kArray)) return Describe(times);
  const JsonValue* const spoof = series.json->Find("SPOOF");
  if (spoof != nullptr && spoof->items.size() != times->items.size()) {
    return fmt::format("{} of them beside {} values", times->items.size(), spoof->items.size());
  }
  std::set<WallTime> seen;
  for (const JsonValue& time : times->items) {
    const auto start = time.Is(Kind::kString) ? ParseRfc3339(time.text) : std::nullopt;
    if (!start) return Describe(&time) + " is no RFC 3339 time";
    if (FloorTo(*start, series.interval) != *start) {
      const bool midnight = FloorTo(*start, 24h) == *start;
      return midnight ? fmt::format("{} is a {}", Describe(&time), DayOf(*start))
                      : fmt::format("{} is no start of a bucket", Describe(&time));
    }
    if (!seen.insert(*start).second) return Describe(&time) + " stands twice";
  }
  for (const JsonValue& time : times->items) {
    if (time.text != FormatRfc3339(*ParseRfc3339(time.text))) {
      return Describe(&time) + " is not written as " + FormatRfc3339(*ParseRfc3339(time.text));
    }
  }
  return "";
}

// meta.dateRange's beginning; nullopt where it cannot be read.
std::optional<WallTime> RangeStartOf(const SeenAnswer& answer) {
  const JsonValue* range = answer.InMeta("dateRange");
  if (range != nullptr && range->Is(Kind::kArray)) {
    range = range->items.size() == 1 ? &range->items.front() : nullptr;
  }
  const JsonValue* const start = range == nullptr ? nullptr : range->Find("startTime");
  return start == nullptr ? std::nullopt : ParseRfc3339(start->text);
}

// Starts look the same as ends when the bucket that is filling is left out; the beginning of the
// range tells them apart where it is one of a bucket. Of narrower filters the first may be left
// out, without mail.
bool SeemEnds(const Evidence& evidence) {
  bool any = false;
  for (const SeenAnswer& answer : evidence.answers) {
    const Query& query = answer.asked->queries.front();
    const auto range_start = RangeStartOf(answer);
    if (query.filters != Filters() || query.control || !range_start) continue;
    for (const SeenSeries& series : answer.series) {
      if (series.buckets.empty() || FloorTo(*range_start, series.interval) != *range_start)
        continue;
      const auto first = std::ranges::min(series.buckets, {}, &SeenBucket::start).start;
      if (first != *range_start + series.interval) return false;
      any = true;
    }
  }
  return any;
}

}  // namespace

Judgement JudgeTimestamps(const Evidence& evidence) {
  std::size_t wrong = 0;
  std::string first;
  bool any_unsorted = false;
  const auto all = evidence.AllSeries();
  for (const SeenSeries* const series : all) {
    const std::string problem = TimestampProblem(*series);
    any_unsorted = any_unsorted || !std::ranges::is_sorted(series->buckets, {}, &SeenBucket::start);
    if (problem.empty()) continue;
    if (wrong++ == 0) first = problem;
  }
  if (all.empty()) return NothingSeen(evidence);
  if (wrong == 0 && SeemEnds(evidence)) {
    return {Verdict::kDifferent,
            "the first begins one bucket after meta.dateRange: they may be the ends of buckets",
            std::string(kOpenAnIssue)};
  }
  if (wrong == 0) {
    if (any_unsorted) return {Verdict::kDifferent, "not in order", std::string(kNoChange)};
    return {Verdict::kOk, fmt::format("as expected in {} series", all.size()), ""};
  }
  const bool harmless =
      first == "missing" || first.find(" is not written as ") != std::string::npos;
  return {Verdict::kDifferent,
          fmt::format("{}, in {} of {} series{}", first, wrong, all.size(),
                      any_unsorted ? "; and not in order" : ""),
          first == "missing" ? "Nothing: the buckets are then placed by meta.dateRange, or taken "
                               "to end with the latest."
          : harmless         ? std::string(kNoChange)
                             : std::string(kOpenAnIssue)};
}

Judgement JudgeNewestBucket(const Evidence& evidence) {
  std::size_t filling = 0;
  std::size_t complete = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    const auto updated = answer.LastUpdated();
    for (const SeenSeries& series : answer.series) {
      std::optional<WallTime> newest;
      for (const SeenBucket& bucket : series.buckets) newest = std::max(newest, bucket.start);
      if (!updated || !newest || series.control) continue;
      if (*newest > *updated) {
        return {Verdict::kDifferent,
                fmt::format("one begins at {}, after lastUpdated, {}: are these ends?",
                            MinuteText(*newest), MinuteText(*updated)),
                std::string(kOpenAnIssue)};
      }
      // Of narrower filters the newest may be left out, without mail.
      const bool is_all_mail = answer.asked->queries.front().filters == Filters();
      if (is_all_mail && *newest + 2 * series.interval <= *updated - series.interval) {
        return {Verdict::kDifferent,
                fmt::format("the newest of {} begins at {}, though lastUpdated is {}",
                            InWords(series.interval), MinuteText(*newest), MinuteText(*updated)),
                "Nothing: the exporter shows the newest there is, if it is not too old."};
      }
      ++(*newest + series.interval > *updated ? filling : complete);
    }
  }
  if (filling + complete == 0) return NothingSeen(evidence);
  return {Verdict::kOk,
          fmt::format("still filling in {} series, complete in {}", filling, complete), ""};
}

Judgement JudgeValues(const Evidence& evidence) {
  std::size_t values = 0;
  std::size_t numbers = 0;
  std::size_t unreadable = 0;
  std::size_t beyond = 0;
  std::string example;
  for (const SeenBucket* const bucket : CompleteBuckets(evidence)) {
    if (bucket->IsEmpty() || bucket->IsHalf()) continue;
    for (const JsonValue* const value : {bucket->spoof, bucket->not_spoof}) {
      constexpr double kHighest = 100.01;
      const auto number = ReadDecimal(*value);
      const bool is_wrong = !number || *number < 0 || *number > kHighest;
      ++values;
      if (value->Is(Kind::kNumber)) ++numbers;
      if (!number) ++unreadable;
      if (number && is_wrong) ++beyond;
      if (is_wrong && example.empty()) example = Describe(value);
    }
  }
  if (values == 0) return NothingSeen(evidence);
  if (unreadable + beyond > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} and {} more of {} are no percentages", example, unreadable + beyond - 1,
                        values),
            std::string(kOpenAnIssue)};
  }
  for (const SeenAnswer& answer : evidence.answers) {
    if (!SeemRatios(answer.series)) continue;
    return {Verdict::kDifferent, "they are from 0 to 1: ratios, not percentages",
            "Do not use the numbers: the exporter would show a hundredth of them. Please open an "
            "issue with a --report."};
  }
  if (numbers > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} of {} are numbers without quotes", numbers, values),
            std::string(kNoChange)};
  }
  return {Verdict::kOk, fmt::format("{} of them", values), ""};
}

Judgement JudgeSums(const Evidence& evidence) {
  constexpr double kRounding = 0.01 + 1e-9;
  std::size_t compared = 0;
  std::size_t off = 0;
  double least = 0;
  double most = 0;
  for (const SeenBucket* const bucket : CompleteBuckets(evidence)) {
    const auto sum = bucket->Sum();
    if (!sum || bucket->IsEmpty()) continue;
    least = compared == 0 ? *sum : std::min(least, *sum);
    most = compared == 0 ? *sum : std::max(most, *sum);
    ++compared;
    if (std::abs(*sum - 100) > kRounding) ++off;
  }
  if (compared == 0) return NothingSeen(evidence);
  if (off == 0) return {Verdict::kOk, fmt::format("in all of {} buckets", compared), ""};
  const bool ratios = std::ranges::any_of(
      evidence.answers, [](const SeenAnswer& answer) { return SeemRatios(answer.series); });
  return {Verdict::kDifferent,
          fmt::format("{:.2f} to {:.2f}, other than 100 in {} of {} buckets", least, most, off,
                      compared),
          ratios ? "See values."
          : most > 100 + kRounding
              ? "Nothing helps: the exporter refuses sums over 100. Please open an "
                "issue with a --report."
              : "Nothing: SPOOF stays the share of all mail."};
}

std::optional<double> ExchangedMean(const Evidence& evidence) {
  // 9 to 38 were seen in weeks.
  constexpr double kLeast = 1;
  constexpr double kMost = 50;
  double sum = 0;
  std::size_t count = 0;
  for (const SeenAnswer& answer : evidence.answers) {
    if (answer.asked->queries.front().filters != Filters()) continue;
    for (const SeenSeries& series : answer.series) {
      for (const SeenBucket& bucket : series.Complete()) {
        if (!bucket.Spoof() || bucket.IsEmpty()) continue;
        sum += *bucket.Spoof();
        ++count;
      }
    }
    if (SeemRatios(answer.series)) return std::nullopt;
  }
  const double mean = count == 0 ? kLeast : sum / static_cast<double>(count);
  return mean < kLeast || mean > kMost ? std::optional(mean) : std::nullopt;
}

Judgement JudgeClasses(const Evidence& evidence) {
  std::set<std::string> others;
  std::size_t lacking = 0;
  std::size_t count = 0;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    const bool is_empty = series->json->keys.size() == 1 && series->timestamps() != nullptr;
    ++count;
    if (!is_empty &&
        (series->json->Find("SPOOF") == nullptr || series->json->Find("NOT_SPOOF") == nullptr)) {
      ++lacking;
    }
    for (const std::string_view key : series->json->keys) {
      if (key != "timestamps" && key != "SPOOF" && key != "NOT_SPOOF")
        others.insert(ForLog(key, 30));
    }
  }
  if (count == 0) return NothingSeen(evidence);
  constexpr std::size_t kShownClasses = 5;
  const std::size_t shown = std::min(others.size(), kShownClasses);
  std::string names = fmt::format(
      "{}", fmt::join(others.begin(), std::next(others.begin(), static_cast<std::ptrdiff_t>(shown)),
                      ", "));
  if (shown < others.size()) names += fmt::format(" and {} more", others.size() - shown);
  if (lacking > 0) {
    return {Verdict::kDifferent,
            fmt::format("{} of {} series lack one of them{}{}", lacking, count,
                        names.empty() ? "" : "; there is also ", names),
            std::string(kOpenAnIssue)};
  }
  if (const auto mean = ExchangedMean(evidence)) {
    return {
        Verdict::kDifferent,
        fmt::format("SPOOF is {:.1f} % of all mail on average: are the classes exchanged?", *mean),
        "Compare the numbers with radar.cloudflare.com before you use them; please open an issue "
        "with a --report."};
  }
  if (!names.empty()) {
    return {Verdict::kDifferent, "there is also " + names,
            "Nothing: SPOOF stays the share of all mail."};
  }
  return {Verdict::kOk, fmt::format("in {} series", count), ""};
}

Judgement JudgeEmptyBuckets(const Evidence& evidence) {
  std::size_t empty = 0;
  std::size_t nulls = 0;
  std::size_t half = 0;
  std::size_t without_classes = 0;
  std::size_t gaps = 0;
  std::size_t count = 0;
  for (const SeenSeries* const series : evidence.AllSeries()) {
    std::optional<WallTime> before;
    if (series->json->keys.size() == 1 && series->timestamps() != nullptr) ++without_classes;
    for (const SeenBucket& bucket : series->Complete()) {
      if (before && bucket.start && *bucket.start - *before > series->interval) ++gaps;
      before = bucket.start;
      ++count;
      if (bucket.IsHalf()) ++half;
      if (!bucket.IsEmpty()) continue;
      ++empty;
      if (!ReadDecimal(*bucket.spoof)) ++nulls;
    }
  }
  if (half > 0) {
    return {
        Verdict::kDifferent,
        fmt::format("{} with nothing in one class beside a number in the other", half),
        "Nothing helps: the exporter refuses such answers. Please open an issue with a --report."};
  }
  if (empty > 0 && empty == count) {
    return {Verdict::kDifferent, fmt::format("all of {} buckets are empty", count),
            std::string(kOpenAnIssue)};
  }
  if (empty + without_classes + gaps == 0) {
    return evidence.answers.empty() ? NothingSeen(evidence)
                                    : Judgement{Verdict::kNotSeen, "no bucket was empty", ""};
  }
  return {Verdict::kOk,
          fmt::format("{} with 0, {} with null, {} left out, {} series without classes",
                      empty - nulls, nulls, gaps, without_classes),
          ""};
}

}  // namespace radar_spoof
