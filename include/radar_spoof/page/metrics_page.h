// Serve: the body of /metrics, rendered and compressed once for every change and served many times.
//
// A scrape costs a copy to the socket, and at most every kProcessMetricsAge the part that differs
// from scrape to scrape (process metrics); what a poll, a reload or the time changes is made anew
// by the first scrape that finds it changed, and of a compressed page only the blocks in which a
// number changed. What is out of date is not kept for those who may never ask for it again, and a
// page that is not compressed, which is large, only in the format that was asked for last. Thread
// rule: any thread, several at once; the first after a change makes the others wait.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/gzip.h"
#include "radar_spoof/page/exposition_format.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/page/query_table.h"
#include "radar_spoof/poll/snapshot.h"

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
  // What every format and coding is made from, until something in it may have become another.
  struct Moment {
    std::weak_ptr<const Snapshot> snapshot;
    Instant made;
    Instant until;
    QueryTable table;

    bool Holds(const std::shared_ptr<const Snapshot>& current, Instant now) const;
  };
  // The page in one format and coding; everything is guarded by `mutex`.
  struct Variant {
    std::mutex mutex;
    std::shared_ptr<const Moment> moment;  // what `text` shows; null when there is none
    std::shared_ptr<const std::string> text;
    std::shared_ptr<const GzipBegun> begun;  // `text` if compressed: the table's blocks, the rest
    std::string own;
    SteadyTime own_until = SteadyTime::min();
  };

  std::shared_ptr<const Moment> CurrentMoment(
      const std::shared_ptr<const Snapshot>& snapshot) const;
  static void Write(Variant& variant, const Snapshot& snapshot,
                    const std::shared_ptr<const Moment>& moment, ExpositionFormat format);
  static void Compress(Variant& variant, const Snapshot& snapshot,
                       const std::shared_ptr<const Moment>& moment, ExpositionFormat format);
  // Of the pages that are not compressed: those that show something else than `but_of`.
  void DropText(const std::shared_ptr<const Moment>& but_of, const Variant& but) const;

  const SnapshotStore& store_;
  const Clock& clock_;
  const std::function<ProcessMetrics()> process_;
  mutable std::array<Variant, 4> variants_;  // by format and coding
  mutable std::mutex moment_mutex_;          // taken last
  mutable std::shared_ptr<const Moment> moment_;
};

}  // namespace radar_spoof
