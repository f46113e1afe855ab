// The simulated API in the test's own process: a clock the test turns, and requests by URL.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/http/http_server.h"
#include "simulator/simulator.h"

namespace radar_spoof::simulator::test {

inline constexpr std::string_view kSpoof =
    "/client/v4/radar/email/security/timeseries_groups/spoof";

class TurnedClock final : public Clock {
 public:
  explicit TurnedClock(std::string_view wall) : now_{*ParseRfc3339(wall), SteadyTime(Seconds(1))} {}

  Instant Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void Advance(Milliseconds step) {
    const std::lock_guard lock(mutex_);
    now_ = now_ + step;
  }

 private:
  mutable std::mutex mutex_;
  Instant now_;
};

// "/path?a=1&a=2" as the server would hand it over; nothing in it is percent-decoded.
inline ServerRequest Request(std::string_view target, std::string method = "GET") {
  ServerRequest request{std::move(method), {}, {}, {}};
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  for (std::size_t begin = question + 1; begin < target.size();) {
    const std::size_t end = std::min(target.find('&', begin), target.size());
    const std::string_view pair = target.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    request.query.emplace_back(pair.substr(0, equals),
                               equals < pair.size() ? pair.substr(equals + 1) : "");
    begin = end + 1;
  }
  return request;
}

// A spoof request with that query string and the default token.
inline ServerRequest SpoofRequest(std::string_view query) {
  ServerRequest request = Request(std::string(kSpoof) + "?" + std::string(query));
  request.headers = {{"host", "127.0.0.1"}, {"authorization", "Bearer simulator-token"}};
  return request;
}

inline std::string HeaderOf(const ServerResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

// A simulator, and the Tuesday morning it lives in.
struct Rig {
  explicit Rig(const SimulatorOptions& options = {})
      : clock("2026-06-09T08:06:40Z"), simulator(options, clock) {}

  ServerResponse Get(std::string_view query) { return simulator.Handle(SpoofRequest(query)); }

  TurnedClock clock;
  Simulator simulator;
};

inline rapidjson::Document Json(const ServerResponse& response) {
  rapidjson::Document document;
  document.Parse(response.body.data(), response.body.size());
  if (document.HasParseError()) FAIL("not JSON: " << response.body);
  return document;
}

}  // namespace radar_spoof::simulator::test
