// A query, or several that share one (config/request_plan.h), becomes the request for it, in the
// form that the API was found to understand.
//
// Every series is asked for under a name that no other request has, and is read only under it: an
// answer says nowhere which filters it is about, so the name is all that binds it to its request.
//
// Source: Cloudflare API reference, GET /radar/email/security/timeseries_groups/spoof:
// `aggInterval` and `format` are scalars; all filters, `dateRange` and `name` are arrays whose i-th
// element belongs to the i-th series; `dateStart` and `dateEnd` stand together in place of
// `dateRange`, and the end is inclusive. A series without a name comes back as `serie_0`,
// `serie_1`, ... by its place; a mock made from the reference answers so whatever name it is asked
// for.
// Thread rule: one thread.
#pragma once

#include <set>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof {

// Where the endpoint is. The reference deprecates its path in favour of one that differs in the
// case of the last segment, so there are two candidates, of which one is in use.
class RadarEndpoint {
 public:
  // As configured. A path that ends in /spoof has /SPOOF as its alternative, and the other way.
  RadarEndpoint(std::string base_url, std::string path)
      : base_url_(std::move(base_url)), path_(std::move(path)) {}

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

struct RequestForm {
  RadarEndpoint endpoint;
  bool named = true;            // every series is asked for under a name
  bool own_connection = false;  // what else binds an answer to its request

  friend bool operator==(const RequestForm&, const RequestForm&) = default;
};

// What an answer has against the form of its request.
enum class FormProblem {
  kNone,          // nothing: another form would be answered alike
  kPathNotFound,  // there is no such path
  kMayBeNames,    // HTTP 400: it may refuse the names
  kNamesIgnored,  // the series came back by their places, not under their names
  kForeign,       // it is the answer to another request
};

// How the API wants to be asked, learnt from its answers: under which spelling of its path, and
// whether it labels series with the names they are asked for under.
class EndpointInUse {
 public:
  // For the log, when a Change tells of it.
  static constexpr std::string_view kPathNotUsed =
      "the API does not have the configured path any more; using the other one";
  static constexpr std::string_view kNamesNotUsed =
      "the API does not label series by name; each request has a connection of its own";

  explicit EndpointInUse(RadarEndpoint configured) : form_{std::move(configured)} {}

  // In which the next request is put.
  const RequestForm& form() const { return form_; }

  // In which form to ask the same again at once, after the last of `tried` met `problem`; nullopt
  // when there is none that was not tried. `query`: the first that is asked for. Of queries that
  // may be refused for their names one at a time is asked without; one that is refused either way
  // is not again until it was answered well, or ForgetRefused(). REQUIRES: `tried` is not empty.
  std::optional<RequestForm> Other(std::span<const RequestForm> tried, FormProblem problem,
                                   const std::string& query);

  // A request of that form was answered well: it is the one in use now, but for a path that was
  // given up and is answered late. What of it is new?
  struct Change {
    bool path = false;
    bool names = false;  // they are not used any more
  };
  Change NoteGood(const RequestForm& form, const std::string& query);
  // Whether some query is asked without names just now, to find out whether they are refused.
  bool IsFindingOut() const { return without_names_.has_value(); }
  // It is not asked after all, or what is in flight will not be answered.
  void StopFindingOut() { without_names_.reset(); }
  // Queries that were refused either way may ask for something else now.
  void ForgetRefused() { refused_either_way_.clear(); }

 private:
  RequestForm form_;
  std::optional<RadarEndpoint> given_up_;     // for form_'s, which was always found since
  std::optional<std::string> without_names_;  // the query that is asked so to find out
  std::set<std::string> refused_either_way_;  // names of queries
};

HttpClientOptions ClientOptions(const ApiConfig& api);

// The keys of a query's series in an answer.
struct SeriesNames {
  std::string own;
  std::string control;  // only with `query.control`
};

struct RadarRequest {
  HttpRequest http;
  std::vector<SeriesNames> names;  // of each query, in their order
};

// The series of each query in turn: that of its range and, with `control`, that of the control
// period. `number` tells this request from others; names are made from it, such as `s0_k9f2a1` and
// `c0_k9f2a1`: never `meta`, which is a sibling of the series in the answer.
// REQUIRES: at least one query; all of one group of GroupQueries().
RadarRequest BuildRequest(const RequestForm& form, std::span<const Query* const> queries,
                          std::uint32_t number, const Credentials& credentials);

// One series, of the buckets in `window` instead of those of the query's range, and without its
// control. The bucket that begins at `window.to` is asked for too and may come back partial: so the
// last that is wanted is whole, whether the API's end cuts a bucket or not.
// REQUIRES: both ends are whole intervals.
RadarRequest BuildRequest(const RequestForm& form, const Query& query, const TimeRange& window,
                          std::uint32_t number, const Credentials& credentials);

}  // namespace radar_spoof
