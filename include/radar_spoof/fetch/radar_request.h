// Fetch: a query, or several that share one (request_groups.h), becomes the request for it.
//
// Used by: the poller, backfill. Source: Cloudflare API reference, GET
// /radar/email/security/timeseries_groups/spoof: `aggInterval` and `format` are scalars; all
// filters, `dateRange` and `name` are arrays whose i-th element belongs to the i-th series;
// `dateStart` and `dateEnd` stand together in place of `dateRange`, and the end is inclusive.
// Thread rule: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/words/types.h"

namespace radar_spoof {

// Where the endpoint is. Its path is deprecated in favour of one that differs in the case of the
// last segment, so there are two candidates, of which one is in use.
class RadarEndpoint {
 public:
  // As configured. A path that ends in /spoof has /SPOOF as its alternative, and the other way.
  RadarEndpoint(std::string base_url, std::string path);

  const std::string& path() const { return path_; }
  std::string Url() const { return base_url_ + path_; }
  // nullopt for a path of another form: there is nothing to fall back to.
  std::optional<RadarEndpoint> Alternative() const;
  // Both spellings are of one API: the same numbers under the same limits.
  bool IsSameApi(const RadarEndpoint& other) const {
    return *this == other || Alternative() == other;
  }

  friend bool operator==(const RadarEndpoint&, const RadarEndpoint&) = default;

 private:
  std::string base_url_;
  std::string path_;
};

// The client that such requests are sent with.
HttpClientOptions ClientOptions(const ApiConfig& api);

// One series, or two with `query.control`: `serie_0` is the query's range, `serie_1` the control's.
HttpRequest BuildRequest(const RadarEndpoint& endpoint, const Query& query,
                         const Credentials& credentials);

// One series, of the buckets in `window` instead of those of the query's range, and without its
// control. The bucket that begins at `window.to` is asked for too and may come back partial: so the
// last that is wanted is whole, whether the API's end cuts a bucket or not.
// REQUIRES: both ends are whole intervals.
HttpRequest BuildRequest(const RadarEndpoint& endpoint, const Query& query, const TimeRange& window,
                         const Credentials& credentials);

// For several queries: the series of each in turn, named as SharedSeriesNames() says; for one the
// same as above. REQUIRES: at least one; all of one group of GroupQueries().
HttpRequest BuildRequest(const RadarEndpoint& endpoint, std::span<const Query* const> queries,
                         const Credentials& credentials);

// The keys of a query's series in an answer.
struct SeriesNames {
  std::string own;
  std::string control;  // only with `query.control`
};

// Of the query in that place of a request for several: `s0` and `c0`, `s1` and `c1`, ... Ours, so
// that none can be `meta`, which is a sibling of the series in the answer.
SeriesNames SharedSeriesNames(std::size_t place);

}  // namespace radar_spoof
