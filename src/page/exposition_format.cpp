#include "radar_spoof/page/exposition_format.h"

#include "radar_spoof/http/content_negotiation.h"

namespace radar_spoof {

std::string_view ContentType(ExpositionFormat format) {
  switch (format) {
    case ExpositionFormat::kText: return "text/plain; version=0.0.4; charset=utf-8";
    case ExpositionFormat::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

ExpositionFormat ChooseExpositionFormat(std::string_view accept) {
  const int open_metrics = QualityOf("application/openmetrics-text", accept, "1.0.0").value_or(0);
  // The most specific range that covers the text format speaks for it.
  auto text = QualityOf("text/plain", accept, "0.0.4");
  if (!text) text = QualityOf("text/*", accept);
  if (!text) text = QualityOf("*/*", accept);
  return open_metrics > 0 && open_metrics >= text.value_or(0) ? ExpositionFormat::kOpenMetrics
                                                              : ExpositionFormat::kText;
}

}  // namespace radar_spoof
