#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "checks.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using Kind = JsonValue::Kind;

constexpr const char* kStaysTheShare = "Nothing: SPOOF stays the share of all mail.";

// Of all series.
std::vector<const SeenBucket*> CompleteBuckets(const Examination& exam) {
  std::vector<const SeenBucket*> buckets;
  for (const SeenSeries* const series : exam.AllSeries()) {
    for (const SeenBucket& bucket : series->Complete()) buckets.push_back(&bucket);
  }
  return buckets;
}

bool AnyRatios(const Examination& exam) {
  return std::ranges::any_of(exam.asked,
                             [](const auto& each) { return each.seen && each.seen->HasRatios(); });
}

// Of all mail no bucket is empty; of narrower filters the first and the newest may be left out.
bool IsOfAllMail(const AskedRequest& asked) { return asked.queries.front().filters == Filters(); }

// The name of the weekday in UTC.
std::string DayOf(WallTime time) {
  constexpr std::array kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                "Friday", "Saturday", "Sunday"};
  const std::chrono::weekday day(std::chrono::floor<std::chrono::days>(time));
  return kDays[day.iso_encoding() - 1];
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
    const auto start = ReadTime(&time);
    if (!start) return Describe(&time) + " is no RFC 3339 time";
    if (FloorTo(*start, series.interval) != *start) {
      const bool midnight = FloorTo(*start, std::chrono::hours(24)) == *start;
      return Describe(&time) + (midnight ? " is a " + DayOf(*start) : " is no start of a bucket");
    }
    if (!seen.insert(*start).second) return Describe(&time) + " stands twice";
  }
  for (const JsonValue& time : times->items) {
    const std::string usual = FormatRfc3339(*ReadTime(&time));
    if (time.text != usual) return Describe(&time) + " is not written as " + usual;
  }
  return "";
}

// meta.dateRange's beginning; nullopt where it cannot be read.
std::optional<WallTime> RangeStartOf(const SeenAnswer& answer) {
  const JsonValue* range = answer.InMeta("dateRange");
  if (range != nullptr && range->Is(Kind::kArray)) {
    range = range->items.size() == 1 ? &range->items.front() : nullptr;
  }
  return range == nullptr ? std::nullopt : ReadTime(range->Find("startTime"));
}

// Starts look the same as ends when the bucket that is filling is left out; the beginning of the
// range tells them apart where it is one of a bucket.
bool SeemEnds(const Examination& exam) {
  bool any = false;
  for (const AskedRequest* const asked : exam.Seen()) {
    const auto range_start = RangeStartOf(*asked->seen);
    if (!IsOfAllMail(*asked) || asked->queries.front().control || !range_start) continue;
    for (const SeenSeries& series : asked->seen->series) {
      if (series.buckets.empty() || FloorTo(*range_start, series.interval) != *range_start)
        continue;
      if (series.FirstStart() != *range_start + series.interval) return false;
      any = true;
    }
  }
  return any;
}

}  // namespace

Judgement JudgeTimestamps(const Examination& exam) {
  std::size_t wrong = 0;
  std::string first;
  bool any_unsorted = false;
  const auto all = exam.AllSeries();
  for (const SeenSeries* const series : all) {
    const std::string problem = TimestampProblem(*series);
    any_unsorted = any_unsorted || !std::ranges::is_sorted(series->buckets, {}, &SeenBucket::start);
    if (!problem.empty() && wrong++ == 0) first = problem;
  }
  if (all.empty()) return NothingSeen(exam);
  if (wrong == 0) {
    if (SeemEnds(exam)) {
      return Different(
          "the first begins one bucket after meta.dateRange: they may be the ends of buckets",
          kOpenAnIssue);
    }
    if (any_unsorted) return Different("not in order", kNoChange);
    return Ok(fmt::format("as expected in {} series", all.size()));
  }
  const char* change = kOpenAnIssue;
  if (first.find(" is not written as ") != std::string::npos) change = kNoChange;
  if (first == "missing") {
    change =
        "Nothing: the buckets are then placed by meta.dateRange, or taken to end with the latest.";
  }
  return Different(fmt::format("{}, in {} of {} series{}", first, wrong, all.size(),
                               any_unsorted ? "; and not in order" : ""),
                   change);
}

Judgement JudgeNewestBucket(const Examination& exam) {
  std::size_t filling = 0;
  std::size_t complete = 0;
  for (const AskedRequest* const asked : exam.Seen()) {
    const auto updated = asked->seen->LastUpdated();
    for (const SeenSeries& series : asked->seen->series) {
      std::optional<WallTime> newest;
      for (const SeenBucket& bucket : series.buckets) newest = std::max(newest, bucket.start);
      if (!updated || !newest || series.is_control) continue;
      if (*newest > *updated) {
        return Different("one begins at " + MinuteText(*newest) + ", after lastUpdated, " +
                             MinuteText(*updated) + ": are these ends?",
                         kOpenAnIssue);
      }
      if (IsOfAllMail(*asked) && *newest + 2 * series.interval <= *updated - series.interval) {
        return Different("the newest of " + InWords(series.interval) + " begins at " +
                             MinuteText(*newest) + ", though lastUpdated is " +
                             MinuteText(*updated),
                         "Nothing: the exporter shows the newest there is, if it is not too old.");
      }
      ++(*newest + series.interval > *updated ? filling : complete);
    }
  }
  if (filling + complete == 0) return NothingSeen(exam);
  return Ok(fmt::format("still filling in {} series, complete in {}", filling, complete));
}

Judgement JudgeValues(const Examination& exam) {
  std::size_t values = 0;
  std::size_t numbers = 0;
  std::size_t wrong = 0;
  std::string example;
  for (const SeenBucket* const bucket : CompleteBuckets(exam)) {
    if (bucket->is_empty || bucket->is_half) continue;
    for (const JsonValue* const value : {bucket->spoof, bucket->not_spoof}) {
      constexpr double kHighest = 100.01;
      const auto number = ReadDecimal(*value);
      ++values;
      if (value->Is(Kind::kNumber)) ++numbers;
      if (number && *number >= 0 && *number <= kHighest) continue;
      if (wrong++ == 0) example = Describe(value);
    }
  }
  if (values == 0) return NothingSeen(exam);
  if (wrong > 0) {
    return Different(
        fmt::format("{} and {} more of {} are no percentages", example, wrong - 1, values),
        kOpenAnIssue);
  }
  if (AnyRatios(exam)) {
    return Different("they are from 0 to 1: ratios, not percentages",
                     "Do not use the numbers: the exporter would show a hundredth of them. Please "
                     "open an issue with a --report.");
  }
  if (numbers > 0) {
    return Different(fmt::format("{} of {} are numbers without quotes", numbers, values),
                     kNoChange);
  }
  return Ok(fmt::format("{} of them", values));
}

Judgement JudgeSums(const Examination& exam) {
  constexpr double kRounding = 0.01 + 1e-9;
  std::size_t compared = 0;
  std::size_t off = 0;
  double least = HUGE_VAL;
  double most = 0;
  for (const SeenBucket* const bucket : CompleteBuckets(exam)) {
    if (!bucket->sum || bucket->is_empty) continue;
    least = std::min(least, *bucket->sum);
    most = std::max(most, *bucket->sum);
    ++compared;
    if (std::abs(*bucket->sum - 100) > kRounding) ++off;
  }
  if (compared == 0) return NothingSeen(exam);
  if (off == 0) return Ok(fmt::format("in all of {} buckets", compared));
  return Different(fmt::format("{:.2f} to {:.2f}, other than 100 in {} of {} buckets", least, most,
                               off, compared),
                   AnyRatios(exam) ? "See values."
                   : most > 100 + kRounding
                       ? "Nothing helps: the exporter refuses sums over 100. Please open "
                         "an issue with a --report."
                       : kStaysTheShare);
}

std::optional<double> ExchangedMean(const Examination& exam) {
  // 9 to 38 were seen in weeks.
  constexpr double kLeast = 1;
  constexpr double kMost = 50;
  double sum = 0;
  std::size_t count = 0;
  for (const AskedRequest* const asked : exam.Seen()) {
    if (!IsOfAllMail(*asked)) continue;
    if (asked->seen->HasRatios()) return std::nullopt;
    for (const SeenSeries& series : asked->seen->series) {
      for (const auto& [place, number] : series.numbers) sum += number;
      count += series.numbers.size();
    }
  }
  const double mean = count == 0 ? kLeast : sum / static_cast<double>(count);
  return mean < kLeast || mean > kMost ? std::optional(mean) : std::nullopt;
}

Judgement JudgeClasses(const Examination& exam) {
  std::set<std::string> others;
  std::size_t lacking = 0;
  const auto all = exam.AllSeries();
  for (const SeenSeries* const series : all) {
    const bool has_both =
        series->json->Find("SPOOF") != nullptr && series->json->Find("NOT_SPOOF") != nullptr;
    if (!has_both && !series->IsWithoutClasses()) ++lacking;
    for (const std::string_view key : series->json->keys) {
      if (key != "timestamps" && key != "SPOOF" && key != "NOT_SPOOF")
        others.insert(ForLog(key, 30));
    }
  }
  if (all.empty()) return NothingSeen(exam);
  constexpr std::size_t kShownClasses = 5;
  std::string names;
  std::size_t shown = 0;
  for (const std::string& other : others) {
    if (shown++ < kShownClasses) AppendTo(names, other);
  }
  if (shown > kShownClasses) names += fmt::format(" and {} more", shown - kShownClasses);
  if (lacking > 0) {
    return Different(fmt::format("{} of {} series lack one of them{}{}", lacking, all.size(),
                                 names.empty() ? "" : "; there is also ", names),
                     kOpenAnIssue);
  }
  if (const auto mean = ExchangedMean(exam)) {
    return Different(
        fmt::format("SPOOF is {:.1f} % of all mail on average: are the classes exchanged?", *mean),
        "Compare the numbers with radar.cloudflare.com before you use them; please open an issue "
        "with a --report.");
  }
  if (!names.empty()) return Different("there is also " + names, kStaysTheShare);
  return Ok(fmt::format("in {} series", all.size()));
}

Judgement JudgeEmptyBuckets(const Examination& exam) {
  std::size_t zeros = 0;
  std::size_t nulls = 0;
  std::size_t half = 0;
  std::size_t without_classes = 0;
  std::size_t gaps = 0;
  std::size_t count = 0;
  for (const SeenSeries* const series : exam.AllSeries()) {
    std::optional<WallTime> before;
    if (series->IsWithoutClasses()) ++without_classes;
    for (const SeenBucket& bucket : series->Complete()) {
      if (before && bucket.start && *bucket.start - *before > series->interval) ++gaps;
      before = bucket.start;
      ++count;
      if (bucket.is_half) ++half;
      if (bucket.is_empty) ++(ReadDecimal(*bucket.spoof) ? zeros : nulls);
    }
  }
  if (half > 0) {
    return Different(
        fmt::format("{} with nothing in one class beside a number in the other", half),
        "Nothing helps: the exporter refuses such answers. Please open an issue with a --report.");
  }
  if (count > 0 && zeros + nulls == count) {
    return Different(fmt::format("all of {} buckets are empty", count), kOpenAnIssue);
  }
  if (zeros + nulls + without_classes + gaps > 0) {
    return Ok(fmt::format("{} with 0, {} with null, {} left out, {} series without classes", zeros,
                          nulls, gaps, without_classes));
  }
  return exam.Seen().empty() ? NothingSeen(exam) : NotSeen("no bucket was empty");
}

}  // namespace radar_spoof
