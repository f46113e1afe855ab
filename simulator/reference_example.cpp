#include "simulator/reference_example.h"

#include <fmt/format.h>

namespace radar_spoof::simulator {
namespace {

constexpr const char* kExample = R"({{
  "result": {{
    "meta": {{
      "aggInterval": "FIFTEEN_MINUTES",
      "confidenceInfo": {{
        "annotations": [
          {{
            "dataSource": "ALL",
            "description": "Cable cut in Tonga",
            "endDate": "{last_updated}",
            "eventType": "EVENT",
            "isInstantaneous": true,
            "linkedUrl": "https://example.com",
            "startDate": "{last_updated}"
          }}
        ],
        "level": 0
      }},
      "dateRange": [
        {{
          "endTime": "{last_updated}",
          "startTime": "{day_before}"
        }}
      ],
      "lastUpdated": "{last_updated}",
      "normalization": "PERCENTAGE",
      "units": [
        {{
          "name": "*",
          "value": "requests"
        }}
      ]
    }},
    "serie_0": {{
      "NOT_SPOOF": [
        "10"
      ],
      "SPOOF": [
        "10"
      ]
    }}
  }},
  "success": true
}}
)";

std::string WithFraction(WallTime time) {
  std::string text = FormatRfc3339(time);
  return text.replace(text.size() - 1, 1, ".117Z");
}

}  // namespace

std::string ReferenceExample(WallTime last_updated) {
  return fmt::format(kExample, fmt::arg("last_updated", WithFraction(last_updated)),
                     fmt::arg("day_before", WithFraction(last_updated - std::chrono::days(1))));
}

}  // namespace radar_spoof::simulator
