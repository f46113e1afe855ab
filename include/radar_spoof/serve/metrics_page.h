// Serve: the body of /metrics, rendered and compressed once for every change and served many times.
//
// Used by: pages. A scrape costs a copy to the socket, and at most every kProcessMetricsAge the
// part that differs from scrape to scrape (process metrics); what a poll, a reload or the time
// changes is made anew by the first scrape that finds it changed, and of a compressed page only the
// blocks in which a number changed. What is out of date is not kept for those who may never ask for
// it again. Thread rule: any thread, several at once; the first after a change makes the others
// wait.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "radar_spoof/publish/exposition_format.h"
#include "radar_spoof/publish/process_metrics.h"
#include "radar_spoof/publish/query_table.h"
#include "radar_spoof/publish/snapshot.h"
#include "radar_spoof/serve/gzip.h"
#include "radar_spoof/words/clock.h"

namespace radar_spoof {

class MetricsPage {
 public:
  // What the process says of itself is read anew when it is older than this: at every scrape but
  // those of a crowd, for which reading it would cost as much as the page.
  static constexpr Milliseconds kProcessMetricsAge{100};

  // REQUIRES: `store` and `clock` outlive this.
  MetricsPage(const SnapshotStore& store, const Clock& clock,
              std::function<ProcessMetrics()> process);

  // The body is `shared`, then `own`.
  struct Body {
    std::shared_ptr<const std::string> shared;
    std::string own;
  };
  Body Render(ExpositionFormat format, bool gzip) const;

 private:
  // The shared part in one format and coding, and for how long it may be served.
  struct Part {
    std::weak_ptr<const Snapshot> snapshot;
    Instant made;
    Instant until;
    std::shared_ptr<const std::string> text;
    GzipPiece begun;  // without its bytes, which are `text`; empty when not compressed

    bool Holds(const std::shared_ptr<const Snapshot>& current, Instant now) const;
  };
  // What a compressed page was made of: a piece for each of the table's blocks.
  struct Blocks {
    QueryTable table;
    std::vector<GzipPiece> pieces;
  };
  struct Variant {
    std::mutex mutex;
    Part part;        // guarded by mutex
    Blocks blocks;    // likewise; empty when not compressed
    std::string own;  // likewise, for `part`
    SteadyTime own_until = SteadyTime::min();
  };
  void MakePart(Variant& variant, const std::shared_ptr<const Snapshot>& snapshot, Instant now,
                ExpositionFormat format, bool gzip) const;
  static Blocks Compressed(const Snapshot& snapshot, Instant now, ExpositionFormat format,
                           Blocks before);
  void DropOutdated(const std::shared_ptr<const Snapshot>& current, const Variant& but) const;

  const SnapshotStore& store_;
  const Clock& clock_;
  const std::function<ProcessMetrics()> process_;
  mutable std::array<Variant, 4> variants_;  // by format and coding
};

}  // namespace radar_spoof
