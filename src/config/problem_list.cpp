#include "radar_spoof/config/problem_list.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

std::string LettersAndDigits(std::string_view word) {
  std::string kept;
  for (const char c : word) {
    if (IsLetter(c) || IsDigit(c)) kept += LowerCase(c);
  }
  return kept;
}

// Insertions, deletions, replacements and swaps of neighbours between the two.
std::size_t TypingErrors(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

// The only one of `known` that begins or ends with `wanted`, of which only letters and digits
// count; empty when there is none, or several.
std::string_view OnlyOneWithPart(std::string_view wanted, std::span<const std::string_view> known) {
  constexpr std::size_t kShortestPart = 2;
  if (wanted.size() < kShortestPart) return {};
  const std::string_view singular = wanted.substr(
      0, wanted.size() - (wanted.ends_with('y') && wanted.size() > kShortestPart ? 1 : 0));
  std::string_view only;
  for (const std::string_view candidate : known) {
    const std::string letters = LettersAndDigits(candidate);
    if (!letters.starts_with(singular) && !letters.ends_with(wanted)) continue;
    if (!only.empty()) return {};
    only = candidate;
  }
  return only;
}

}  // namespace

std::string ConfigProblem::Text() const {
  std::string text = file;
  if (line > 0) text += fmt::format(":{}:{}", line, column);
  text += ": ";
  if (!key_path.empty()) text += key_path + ": ";
  return text + message;
}

void ProblemList::Add(Place place, std::string key_path, std::string message) {
  problems_.push_back({file_, place.line, place.column, std::move(key_path), std::move(message)});
}

void ProblemList::AddUnlessPlaceIsTaken(std::vector<ConfigProblem> problems) {
  std::set<std::pair<int, int>> taken;
  for (const ConfigProblem& problem : problems_) taken.emplace(problem.line, problem.column);
  for (ConfigProblem& problem : problems) {
    if (!taken.contains({problem.line, problem.column})) problems_.push_back(std::move(problem));
  }
}

std::vector<ConfigProblem> ProblemList::Sorted() const {
  std::vector<ConfigProblem> sorted = problems_;
  std::ranges::stable_sort(sorted, {},
                           [](const auto& each) { return std::pair(each.line, each.column); });
  return sorted;
}

std::string Joined(std::span<const ConfigProblem> problems, std::string_view separator) {
  std::string joined;
  for (const ConfigProblem& problem : problems) {
    if (!joined.empty()) joined += separator;
    joined += problem.Text();
  }
  return joined;
}

std::string Joined(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

bool Contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kLongestWord = 64;
  if (word.size() > kLongestWord) return {};
  const std::string wanted = LettersAndDigits(word);
  if (wanted.empty()) return {};
  std::string_view nearest;
  std::size_t fewest_errors = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t errors = TypingErrors(wanted, LettersAndDigits(candidate));
    if (errors < fewest_errors) {
      fewest_errors = errors;
      nearest = candidate;
    } else if (errors == fewest_errors) {
      nearest = {};
    }
  }
  return nearest.empty() ? OnlyOneWithPart(wanted, known) : nearest;
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> known,
                       std::span<const Synonym> synonyms) {
  const auto synonym = std::ranges::find(synonyms, LowerCase(word), &Synonym::written);
  const std::string_view nearest =
      Nearest(synonym == synonyms.end() ? word : synonym->meant, known);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

}  // namespace radar_spoof
