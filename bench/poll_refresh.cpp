// How long one pass over many queries takes, and what it costs the poller's thread: the exporter's
// own poller and libcurl, against the simulated API on loopback with a given latency.
//
//   poll_refresh [MATRICES] [LATENCY_MS] [SERIES_PER_REQUEST] [PASSES]
//
// MATRICES: of 1,280 combinations each, 1 to 8. The budget is off. A pass begins when the one
// before it has ended, on the same connections. Prints, for each pass, the time against the floor
// of ceil(requests / concurrency) x latency, and user and system time of the poller's thread alone.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>

#include "radar_spoof/publish/poller.h"
#include "radar_spoof/serve/http_server.h"
#include "simulator/simulator.h"

namespace {

using namespace radar_spoof;
using namespace std::chrono_literals;

constexpr int kMaxMatrices = 8;

std::string ConfigText(int port, int matrices, int series) {
  std::string text = fmt::format(
      "api: {{ base_url: 'http://127.0.0.1:{}/client/v4', rate_limit: 1000000000, "
      "max_series_per_request: {} }}\nqueries:\n",
      port, series);
  for (int matrix = 0; matrix < matrices; ++matrix) {
    text += fmt::format(
        "  - {{ name: m{}, agg_interval: 1d, date_range: {}d, matrix: {{ "
        "arc: [any, PASS, NONE, FAIL], dkim: [any, PASS, NONE, FAIL], "
        "dmarc: [any, PASS, NONE, FAIL], spf: [any, PASS, NONE, FAIL], "
        "tls_version: [any, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3] }} }}\n",
        matrix, 28 + matrix);
  }
  return text;
}

Settings SettingsOf(const std::string& yaml) {
  auto config = ParseConfig(yaml, "bench");
  if (!config) throw std::runtime_error(config.error().front().Text());
  CredentialReader reader(config.value().api().credentials,
                          [](const std::string&) { return std::optional<std::string>("bench"); });
  auto reading = reader.Read();
  if (!reading) throw std::runtime_error(reading.error());
  return {std::move(config).value(), std::move(reader), reading.value().credentials};
}

struct Cpu {
  double user;    // microseconds
  double system;  // likewise
};

Cpu ThreadCpu() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return {us(usage.ru_utime), us(usage.ru_stime)};
}

void RunPass(const std::string& yaml, const Clock& clock, HttpClient& http, Milliseconds latency) {
  Log log(LogLevel::kWarn, LogFormat::kLogfmt,
          [](std::string_view line) { fmt::print(stderr, "{}\n", line); });
  Settings settings = SettingsOf(yaml);
  const Config config = settings.config;
  SnapshotStore store(FirstSnapshot(config, clock.Now().wall));
  Poller poller(std::move(settings), clock, http, store, log, 1);
  const SteadyTime began = clock.Now().steady;
  const Cpu before = ThreadCpu();
  const bool good = poller.RunOnce();
  const Cpu after = ThreadCpu();
  const auto took = static_cast<double>((clock.Now().steady - began).count());

  std::uint64_t requests = 0;
  for (const auto& [status, count] : store.Load()->api.requests) requests += count;
  const auto concurrency = static_cast<double>(config.api().max_concurrency);
  const double turns = std::ceil(static_cast<double>(requests) / concurrency);
  const double floor = turns * static_cast<double>(latency.count());
  const auto queries = static_cast<double>(config.queries().size());
  fmt::print(
      "{}: {} combinations in {} requests: {:.0f} ms, {:.3f} of the floor; per combination "
      "{:.1f} us user, {:.1f} us system\n",
      good ? "good" : "BAD", config.queries().size(), requests, took, took / floor,
      (after.user - before.user) / queries, (after.system - before.system) / queries);
}

}  // namespace

int main(int count, char** arguments) {
  const auto argument = [&](int place, int otherwise) {
    return place < count ? std::atoi(arguments[place]) : otherwise;
  };
  const int matrices = std::clamp(argument(1, 1), 1, kMaxMatrices);
  const Milliseconds latency(argument(2, 100));
  const int series = argument(3, 1);
  const int passes = argument(4, 2);

  const SystemClock clock;
  simulator::Simulator api({.rate_limit = 1'000'000'000, .credentials = {.token = "bench"}}, clock);
  auto server = HttpServer::Start({"127.0.0.1", 0}, ServerThreads::kThreadPerConnection,
                                  [&](const ServerRequest& request) {
                                    ServerResponse response = api.Handle(request);
                                    response.delay = latency;
                                    return response;
                                  });
  if (!server) {
    fmt::print(stderr, "{}\n", server.error());
    return EXIT_FAILURE;
  }
  const std::string yaml = ConfigText(server.value()->port(), matrices, series);
  const auto http =
      MakeCurlHttpClient("poll_refresh", ClientOptions(SettingsOf(yaml).config.api()));
  for (int pass = 0; pass < passes; ++pass) RunPass(yaml, clock, *http, latency);
  return EXIT_SUCCESS;
}
