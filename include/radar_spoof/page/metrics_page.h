// The body of /metrics, rendered and compressed once for every change and served many times.
//
// A scrape costs a copy to the socket, and at most every kProcessMetricsAge the part that differs
// from scrape to scrape (process metrics); what a poll, a reload or the time changes is made anew
// by the first scrape that finds it changed, and of a compressed page only the blocks in which a
// number changed. What is out of date is not kept for those who may never ask for it again, and a
// page that is not compressed, which is large, only in the format that was asked for last. Thread
// rule: any thread, several at once; the first after a change makes the others wait.
#pragma once

#include <functional>
#include <mutex>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/gzip.h"
#include "radar_spoof/page/exposition.h"
#include "radar_spoof/page/process_metrics.h"
#include "radar_spoof/page/query_table.h"
#include "radar_spoof/poll/api_metrics.h"
#include "radar_spoof/poll/snapshot.h"

namespace radar_spoof {

class MetricsPage {
 public:
  // What the process says of itself is read anew when it is older than this: at every scrape but
  // those of a crowd, for which reading it would cost as much as the page.
  static constexpr Milliseconds kProcessMetricsAge{100};

  // REQUIRES: `store`, `metrics` and `clock` outlive this; what is counted on `metrics` is followed
  // by a new snapshot.
  MetricsPage(const SnapshotStore& store, const ApiMetrics& metrics, const Clock& clock,
              std::function<ProcessMetrics()> process);

  // The body is `shared`, then `tail`.
  struct Body {
    std::shared_ptr<const std::string> shared;
    std::string tail;
  };
  Body Render(ExpositionFormat format, bool gzip) const;

 private:
  // What every format and coding is made from, until something in it may have become another.
  struct PageInputs {
    std::weak_ptr<const Snapshot> snapshot;
    Instant made;
    Instant until;
    QueryTable table;
    ApiMetrics::Families api_metrics;

    bool Holds(const std::shared_ptr<const Snapshot>& current, Instant now) const;
  };
  // The page in one format and coding; everything is guarded by `mutex`.
  struct Variant {
    std::mutex mutex;
    std::shared_ptr<const PageInputs> inputs;  // what `text` shows; null when there is none
    std::shared_ptr<const std::string> text;
    std::shared_ptr<const GzipPrefix> prefix;  // `text` if compressed: the table's blocks, the rest
    std::string tail;
    SteadyTime tail_until = SteadyTime::min();
  };

  std::shared_ptr<const PageInputs> CurrentInputs() const;
  static void Write(Variant& variant, const std::shared_ptr<const PageInputs>& inputs,
                    ExpositionFormat format);
  static void Compress(Variant& variant, const std::shared_ptr<const PageInputs>& inputs,
                       ExpositionFormat format);
  // Drops the texts that are not compressed, but for `keep` and those made from `keep_inputs`.
  void DropOtherTexts(const std::shared_ptr<const PageInputs>& keep_inputs,
                      const Variant& keep) const;

  const SnapshotStore& store_;
  const ApiMetrics& metrics_;
  const Clock& clock_;
  const std::function<ProcessMetrics()> process_;
  mutable std::array<Variant, 4> variants_;  // by format and coding
  mutable std::mutex inputs_mutex_;          // taken last
  mutable std::shared_ptr<const PageInputs> inputs_;
};

}  // namespace radar_spoof
