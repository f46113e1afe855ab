// An answer as it came, read more freely than the exporter reads it: what is not as it should be is
// what `doctor` looks for.
//
// Thread rule: pure. What these hold points into the examination and into their own documents.
#pragma once

#include "examination.h"
#include "radar_spoof/parse/json.h"
#include "seen_numbers.h"

namespace radar_spoof {

struct SeenBucket {
  std::optional<WallTime> start;  // nullopt: no timestamp that can be read
  const JsonValue* spoof;
  const JsonValue* not_spoof;

  // Of numbers from 0 upwards, both with a value; nullopt otherwise.
  std::optional<double> Sum() const;
  std::optional<double> Spoof() const;
  // Nothing in either class: 0, null, "" or NaN.
  bool IsEmpty() const;
  // Nothing in one class beside a number in the other.
  bool IsHalf() const;
};

struct SeenSeries {
  std::string_view key;
  const JsonValue* json;
  Seconds interval;                 // that was asked for
  bool control = false;             // of the control period, as far as names tell it
  std::vector<SeenBucket> buckets;  // in the order of the answer
  SeenNumbers numbers;

  const JsonValue* timestamps() const { return json->Find("timestamps"); }
  // Those that may be judged: without the last, which may still be filling.
  std::span<const SeenBucket> Complete() const;
};

struct SeenAnswer {
  const AskedRequest* asked;
  JsonDocument document;
  const JsonValue* meta;  // nullptr: none
  std::vector<SeenSeries> series;

  const SeenSeries* Find(std::string_view key) const;
  // The member of `meta`; nullptr when there is none.
  const JsonValue* InMeta(std::string_view member) const;
  // nullopt where it cannot be read.
  std::optional<WallTime> LastUpdated() const;
};

// Those of the answers that have an object `result`, in their order; without those that say that
// they failed and hold nothing.
std::vector<SeenAnswer> SeenIn(const Examination& examination);

// Whether the values seem to be from 0 to 1: the sums are about 1.
bool SeemRatios(std::span<const SeenSeries> series);

// What an answer is made of, without its texts: objects with their keys, arrays with their length
// and first element. Times, decimals and words in capitals are kept.
std::string ShapeOf(const JsonValue& value);

// Without what may name a person or an account: mail addresses, and runs of 32 or more hexadecimal
// digits.
std::string WithoutIdentity(std::string_view text);

}  // namespace radar_spoof
