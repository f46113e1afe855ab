// What is wrong in a file that a person wrote: collected in any order, all of it reported at once.
//
// Wording: "found X; expected Y", then what to do where that is not plain. Nothing from the file is
// shown longer than 60 characters or with control characters.
// Thread rule: plain values.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace radar_spoof {

struct ConfigProblem {
  std::string file;
  int line = 0;          // 1-based; 0 when the problem is the file itself
  int column = 0;        // 1-based, in bytes
  std::string key_path;  // "queries[2].filters.dmarc"; may be empty
  std::string message;

  // "file:line:column: key.path: message"; what is missing is left out with its colon.
  std::string Text() const;
};

// The problems' texts, with `separator` between them.
std::string Joined(std::span<const ConfigProblem> problems, std::string_view separator);

struct Place {
  int line = 0;
  int column = 0;
};

class ProblemList {
 public:
  explicit ProblemList(std::string file) : file_(std::move(file)) {}

  void Add(Place place, std::string key_path, std::string message);
  // Leaves out those at a place where there is a problem already: they follow from it.
  void AddUnlessPlaceIsTaken(std::vector<ConfigProblem> problems);

  std::size_t size() const { return problems_.size(); }
  // By line, then column, then the order they were found in.
  std::vector<ConfigProblem> Sorted() const;

 private:
  std::string file_;
  std::vector<ConfigProblem> problems_;
};

// "a, b, c".
std::string Joined(std::span<const std::string_view> words);

bool Contains(std::span<const std::string_view> words, std::string_view word);

// The one of `known` that `word` was probably meant to be: equal but for case and punctuation, few
// typing errors away, or else the only one that begins or ends with it, as "queries" with "query"
// and "date_range" with "range". Empty when nothing is near, or two are equally so.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> known);

// What somebody may write, in whatever case, who means a word of a list.
struct Synonym {
  std::string_view written;
  std::string_view meant;
};

// "; did you mean X?", or nothing.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> known,
                       std::span<const Synonym> synonyms = {});

}  // namespace radar_spoof
