// What the simulator remembers of the API calls it got, for tests and the curious.
//
// Thread rule: not synchronised.
#pragma once

#include <map>

#include "radar_spoof/http/http_server.h"
#include "simulator/credential_check.h"

namespace radar_spoof::simulator {

// Printable ASCII throughout. Of headers only the names are kept, and the User-Agent. Wherever an
// accepted credential stands in anything else, "(credential)" takes its place.
struct LoggedRequest {
  std::string method;
  std::string path;   // percent-encoded again, and so is the query
  std::string query;  // in the order it came
  std::string user_agent;
  std::vector<std::string> header_names;  // lower case, in the order they came
  int status = 0;
};

class RequestLog {
 public:
  explicit RequestLog(const Credentials& never_logged) : never_logged_(never_logged) {}

  void Add(const ServerRequest& request, int status);

  std::uint64_t total() const { return total_; }
  const std::map<int, std::uint64_t>& by_status() const { return by_status_; }
  const LoggedRequest& last() const { return last_; }  // empty strings before the first

 private:
  std::string Redacted(std::string text) const;

  Credentials never_logged_;
  std::uint64_t total_ = 0;
  std::map<int, std::uint64_t> by_status_;
  LoggedRequest last_;
};

}  // namespace radar_spoof::simulator
