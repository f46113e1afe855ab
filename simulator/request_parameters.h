// The query string of a spoof request, checked whole.
//
// Positions make series: element i of each repeated parameter belongs to series i, and an empty or
// missing element means "not given here". A comma inside one filter element means several accepted
// values. Chosen where the reference is silent: parameters it does not list, `limitPerGroup` among
// them, are refused; scalars may not be repeated; names must differ, may not be `meta`, and are at
// most 128 bytes of UTF-8; at most `max_series` series (422 with code 2002 beyond).
// Thread rule: pure functions and plain values.
#pragma once

#include "radar_spoof/core/error.h"
#include "simulator/api_error.h"
#include "simulator/date_window.h"
#include "simulator/synthetic_mail.h"

namespace radar_spoof::simulator {

// Whether series go by the names they are given; a name is refused as an unknown parameter; or it
// is passed over, and the series are "serie_0", "serie_1", ... all the same.
enum class SeriesNames { kHonoured, kRefused, kIgnored };

enum class AnswerFormat { kJson, kCsv };

struct SeriesRequest {
  std::string key;  // its name, else "serie_N"
  MailSelection selection = {};
  DateWindow window;
};

// At least one series; all windows are of one length; keys differ.
struct RadarRequest {
  AnswerFormat format = AnswerFormat::kJson;
  AggInterval interval = AggInterval::k1h;
  std::vector<SeriesRequest> series;
};

inline constexpr int kUsualMaxSeries = 50;

using QueryString = std::vector<std::pair<std::string, std::string>>;  // decoded, in order

// Relative windows end at `last_updated`.
Result<RadarRequest, ApiError> ParseRadarRequest(const QueryString& query, WallTime last_updated,
                                                 WallTime now,
                                                 SeriesNames names = SeriesNames::kHonoured,
                                                 int max_series = kUsualMaxSeries);

}  // namespace radar_spoof::simulator
