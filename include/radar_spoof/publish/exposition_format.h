// Publish: the two forms in which /metrics can be written.
//
// Used by: exposition and query_table, which write them; content_negotiation, which chooses one.
#pragma once

namespace radar_spoof {

enum class ExpositionFormat {
  kText,         // Prometheus text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0.0
};

}  // namespace radar_spoof
