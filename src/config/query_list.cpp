#include "query_list.h"

#include <fmt/format.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxQueries = 20'000;

// One combination of the matrix: `number` counts through them, the first dimension slowest.
struct Combination {
  std::string suffix;  // "_dmarc_pass_spf_any"
  Filters filters;
};

Combination CombinationAt(std::size_t number, const std::vector<MatrixAxis>& axes,
                          const Filters& base) {
  Combination combination{"", base};
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const std::string_view value = axis->values[number % axis->values.size()];
    number /= axis->values.size();
    combination.suffix =
        fmt::format("_{}_{}{}", LabelName(axis->dimension), LowerCase(value), combination.suffix);
    // "any" is no value of the API's and adds nothing.
    static_cast<void>(combination.filters.Add(axis->dimension, value));
  }
  return combination;
}

// 7d and 1w are one question.
std::string QuestionKey(const Filters& filters, AggInterval agg_interval, Seconds length) {
  std::string key;
  for (const Dimension dimension : kAllDimensions) key += filters.Label(dimension) + ' ';
  key += RequestName(agg_interval);
  return key + ' ' + std::to_string(length.count());
}

std::string TextOf(const Filters& filters, AggInterval agg_interval, const DateRange& range) {
  return fmt::format("{}, {} over {}", FilterText(filters, ", "), RequestName(agg_interval),
                     range.Text());
}

// By interval; not documented. On sibling data sets 1d was seen accepted for 12 weeks and refused
// for 26, 1h refused for 73 days; the rest is caution.
Seconds LongestUsualRange(AggInterval interval) {
  constexpr std::array<Seconds, kAllAggIntervals.size()> kLongest = {7 * 24h, 31 * 24h, 84 * 24h,
                                                                     366 * 24h};
  return kLongest[static_cast<std::size_t>(interval)];
}

}  // namespace

void QueryList::Add(const QueryEntry& entry) {
  const std::size_t combinations = entry.Combinations();
  count_ += combinations;
  if (is_full_) return;
  if (count_ > kMaxQueries) {
    is_full_ = true;
    by_interval_.clear();
    problems_.Add(
        entry.matrix_place, entry.path,
        fmt::format("found more than {} queries up to here; expected fewer in all", kMaxQueries));
    return;
  }
  WarnAboutWindow(entry);
  if (entry.poll_interval && combinations > 0) {
    by_interval_[*entry.poll_interval] += static_cast<int>(combinations);
  }
  AddExpanded(entry);
}

void QueryList::AddExpanded(const QueryEntry& entry) {
  bool name_is_reported = false;
  bool question_is_reported = false;
  for (std::size_t i = 0; i < entry.Combinations(); ++i) {
    const Combination combination =
        CombinationAt(i, *entry.axes, entry.filters.value_or(Filters()));
    const std::string name = entry.name.value_or("") + combination.suffix;
    if (entry.name) CheckName(entry, name, name_is_reported);
    if (!entry.filters || !entry.agg_interval || !entry.date_range) continue;
    CheckQuestion(entry, entry.name ? name : entry.path, combination.filters, question_is_reported);
    if (!entry.name || !entry.poll_interval) continue;
    queries_.push_back({name, combination.filters, *entry.agg_interval, *entry.date_range,
                        entry.control, *entry.poll_interval, entry.alert});
  }
}

void QueryList::CheckName(const QueryEntry& entry, const std::string& name, bool& is_reported) {
  const auto [first, is_new] = lines_of_names_.emplace(name, entry.name_place.line);
  if (is_reported || (is_new && name.size() <= kLongestQueryName)) return;
  is_reported = true;
  problems_.Add(
      entry.name_place, entry.path + ".name",
      is_new ? fmt::format("found a name that its matrix makes {} bytes long; expected at most {}",
                           name.size(), kLongestQueryName)
             : fmt::format(
                   "found the name \"{}\" again{}, first on line {}; expected names to be unique",
                   ForMessage(name, kLongestQueryName),
                   entry.axes->empty() ? "" : " among those of its matrix", first->second));
}

void QueryList::CheckQuestion(const QueryEntry& entry, const std::string& name,
                              const Filters& filters, bool& is_reported) {
  const auto [first, is_new] =
      questions_.try_emplace(QuestionKey(filters, *entry.agg_interval, entry.date_range->Length()),
                             Origin{name, entry.place.line});
  if (is_new || is_reported) return;
  is_reported = true;
  problems_.Add(entry.place, entry.path,
                fmt::format("\"{}\" duplicates query \"{}\" (line {}): {}; expected queries to "
                            "differ in filters, agg_interval or date_range",
                            ForMessage(name, kLongestQueryName),
                            ForMessage(first->second.name, kLongestQueryName), first->second.line,
                            TextOf(filters, *entry.agg_interval, *entry.date_range)));
}

void QueryList::WarnAboutWindow(const QueryEntry& entry) {
  if (!entry.agg_interval || !entry.date_range) return;
  const Seconds length = entry.date_range->Length();
  const bool is_too_fine = length > LongestUsualRange(*entry.agg_interval);
  const bool is_too_short = length < 2 * Length(*entry.agg_interval);
  if (!is_too_fine && !is_too_short) return;
  // Once for the same pair: it may come from `defaults`, and then it is in every query.
  if (!windows_warned_of_.emplace(*entry.agg_interval, length).second) return;
  const std::string path =
      fmt::format("{}{}{}", entry.path, entry.window_key.empty() ? "" : ".", entry.window_key);
  warnings_.Add(
      entry.window_place, path,
      fmt::format("{} over {} {}", RequestName(*entry.agg_interval), entry.date_range->Text(),
                  is_too_fine
                      ? "may be too fine: the API's limits are not documented, and it answers 400 "
                        "past them"
                      : "is under two intervals: the answer may hold no complete bucket, and there "
                        "can be no window mean or deviation"));
}

}  // namespace radar_spoof
