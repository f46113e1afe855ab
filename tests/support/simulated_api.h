// A poller against the simulated API in the test's own process, both on one fake clock.
#pragma once

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <utility>

#include "simulator/simulator.h"
#include "support/poller_fixture.h"

namespace radar_spoof::test {

// Hands each request to the simulator, in whose world every combination of filters has mail.
struct SimulatedApi {
  SimulatedApi(const Clock& clock, int rate_limit)
      : SimulatedApi(clock, {.data = {.volume = 1e12},
                             .rate_limit = rate_limit,
                             .credentials = {.token = std::string(kToken)}}) {}
  SimulatedApi(const Clock& clock, const simulator::SimulatorOptions& options)
      : simulator(options, clock) {}

  ScriptedHttpClient::Answer operator()(const ScriptedHttpClient::Request& request) {
    ServerRequest call{"GET", "", {}, {{"authorization", request.authorization}}};
    const std::size_t path = request.url.find("/client/");
    const std::size_t question = request.url.find('?');
    call.path = request.url.substr(path, question - path);
    for (std::size_t begin = question + 1; begin < request.url.size();) {
      const std::size_t end = std::min(request.url.find('&', begin), request.url.size());
      const std::string pair = request.url.substr(begin, end - begin);
      const std::size_t equals = pair.find('=');
      call.query.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
      begin = end + 1;
    }
    const ServerResponse answer = simulator.Handle(call);
    HttpResponse response{answer.status, {}, answer.body};
    for (const auto& [name, value] : answer.headers) {
      std::string lower = name;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      response.headers.emplace_back(lower, value);
    }
    return {std::move(response), 100ms + answer.delay};
  }

  simulator::Simulator simulator;
};

struct SimulatedFixture : PollerFixture {
  // `more`: lines of the configuration's `api`; `rate_limit`: of the simulated one.
  explicit SimulatedFixture(const std::string& queries, const std::string& more = "",
                            int rate_limit = 1200)
      : PollerFixture([this](const Request& request) { return (*api)(request); }, queries, more),
        api(std::make_unique<SimulatedApi>(clock, rate_limit)) {}
  std::unique_ptr<SimulatedApi> api;
};

inline bool AllSucceed(const Snapshot& snapshot) {
  return std::all_of(snapshot.queries.begin(), snapshot.queries.end(),
                     [](const QueryState& state) { return state.success(); });
}

// One query for each of the 1,280 combinations there are; `more`: other keys of theirs.
inline std::string EveryCombination(const std::string& more = "agg_interval: 1d, date_range: 28d") {
  return "queries:\n  - { name: m, " + more +
         ", matrix: { arc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL], "
         "dmarc: [any, PASS, NONE, FAIL], spf: [any, PASS, NONE, FAIL], "
         "tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3] } }\n";
}

}  // namespace radar_spoof::test
