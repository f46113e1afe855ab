// Families in prometheus-cpp's model, and their text: what is not about one query.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <vector>

#include "radar_spoof/page/exposition_format.h"

namespace prometheus {
struct MetricFamily;
}

namespace radar_spoof {

enum class PagePart { kFirst, kLast };  // OpenMetrics' "# EOF" ends the last

// One sample a line, made of exposition_lines.h's pieces. `le` is spelled alike in both formats, so
// that a series is the same whichever was negotiated. Label values and help texts are as given, not
// yet escaped.
// REQUIRES: counters (named *_total), gauges and histograms whose last bucket is +Inf.
std::string SerializeFamilies(const std::vector<prometheus::MetricFamily>& families,
                              ExpositionFormat format, PagePart part = PagePart::kLast);

}  // namespace radar_spoof
