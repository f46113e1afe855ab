// A poller with everything it needs, on a fake clock and without sockets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "radar_spoof/poll/poller.h"
#include "support/api_counts.h"
#include "support/radar_answers.h"
#include "support/scripted_http_client.h"
#include "support/temporary_directory.h"

namespace radar_spoof::test {

inline const std::string kTwoQueries =
    "queries:\n  - name: a\n  - { name: b, filters: { spf: FAIL } }\n";

using namespace std::chrono_literals;

inline constexpr std::string_view kToken = "canary/credential+0123456789";

// `rest`: sections beside `api`; `api`: more lines of it, indented by two.
inline std::string ConfigText(const TemporaryDirectory& directory, const std::string& rest,
                              const std::string& api = "") {
  return "api:\n  base_url: http://127.0.0.1:1/client/v4\n  token_file: " +
         directory.Path("token") + "\n" + api + rest;
}

inline Settings SettingsOf(const std::string& yaml) {
  auto config = ParseConfig(yaml, "test.yaml");
  if (!config) throw std::runtime_error(config.error().front().Text());
  CredentialReader reader(config.value().api().credentials,
                          [](const std::string&) { return std::nullopt; });
  auto reading = reader.Read();
  if (!reading) throw std::runtime_error(reading.error());
  return {std::move(config).value(), std::move(reader), reading.value().credentials};
}

inline HttpResponse Response(int status, std::string body,
                             std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

// Begins at 2026-06-05T12:28:00Z. One query `all`, 15m over 1d, unless told otherwise.
struct PollerFixture {
  using Script = ScriptedHttpClient::Script;
  using Request = ScriptedHttpClient::Request;
  using Answer = ScriptedHttpClient::Answer;

  explicit PollerFixture(Script script, const std::string& rest = "queries:\n  - name: all\n",
                         const std::string& api = "")
      : token_file(directory.Write("token", kToken)),
        clock(*ParseRfc3339("2026-06-05T12:28:00Z")),
        http(clock, std::move(script)),
        log(LogLevel::kDebug, LogFormat::kLogfmt,
            [this](std::string_view line) {
              const bool debug = line.find(" level=debug ") != std::string_view::npos;
              (debug ? debug_lines : lines).emplace_back(line);
            }),
        settings(SettingsOf(ConfigText(directory, rest, api))),
        store(FirstSnapshot(settings->config, clock.Now().wall)),
        poller(*std::exchange(settings, std::nullopt), clock, http, store, log, 1) {}

  void RunFor(Milliseconds length) {
    http.At(length, [this] { poller.Stop(); });
    poller.Run();
  }
  void Reconfigure(const std::string& rest, const std::string& api = "") {
    poller.Reconfigure(SettingsOf(ConfigText(directory, rest, api)));
  }
  Milliseconds Elapsed() const { return clock.Now().steady - FakeClock::kStart; }
  std::shared_ptr<const Snapshot> Now() const { return store.Load(); }
  // What was counted, by HTTP status; 0: no answer.
  std::map<int, std::uint64_t> Requests() const { return RequestsOf(poller.metrics()); }
  std::uint64_t Failures(FailureReason reason) const {
    return FailuresOf(poller.metrics(), reason);
  }
  // Of the first query.
  QueryState State() const { return store.Load()->queries.front(); }
  std::vector<std::string> LinesWith(std::string_view text) const {
    std::vector<std::string> found;
    for (const auto* each : {&lines, &debug_lines}) {
      for (const std::string& line : *each) {
        if (line.find(text) != std::string::npos) found.push_back(line);
      }
    }
    return found;
  }

  TemporaryDirectory directory;
  std::string token_file;
  FakeClock clock;
  ScriptedHttpClient http;
  std::vector<std::string> lines;        // of the log, but for those of level debug
  std::vector<std::string> debug_lines;  // the others
  Log log;
  std::optional<Settings> settings;  // empty once the poller has them
  SnapshotStore store;
  Poller poller;
};

// An API whose data are five minutes old.
inline ScriptedHttpClient::Answer Good(const ScriptedHttpClient::Request& request,
                                       double percent = 30) {
  const WallTime reach = FloorTo(request.at.wall - 5min, 15min);
  return {Response(200, GoodAnswer(reach, IntervalOf(request.url), percent))};
}

inline ScriptedHttpClient::Answer Outage() { return {Response(503, "<html>outage</html>")}; }

}  // namespace radar_spoof::test
