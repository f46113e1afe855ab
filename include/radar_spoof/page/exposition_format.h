// The two forms in which /metrics can be written, and which of them a client wants.
//
// Outside facts are from RFC 9110, 12.5.1, and the OpenMetrics 1.0 specification.
// Thread rule: pure.
#pragma once

#include <string_view>

namespace radar_spoof {

enum class ExpositionFormat {
  kText,         // Prometheus text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0.0
};

// The exact Content-Type of that format.
std::string_view ContentType(ExpositionFormat format);

// kOpenMetrics only when `accept` names application/openmetrics-text, as version 1.0.0 or without a
// version, and rates it no lower than the text format; a wildcard never chooses it. `accept` is the
// header's value, "" when it is absent.
ExpositionFormat ChooseExpositionFormat(std::string_view accept);

}  // namespace radar_spoof
