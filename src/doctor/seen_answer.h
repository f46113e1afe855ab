// An answer as it came, read more freely than the exporter reads it: what is not as it should be is
// what `doctor` looks for.
//
// Thread rule: pure.
#pragma once

#include <map>

#include "radar_spoof/core/types.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/parse/json.h"

namespace radar_spoof {

struct SeenBucket {
  std::optional<WallTime> start;  // nullopt: no timestamp that can be read
  const JsonValue* spoof;
  const JsonValue* not_spoof;
  std::optional<double> number;  // SPOOF, from 0 upwards
  std::optional<double> sum;     // with NOT_SPOOF, likewise
  bool is_empty;                 // nothing in either class: 0, null, "" or NaN
  bool is_half;                  // nothing in one class beside a number in the other
};

// SPOOF of complete buckets with mail, by their start in milliseconds or else by their place.
using SeenNumbers = std::map<std::int64_t, double>;

struct SeenSeries {
  std::string_view key;
  const JsonValue* json;
  Seconds interval;                 // that was asked for
  bool is_control = false;          // of the control period, as far as names tell it
  std::vector<SeenBucket> buckets;  // in the order of the answer
  SeenNumbers numbers;

  const JsonValue* timestamps() const { return json->Find("timestamps"); }
  // As the API answers where there was no mail at all.
  bool IsWithoutClasses() const { return json->keys.size() == 1 && timestamps() != nullptr; }
  // Those that may be judged: without the last, which may still be filling.
  std::span<const SeenBucket> Complete() const;
  std::optional<WallTime> FirstStart() const;  // REQUIRES: any bucket
};

// What it holds points into its document, wherever it is moved to.
struct SeenAnswer {
  JsonDocument document;
  const JsonValue* meta = nullptr;  // an object; nullptr: none
  std::vector<SeenSeries> series;

  const SeenSeries* Find(std::string_view key) const;
  // The member of `meta`; nullptr when there is none.
  const JsonValue* InMeta(std::string_view member) const;
  // nullopt where it cannot be read.
  std::optional<WallTime> LastUpdated() const;
  // Its values seem to be from 0 to 1: the sums are about 1.
  bool HasRatios() const;
};

// nullopt for a body without an object `result`, or which says that it failed and holds nothing.
// `names`: of the series that `queries` were asked for.
std::optional<SeenAnswer> ReadFreely(std::string_view body, const std::vector<Query>& queries,
                                     const std::vector<SeriesNames>& names);

// How alike two series are in the buckets that both have.
struct Likeness {
  std::size_t compared = 0;  // those that are in both
  std::size_t alike = 0;     // of these
  std::size_t telling = 0;   // of the alike: neither 0 nor 100, which two may be by chance

  // All are alike, but for some that may have been revised in between.
  bool IsOfTheSame() const { return alike * 20 >= compared * 19; }
};

Likeness Compare(const SeenNumbers& one, const SeenNumbers& other);

// The same mail, though some numbers may have been revised in between and the first cut. Two that
// tell something may be the same by chance.
bool SeemTheSame(const SeenNumbers& one, const SeenNumbers& other);

// The mean of those whose places `as` has, too; nullopt: none.
std::optional<double> MeanOf(const SeenNumbers& numbers, const SeenNumbers& as);

// What an answer is made of, without its texts: objects with their keys, arrays with their length
// and first element. Times, decimals and words in capitals are kept.
std::string ShapeOf(const JsonValue& value);

// Without what may name a person or an account: mail addresses, and runs of 32 or more hexadecimal
// digits.
std::string WithoutIdentity(std::string_view text);

}  // namespace radar_spoof
