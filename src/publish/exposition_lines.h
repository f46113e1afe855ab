// The parts that lines of an exposition are made of.
//
// Used by: exposition_text, and backfill, whose samples carry their time. Whatever the strings
// hold, the result is valid UTF-8 (see SerializeFamilies). Thread rule: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include "radar_spoof/publish/exposition_format.h"

namespace radar_spoof {

// The comments before a family's samples.
void AppendHead(const prometheus::MetricFamily& family, ExpositionFormat format, std::string& out);

// `{name="value",...}`, or nothing when there are none. `bound` is the `le` label's value; empty:
// none.
void AppendLabels(const std::vector<prometheus::ClientMetric::Label>& labels,
                  std::string_view bound, std::string& out);

// The shortest text that reads back as the same double.
void AppendNumber(double value, std::string& out);

}  // namespace radar_spoof
