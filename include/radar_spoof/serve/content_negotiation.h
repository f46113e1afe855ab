// What a client is willing to be sent: pure readings of Accept and Accept-Encoding.
//
// Used by: pages, the simulator. Outside facts are from RFC 9110, 12.4.2 (q-values), 12.5.1 and
// 12.5.3, and the OpenMetrics 1.0 specification. What cannot be parsed is as if it were not there.
// Thread rule: pure.
#pragma once

#include <string_view>

#include "radar_spoof/publish/exposition_format.h"

namespace radar_spoof {

// The exact Content-Type of that format.
std::string_view ContentType(ExpositionFormat format);

// kOpenMetrics only when `accept` names application/openmetrics-text, as version 1.0.0 or without a
// version, and rates it no lower than the text format; a wildcard never chooses it. `accept` is the
// header's value, "" when it is absent.
ExpositionFormat ChooseExpositionFormat(std::string_view accept);

// Whether gzip may be sent. `accept_encoding` is the header's value, "" when it is absent: then
// only the identity is sure to be understood.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace radar_spoof
