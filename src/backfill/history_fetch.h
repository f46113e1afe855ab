// Which buckets of the past are needed, and how they are asked for, piece by piece, until all of
// them are known.
//
// The API refuses an interval that is too fine for the range, and does not say where that begins.
// Pieces are as long as KnownRange(). A piece that is refused as too long (HTTP 400 or 422) is
// halved, and so is every other of that interval.
//
// One request at a time, within the request budget of the configuration. Failures are repeated as
// the daemon repeats them (schedule/retry.h, the holds after HTTP 429, the credentials read again),
// but not for ever: it gives up after 10 failures of one piece in a row, and when the share of
// requests that may be retries is spent.
//
// Thread rule: HistoryFetch is confined to one thread, the rest is pure. Blocking: Run().
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <random>

#include "history_file.h"
#include "radar_spoof/config/config.h"
#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/log.h"
#include "radar_spoof/core/types.h"
#include "radar_spoof/fetch/http_client.h"
#include "radar_spoof/fetch/radar_request.h"
#include "radar_spoof/poll/answer_outcome.h"
#include "radar_spoof/schedule/rate_limit_hold.h"
#include "radar_spoof/schedule/request_budget.h"

namespace radar_spoof {

// Every range here begins and ends at whole intervals, but for `asked`.

// The buckets that lie whole in `asked`: an empty range (from == to) when none does.
TimeRange WholeBuckets(const TimeRange& asked, AggInterval interval);

// What must be known to show the buckets of `shown` as the exporter would have: these, and those
// before them that their window and their control period are made of. REQUIRES: `shown` not empty.
TimeRange HistoryNeeded(const Query& query, const TimeRange& shown);

// What of `range` is in none of `known`, oldest first.
std::vector<TimeRange> Without(const TimeRange& range, std::vector<TimeRange> known);

// `range` in pieces of `longest`, the last one shorter where it does not divide, oldest first.
// REQUIRES: `longest` is one interval or more; it is rounded down to whole ones.
std::vector<TimeRange> Pieces(const TimeRange& range, AggInterval interval, Seconds longest);

// Why there is no more of it, when who runs the command ended it.
inline constexpr const char* kInterrupted = "interrupted";

struct FetchProgress {
  std::size_t done = 0;   // pieces
  std::size_t total = 0;  // grows when pieces are halved
  const Query* query;     // whose piece is next; valid during the call
  TimeRange piece;
};

class HistoryFetch {
 public:
  // `http` was made for the same settings; `file` holds what is known and gets what is fetched.
  // `seed` feeds only the jitter of retries. `stopped` is asked several times a second.
  HistoryFetch(Settings settings, const Clock& clock, HttpClient& http, HistoryFile& file, Log& log,
               std::uint32_t seed, std::function<bool()> stopped);

  // What Run() would ask: `needed[i]` of the configuration's i-th query; an empty range: nothing.
  std::size_t Plan(const std::vector<TimeRange>& needed);

  // Fetches what was planned. nullopt when all of it is known; else why not, in a sentence without
  // the credentials. What was fetched until then is in the file. `on_progress` is called before
  // each piece.
  std::optional<std::string> Run(const std::function<void(const FetchProgress&)>& on_progress);

 private:
  struct Piece {
    std::size_t query;
    TimeRange range;
  };
  struct Next {
    SteadyTime at;
    bool is_retry;
  };

  const Query& QueryOf(const Piece& piece) const;
  bool WaitFor(const Next& next);
  // How it ended, and what that means; nullopt when stopped.
  struct Answered {
    HttpClient::Finished finished;
    AnswerOutcome outcome;
  };
  std::optional<Answered> Ask(const Piece& piece, const RequestForm& form, const Next& next);
  std::optional<Answered> AskInEachForm(const Piece& piece, Next next);
  // True: it is done with. False: its halves stand in its place.
  Result<bool, std::string> Fetch(const Piece& piece);
  std::optional<std::string> Keep(const Piece& piece, const SpoofWindow& window);
  void Halve(const Piece& piece);
  Result<Next, std::string> AfterFailure(const Piece& piece, const Failure& failure,
                                         std::optional<Seconds> retry_after, int failures);

  Settings settings_;
  Redactor redactor_;  // of `settings_.credentials`
  const Clock& clock_;
  HttpClient& http_;
  HistoryFile& file_;
  Log& log_;
  std::function<bool()> stopped_;
  EndpointInUse endpoint_;
  std::uint32_t request_number_;
  RequestBudget budget_;
  RateLimitHold hold_;
  std::minstd_rand random_;
  std::deque<Piece> pieces_;
  std::map<AggInterval, Seconds> longest_;  // piece that was not refused yet
};

}  // namespace radar_spoof
