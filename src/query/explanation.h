// Which field of the answer is behind each series that the exporter makes of a query, so
// that a number can be checked by hand.
//
// Series and values are exposition's, sources metric_catalog's; what is added here is the place in
// the answer's arrays.
// Thread rule: pure.
#pragma once

#include "ask.h"

namespace radar_spoof {

struct ExplainedSeries {
  std::string series;  // `name{label="value",...}`, as on /metrics; only the name when absent
  std::string value;   // as on /metrics; empty: the exporter would not show this series
  std::string source;  // "result.serie_0.SPOOF[95] / 100"
};

// Every metric with the label `query`, in the catalog's order.
std::vector<ExplainedSeries> Explain(const AnsweredQuery& answer);

}  // namespace radar_spoof
