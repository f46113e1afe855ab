// Publish: the loop that joins schedule, fetch and parse, and publishes what comes of it.
//
// Used by: main, on a thread of its own.
// Logs: one line when a query begins to fail and one when it is well again; while it fails, at most
// one every 15 minutes. Nothing from upstream ends the loop.
// Thread rule: Run(), RunOnce() on one thread; Stop(), Reconfigure() and NoteFailedReload() from
// any.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "radar_spoof/config/config.h"
#include "radar_spoof/config/credentials.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/publish/snapshot.h"
#include "radar_spoof/schedule/schedule.h"
#include "radar_spoof/words/clock.h"
#include "radar_spoof/words/log.h"

namespace radar_spoof {

class Poller {
 public:
  struct Settings {
    Config config;
    CredentialReader credential_reader;  // for reading them again
    Credentials credentials;             // as read last
  };

  // `http` was made for the same settings. `seed` feeds only the jitter of retries.
  Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store, Log& log,
         std::uint32_t seed);

  // Polls until Stop().
  void Run();
  // Polls every query once. True when all gave a usable answer. Gives up, and returns false, when
  // the API demands a pause.
  bool RunOnce();

  // Ends Run() within milliseconds, whatever is in flight.
  void Stop();
  // Takes effect at the next turn of the loop: queries that are in both configurations keep their
  // values, schedule and counters. What is in flight is asked again.
  void Reconfigure(Settings settings);
  void NoteFailedReload();

 private:
  struct InFlight {
    RadarEndpoint endpoint;
    bool other_path;  // the configured one was tried before
  };
  // What a query's log lines depend on.
  struct Reported {
    bool failing = false;
    SteadyTime at{};
  };

  void Turn(Milliseconds longest_wait);
  void TakeMessages();
  void Apply(Settings settings);
  void AbandonInFlight();
  void StartDue();
  void Send(std::size_t query, const InFlight& request);
  void Finish(HttpClient::Finished finished);
  Result<SpoofSample, Failure> Judge(std::size_t query, HttpClient::Finished& finished, Instant now,
                                     PollReport& report);
  void ReadHeaders(const HttpResponse& response, Instant now, PollReport& report);
  // True when the poll goes on with the endpoint's other path.
  bool TryOtherPath(std::size_t query, const InFlight& request, Instant now);
  void UsePath(const InFlight& request);
  void Conclude(std::size_t query, const Result<SpoofSample, Failure>& outcome, Instant now);
  void Report(std::size_t query, Instant now);
  void RefreshCredentials(bool even_if_unchanged);
  void Publish();

  const Clock& clock_;
  HttpClient& http_;
  SnapshotStore& store_;
  Log& log_;
  Settings settings_;
  RadarEndpoint endpoint_;
  std::optional<RadarEndpoint> try_next_;  // the other path, when the budget had no room for it
  Schedule schedule_;
  Snapshot state_;  // the next one to be published
  std::map<std::size_t, InFlight> in_flight_;
  std::vector<Reported> reported_;  // one a query

  std::atomic<bool> stopped_ = false;
  std::mutex messages_mutex_;
  std::optional<Settings> new_settings_;  // guarded by messages_mutex_
  bool reload_failed_ = false;            // guarded by messages_mutex_
};

}  // namespace radar_spoof
