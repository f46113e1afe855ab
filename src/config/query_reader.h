// One item of `queries`, read as far as it can be: what is wrong is reported and left out, so that
// the rest is still checked against the other queries.
#pragma once

#include "radar_spoof/config/map_reader.h"
#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/config/yaml_document.h"
#include "radar_spoof/core/types.h"

namespace radar_spoof {

// One dimension of a matrix. "any" is among the values if the file says so.
struct MatrixAxis {
  Dimension dimension;
  std::vector<std::string_view> values;
};

// nullopt: what the file says is wrong.
struct QueryDefaults {
  std::optional<AggInterval> agg_interval = AggInterval::k15m;
  std::optional<DateRange> date_range = DateRange::Parse("1d");
  SpikeAlert alert = {};
};

struct QueryEntry {
  std::string path;  // "queries[2]"
  Place place;
  Place name_place;
  Place window_place;                // of date_range, else agg_interval, else the entry
  std::string_view window_key = {};  // likewise; empty: the entry

  // nullopt: missing or wrong, and reported.
  std::optional<std::string> name;
  std::optional<Filters> filters;
  std::optional<AggInterval> agg_interval;
  std::optional<DateRange> date_range;
  std::optional<Seconds> poll_interval;
  bool control = false;
  SpikeAlert alert = {};

  Place matrix_place;
  std::optional<std::vector<MatrixAxis>> axes;  // in kAllDimensions' order; empty without a matrix

  // How many queries it stands for; 0 when the matrix is wrong.
  std::size_t Combinations() const;
};

std::span<const std::string_view> QueryKeys();

// Of what may stand in the label `query`, in bytes.
inline constexpr std::size_t kLongestQueryName = 128;

// `elsewhere`: keys of other sections, to tell where a misplaced one belongs.
QueryEntry ReadQuery(const YamlNode& node, std::size_t index, const QueryDefaults& defaults,
                     std::span<const KeySet> elsewhere, ProblemList& problems,
                     ProblemList& warnings);

}  // namespace radar_spoof
