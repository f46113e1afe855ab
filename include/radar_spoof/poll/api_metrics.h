// What /metrics says of the API and of the exporter itself, as instruments of a prometheus-cpp
// registry: the poll loop counts, a page collects.
//
// Names, labels and help texts are metric_catalog.h's. Of a status the series exists once it was
// seen; all others, those of 0 and 200 included, exist from the start.
// Thread rule: any thread. What is collected is one moment: each call has counted whole or not yet.
#pragma once

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/poll/snapshot.h"

namespace prometheus {
struct MetricFamily;
}

namespace radar_spoof {

// Upper bounds of cloudflare_radar_api_request_duration_seconds, in seconds; +Inf is implied.
inline constexpr std::array kDurationBuckets = {0.025, 0.05, 0.1, 0.25, 0.5,
                                                1.0,   2.5,  5.0, 10.0, 20.0};

class ApiMetrics {
 public:
  ApiMetrics();
  ~ApiMetrics();
  ApiMetrics(const ApiMetrics&) = delete;
  ApiMetrics& operator=(const ApiMetrics&) = delete;

  // A request ended. `status`: HTTP's, or 0 when there was no answer. `duration`: nullopt when the
  // request was dropped. Only a status that was never seen needs memory; without it,
  // std::bad_alloc is thrown and nothing was counted.
  void CountRequest(int status, std::optional<Milliseconds> duration);
  // It had no usable answer.
  void CountFailure(FailureReason reason);

  // Families that have series, in the catalog's order, as are their labels; series by status, by
  // reason in the order of the enum, and by name of the policy. Counters and the histogram are as
  // they are now; gauges say what `snapshot` says at `now`, so that they are of one moment with
  // its queries, and that a hold is over when it is. Throws std::bad_alloc.
  using Families = std::shared_ptr<const std::vector<prometheus::MetricFamily>>;
  Families Collect(const Snapshot& snapshot, Instant now) const;

 private:
  struct Instruments;
  const std::unique_ptr<Instruments> instruments_;
};

}  // namespace radar_spoof
