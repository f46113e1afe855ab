// What /metrics says of each query, as a table of numbers that becomes text block by
// block, so that only those blocks are written and compressed anew in which a number changed.
//
// Families and their order are metric_catalog.h's, the first kQueryFamilies of them; which values
// may still be shown is snapshot.h's. Thread rule: plain values.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/metric_catalog.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

// A block is one family's series of so many queries: enough for its compression not to suffer from
// beginning anew, few enough for one poll to change little.
inline constexpr std::size_t kQueriesPerBlock = 256;

class QueryTable {
 public:
  QueryTable() = default;
  QueryTable(const Snapshot& snapshot, Instant now);

  // Blocks one after the other are the text of all families.
  std::size_t blocks() const { return kQueryFamilies * blocks_per_family_; }
  // REQUIRES: block < blocks().
  void AppendBlock(std::size_t block, ExpositionFormat format, std::string& out) const;
  // All of them.
  std::string Text(ExpositionFormat format) const;

  // Whether both are about the same queries, in the same order.
  bool SameQueriesAs(const QueryTable& other) const;
  // Whether the block's text is the same in both. REQUIRES: SameQueriesAs(other).
  bool SameBlockAs(const QueryTable& other, std::size_t block) const;

 private:
  // Ends in `labels_`. The labels a family has are the beginning of those that info has; those of
  // the alert begin with the query's name and go on where info's end.
  struct LabelEnds {
    std::size_t name;
    std::size_t identity;
    std::size_t info;
    std::size_t alert;
    bool operator==(const LabelEnds&) const = default;
  };
  struct Rows {
    std::size_t begin;
    std::size_t end;
  };

  void AddLabels(const Query& query);
  void SetNumbers(const QueryState& state, const PollingConfig& polling, Instant now,
                  std::size_t query);
  void SetSample(const SpoofSample& sample, std::size_t query);
  void Set(Metric metric, std::size_t query, double value);
  bool HasHead(std::size_t block) const;
  Rows RowsOf(std::size_t block) const;
  void AppendLabels(const MetricDescription& description, std::size_t query,
                    std::string& out) const;

  std::size_t queries_ = 0;
  std::size_t blocks_per_family_ = 0;
  std::string labels_;
  std::vector<LabelEnds> label_ends_;  // one a query
  // By family, a row for each query, or for each query and event type; NaN: no series.
  std::array<std::vector<double>, kQueryFamilies> numbers_;
  std::array<bool, kQueryFamilies> has_series_{};
};

}  // namespace radar_spoof
