#include "radar_spoof/page/query_table.h"

#include <doctest/doctest.h>

#include "support/golden_snapshot.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

std::string BlockText(const QueryTable& table, std::size_t block) {
  std::string text;
  table.AppendBlock(block, ExpositionFormat::kText, text);
  return text;
}

Snapshot Of(std::size_t queries) {
  Snapshot snapshot;
  for (std::size_t i = 0; i < queries; ++i) {
    snapshot.queries.push_back(Good("q" + std::to_string(i), 3min));
  }
  return snapshot;
}

TEST_CASE("A block is told from another by what its text says, and only by that") {
  const Snapshot before = Of(2 * kQueriesPerBlock + 1);
  const QueryTable table(before, kGoldenNow);
  std::vector<Snapshot> others(5, before);
  others[1].queries.back().sample->control = *Ratio::FromPercent(2);  // a family's first series
  others[2].queries[kQueriesPerBlock].polls += 1;
  others[3].queries[0].sample.reset();
  others[4].queries[kQueriesPerBlock - 1].sample->annotations[6] = 1;
  std::size_t different = 0;
  for (const Snapshot& other : others) {
    const QueryTable changed(other, kGoldenNow);
    CHECK(changed.HasQueriesOf(table));
    for (std::size_t block = 0; block < table.blocks(); ++block) {
      const bool same_text = BlockText(table, block) == BlockText(changed, block);
      CHECK(changed.HasBlockOf(table, block) == same_text);
      different += same_text ? 0 : 1;
    }
  }
  // The control's last block, and its first for the head; the polls; all that a sample has (the
  // ratios, its time, lastUpdated); the annotations.
  CHECK(different == 2 + 1 + 4 + 1);
}

TEST_CASE("Other queries, fewer, or in another order, are other queries") {
  const Snapshot before = Of(3);
  const QueryTable table(before, kGoldenNow);
  Snapshot other = before;
  std::swap(other.queries[0], other.queries[1]);
  CHECK_FALSE(QueryTable(other, kGoldenNow).HasQueriesOf(table));
  other = before;
  other.queries.pop_back();
  CHECK_FALSE(QueryTable(other, kGoldenNow).HasQueriesOf(table));
  other = before;
  other.queries[2].query.agg_interval = AggInterval::k1w;
  CHECK_FALSE(QueryTable(other, kGoldenNow).HasQueriesOf(table));
  CHECK(QueryTable(before, kGoldenNow + 1s).HasQueriesOf(table));
}

}  // namespace
}  // namespace radar_spoof
