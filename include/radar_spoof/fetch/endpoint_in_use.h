// How the API wants to be asked, learnt from its answers: under which spelling of its path,
// and whether it labels series with the names they are asked for under.
//
// Sources: Cloudflare's API reference deprecates the path `.../spoof` in favour of `.../SPOOF`; a
// mock made from the reference answers `serie_0` whatever name it is asked for. Thread rule: one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "radar_spoof/fetch/radar_request.h"

namespace radar_spoof {

// What an answer has against the form of its request.
enum class FormProblem {
  kNone,          // nothing: another form would be answered alike
  kPathNotFound,  // there is no such path
  kMayBeNames,    // HTTP 400: it may refuse the names
  kNamesIgnored,  // the series came back by their places, not under their names
  kForeign,       // it is the answer to another request
};

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
  // is not again until it was answered well. REQUIRES: `tried` is not empty.
  std::optional<RequestForm> Other(std::span<const RequestForm> tried, FormProblem problem,
                                   const std::string& query);

  // A request of that form was answered well: it is the one in use now. What of it is new?
  struct Change {
    bool path = false;
    bool names = false;  // they are not used any more
  };
  Change NoteGood(const RequestForm& form, const std::string& query);
  // Whether some query is asked without names just now, to find out whether they are refused.
  bool IsFindingOut() const { return without_names_.has_value(); }
  // It is not asked after all, or what is in flight will not be answered.
  void StopFindingOut() { without_names_.reset(); }

 private:
  RequestForm form_;
  std::optional<std::string> without_names_;  // the query that is asked so to find out
  std::set<std::string> refused_either_way_;  // names of queries
};

}  // namespace radar_spoof
