// The loop that joins schedule, fetch and parse, and publishes what comes of it.
//
// Nothing from upstream ends the loop, nor does a lack of memory.
// Thread rule: Run(), RunOnce() on one thread; Stop(), Reconfigure(), NoteFailedReload() and
// AwaitReload() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <map>

#include "radar_spoof/config/config.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/poll/answer_outcome.h"
#include "radar_spoof/poll/api_metrics.h"
#include "radar_spoof/poll/snapshot.h"
#include "radar_spoof/poll/state_saver.h"
#include "radar_spoof/schedule/schedule.h"

namespace radar_spoof {

class FailureLog;
class Mailbox;

class Poller {
 public:
  // `http` was made for the same settings. `seed` feeds only the jitter of retries. `saver`: where
  // an earlier run left its state; nullptr to begin anew every time. `readings`: where each new
  // bucket is told of; nullptr: nowhere.
  Poller(Settings settings, const Clock& clock, HttpClient& http, SnapshotStore& store, Log& log,
         std::uint32_t seed, std::unique_ptr<StateSaver> saver = nullptr, Log* readings = nullptr);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Polls until Stop().
  void Run();
  // Polls every query once. True when all gave a usable answer. Gives up, and returns false, when
  // the API demands a pause.
  bool RunOnce();

  // Ends Run() within milliseconds, whatever is in flight.
  void Stop();
  // Takes effect at the next turn of the loop: queries that are in both configurations keep their
  // values, schedule and counters, unless they are asked of another API now. If anything changed,
  // what is in flight is asked again, and counted as not answered.
  void Reconfigure(Settings settings);
  // Blocks until the page shows what became of Reconfigure() or NoteFailedReload(), polling has
  // stopped, or `at_most` is over.
  enum class ReloadEnd {
    kTakenOver,
    kNotTakenOver,  // it was reported as failed, or there was no memory: all is as it was
    kNotYet,        // the loop has not come to it, but will
    kStopped,       // and never will
  };
  ReloadEnd AwaitReload(Milliseconds at_most);

  // When the loop last came round, which it does at least every 10 s while it is well; at first,
  // when it was made. Time spent suspended does not count here. Any thread.
  std::chrono::steady_clock::time_point last_turn() const { return last_turn_; }
  void NoteFailedReload();

  // What it counts; no older than the snapshots it publishes. Any thread.
  const ApiMetrics& metrics() const { return metrics_; }

 private:
  // A request under way. Its transfer's number is the first of its queries.
  struct InFlight {
    RequestGroup queries;
    std::vector<RequestForm> tried;                       // in this poll; the last is under way
    std::vector<SeriesNames> names;                       // of its series
    std::shared_ptr<const CredentialsInUse> credentials;  // that it was sent with
  };
  // How a request ended, for each of its queries.
  struct PollEnd {
    std::vector<Result<SpoofSample, Failure>> samples;
    std::optional<Seconds> retry_after;
    std::optional<RetryClass> retry;  // in place of the failures' own
  };

  void Turn();
  void RecoverFromException(const char* reason);

  void TakeReload();
  void Apply(Settings settings);
  void ApplyUnchanged(Settings settings);
  // Publishes everything, and what is awaited with it.
  void EndReload(bool failed);

  void RefreshCredentials(bool even_if_unchanged);
  std::shared_ptr<const CredentialsInUse> InUse(const Credentials& credentials) const;

  void StartDueRequests();
  // In the last form that `request` has.
  void Send(InFlight request);
  std::vector<const Query*> QueriesOf(const InFlight& request) const;
  void ForgetInFlight();
  // Asked again at once; counted as not answered.
  void DropAllInFlight();
  // Each is a failed poll.
  void FailAllInFlight();

  void OnTransferEnded(HttpClient::Finished finished);
  void ObserveRateLimits(const InFlight& request,
                         const std::map<std::string, RateLimitHeader>& policies, Instant now);
  void KeepForm(const RequestForm& form, const std::string& query);
  // How else to ask the same at once, after an answer that was of no use.
  std::optional<RequestForm> OtherForm(const InFlight& request, const AnswerOutcome& outcome);
  // Asks the same again at once; false when the budget has no room for it.
  bool AskAgain(InFlight request, RequestForm form, Instant now);
  // Then the next request tries `form`. Without names only this one is tried, when it is due again:
  // that another is answered so does not tell why this one was refused.
  void TryNext(const InFlight& request, const RequestForm& form, FormProblem problem);

  void EndPoll(const InFlight& request, const PollEnd& end, Instant now);
  // What was refused, maybe for its names, once it is known whether they are.
  void EndUndecided(Instant now);
  void RecordOutcomes(const RequestGroup& queries, const PollEnd& end, Instant now);
  void UpdateQueryState(std::size_t query, const Result<SpoofSample, Failure>& outcome,
                        Instant now);

  void PublishAll();
  // Of the queries only these, unless others have moved too.
  void Publish(const RequestGroup& queries);
  void SaveState();

  const Clock& clock_;
  HttpClient& http_;
  SnapshotStore& store_;
  Log& log_;
  Log* const readings_;
  ApiMetrics metrics_;
  const std::unique_ptr<Mailbox> mailbox_;
  Settings settings_;
  std::shared_ptr<const CredentialsInUse> credentials_;
  EndpointInUse endpoint_;
  std::optional<RequestForm> next_form_;  // of the next request, whichever it is
  // By their first queries: the forms that were tried, and behind them the one without names.
  std::map<std::size_t, std::vector<RequestForm>> retries_without_names_;
  std::uint32_t request_number_;  // of the next one
  Schedule schedule_;
  Snapshot state_;                        // the next one to be published
  std::uint64_t published_revision_ = 0;  // schedule_.revision()
  std::map<HttpClient::TransferId, InFlight> in_flight_;
  // Of these, those that are answered, and wait to know whether the API refuses names.
  std::map<HttpClient::TransferId, PollEnd> undecided_;
  std::unique_ptr<FailureLog> failure_log_;
  const std::unique_ptr<StateSaver> saver_;
  std::atomic<std::chrono::steady_clock::time_point> last_turn_ = std::chrono::steady_clock::now();
};

}  // namespace radar_spoof
