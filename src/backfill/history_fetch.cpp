#include "history_fetch.h"

#include <algorithm>

#include <fmt/format.h>

#include "radar_spoof/schedule/retry.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLookForStop = 200ms;
constexpr int kMostFailedRequests = 10;
constexpr HttpClient::TransferId kOnly = 0;

// Both are what the API says of a range that is too long for the interval, or too costly.
bool MayBeTooLong(const HttpClient::Finished& finished, const Failure& failure) {
  if (failure.reason != FailureReason::kRejected) return false;
  const int status = finished.result.value().status;
  return status == 400 || status == 422;
}

// A range that covers the piece. REQUIRES: the piece is no longer than the longest range there is.
DateRange RangeOf(const TimeRange& piece) {
  const auto days = std::chrono::ceil<std::chrono::days>(piece.to - piece.from).count();
  return DateRange::Parse(fmt::format("{}d", days)).value();
}

std::string Sentence(const Query& query, const TimeRange& piece, const std::string& problem) {
  return fmt::format("{} from {} to {}: {}", query.name, FormatRfc3339(piece.from),
                     FormatRfc3339(piece.to), problem);
}

}  // namespace

TimeRange WholeBuckets(const TimeRange& asked, AggInterval interval) {
  const WallTime from = CeilTo(asked.from, Length(interval));
  return {from, std::max(from, FloorTo(asked.to, Length(interval)))};
}

TimeRange HistoryNeeded(const Query& query, const TimeRange& shown) {
  const Seconds interval = Length(query.agg_interval);
  WallTime from = FloorTo(shown.from + interval - query.date_range.Length(), interval);
  if (query.control) from = std::min(from, shown.from - query.date_range.ControlShift());
  return {std::min(from, shown.from), shown.to};
}

std::vector<TimeRange> Without(const TimeRange& range, std::vector<TimeRange> known) {
  std::ranges::sort(known, {}, &TimeRange::from);
  std::vector<TimeRange> missing;
  WallTime reached = range.from;
  for (const TimeRange& each : known) {
    if (each.to <= reached) continue;
    if (each.from >= range.to) break;
    if (each.from > reached) missing.push_back({reached, each.from});
    reached = each.to;
  }
  if (reached < range.to) missing.push_back({reached, range.to});
  return missing;
}

std::vector<TimeRange> Pieces(const TimeRange& range, AggInterval interval, Seconds longest) {
  const Seconds step = longest / Length(interval) * Length(interval);
  std::vector<TimeRange> pieces;
  for (WallTime from = range.from; from < range.to; from += step) {
    pieces.push_back({from, std::min(from + step, range.to)});
  }
  return pieces;
}

HistoryFetch::HistoryFetch(Settings settings, const Clock& clock, HttpClient& http,
                           HistoryFile& file, Log& log, std::uint32_t seed,
                           std::function<bool()> stopped)
    : settings_(std::move(settings)),
      redactor_(settings_.credentials),
      clock_(clock),
      http_(http),
      file_(file),
      log_(log),
      stopped_(std::move(stopped)),
      endpoint_(RadarEndpoint(settings_.config.api().base_url, settings_.config.api().path)),
      request_number_(seed),
      budget_(settings_.config.api().rate_limit),
      random_(seed) {
  for (const AggInterval each : kAllAggIntervals) longest_[each] = KnownRange(each).Length();
}

std::size_t HistoryFetch::Plan(const std::vector<TimeRange>& needed) {
  pieces_.clear();
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const Query& query = settings_.config.queries()[i];
    for (const TimeRange& missing : Without(needed[i], file_.Known(query))) {
      for (const TimeRange& range :
           Pieces(missing, query.agg_interval, longest_.at(query.agg_interval))) {
        pieces_.push_back({i, range});
      }
    }
  }
  return pieces_.size();
}

std::optional<std::string> HistoryFetch::Run(
    const std::function<void(const FetchProgress&)>& on_progress) {
  std::size_t done = 0;
  while (!pieces_.empty()) {
    const Piece piece = pieces_.front();
    if (!Without(piece.range, file_.Known(QueryOf(piece))).empty()) {
      if (piece.range.to - piece.range.from > longest_.at(QueryOf(piece).agg_interval)) {
        Halve(piece);
        continue;
      }
      on_progress({done, done + pieces_.size(), &QueryOf(piece), piece.range});
      const auto done_with = Fetch(piece);
      if (!done_with) return done_with.error();
      if (!done_with.value()) continue;
    }
    pieces_.pop_front();
    ++done;
  }
  return std::nullopt;
}

const Query& HistoryFetch::QueryOf(const Piece& piece) const {
  return settings_.config.queries()[piece.query];
}

bool HistoryFetch::WaitFor(const Next& next) {
  for (;;) {
    if (stopped_()) return false;
    const SteadyTime now = clock_.Now().steady;
    const SteadyTime at = hold_.NotBefore(std::max(
        next.at, next.is_retry ? budget_.EarliestRetry(now) : budget_.EarliestRequest(now)));
    if (at <= now) return true;
    (void)http_.Wait(std::min(at - now, kLookForStop));
  }
}

std::optional<HistoryFetch::Answered> HistoryFetch::Ask(const Piece& piece, const RequestForm& form,
                                                        const Next& next) {
  if (!WaitFor(next)) return std::nullopt;
  Query asked = QueryOf(piece);
  asked.control = false;
  asked.date_range = RangeOf(piece.range);
  const Query* const alone[] = {&asked};
  const SteadyTime sent = clock_.Now().steady;
  const std::uint64_t number =
      budget_.Spend(sent, next.is_retry ? RequestBudget::Kind::kRetry : RequestBudget::Kind::kSlot);
  const RadarRequest request =
      BuildRequest(form, asked, piece.range, request_number_++, settings_.credentials);
  http_.Start(kOnly, request.http);
  for (;;) {
    if (auto finished = http_.Wait(kLookForStop)) {
      const Instant now = clock_.Now();
      auto outcome = OutcomeOf(alone, request.names, *finished, redactor_, now);
      if (outcome.windows.front()) hold_.NoteGood(sent);
      for (const auto& [name, header] : outcome.rate_limits) {
        if (!header.remaining || !header.reset_in) continue;
        budget_.Advise(name, *header.remaining, *header.reset_in, number, now.steady);
      }
      return Answered{*std::move(finished), std::move(outcome)};
    }
    if (!stopped_()) continue;
    http_.CancelAll();
    return std::nullopt;
  }
}

// Until an answer has nothing against the form of its request, or there is no other form.
std::optional<HistoryFetch::Answered> HistoryFetch::AskInEachForm(const Piece& piece, Next next) {
  const std::string& query = QueryOf(piece).name;
  std::vector<RequestForm> tried;
  for (std::optional<RequestForm> form = endpoint_.form();;) {
    tried.push_back(*std::move(form));
    auto answered = Ask(piece, tried.back(), next);
    if (!answered) return std::nullopt;
    const AnswerOutcome& outcome = answered->outcome;
    if (outcome.windows.front()) {
      const auto [path, names] = endpoint_.NoteGood(tried.back(), query);
      if (path) log_.Warn(EndpointInUse::kPathNotUsed, {{"path", tried.back().endpoint.path()}});
      if (names) log_.Warn(EndpointInUse::kNamesNotUsed);
    }
    form = endpoint_.Other(tried, outcome.form, query);
    if (!form) return answered;
    next = {clock_.Now().steady, false};
  }
}

Result<bool, std::string> HistoryFetch::Fetch(const Piece& piece) {
  const Query& asked = QueryOf(piece);
  Next next{clock_.Now().steady, false};
  for (int failures = 0;;) {
    const auto answered = AskInEachForm(piece, next);
    if (!answered) return std::string(kInterrupted);
    const auto& window = answered->outcome.windows.front();
    if (window) {
      if (auto problem = Keep(piece, window.value())) return *std::move(problem);
      return true;
    }
    const Failure& failure = window.error();
    // The API's data begin later or are not there yet: nothing that could be known by asking again.
    if (failure.reason == FailureReason::kEmpty) return true;
    if (MayBeTooLong(answered->finished, failure) &&
        piece.range.to - piece.range.from > Length(asked.agg_interval)) {
      Halve(piece);
      return false;
    }
    auto after = AfterFailure(piece, failure, answered->outcome.retry_after, ++failures);
    if (!after) return Sentence(asked, piece.range, after.error());
    next = after.value();
  }
}

std::optional<std::string> HistoryFetch::Keep(const Piece& piece, const SpoofWindow& window) {
  const Query& query = QueryOf(piece);
  const auto& [from, to] = piece.range;
  if (!window.buckets.front().start) {
    return Sentence(query, piece.range,
                    "the answer has no timestamps, so its buckets have no place in time");
  }
  std::vector<SpoofBucket> buckets;
  for (const SpoofBucket& bucket : window.buckets) {
    if (from <= *bucket.start && *bucket.start < to) buckets.push_back(bucket);
  }
  // A piece without mail, beside which the API may show some.
  const Seconds beside = RangeAdjustment(query.agg_interval);
  const WallTime newest = *window.buckets.back().start;
  if (buckets.empty() && (newest < from - beside || newest > to + beside)) {
    return Sentence(query, piece.range,
                    "the answer is about another time, up to " + FormatRfc3339(newest));
  }
  TimeRange known = piece.range;
  known.to = std::min(to, FloorTo(window.last_updated, Length(query.agg_interval)));
  if (known.from >= known.to) return std::nullopt;
  return file_.Add(query, known, buckets);
}

// In place of the first piece, which it is, come its halves; the others follow when they are next.
void HistoryFetch::Halve(const Piece& piece) {
  const AggInterval interval = QueryOf(piece).agg_interval;
  const Seconds length = std::chrono::floor<Seconds>(piece.range.to - piece.range.from);
  const Seconds half = std::max(Length(interval), length / 2 / Length(interval) * Length(interval));
  if (length <= longest_.at(interval)) {
    longest_.at(interval) = half;
    log_.Info("the API refused a range; asking for shorter ones",
              {{"agg_interval", RequestName(interval)}, {"seconds", half.count()}});
  }
  pieces_.pop_front();
  const auto halves = Pieces(piece.range, interval, half);
  for (auto each = halves.rbegin(); each != halves.rend(); ++each) {
    pieces_.push_front({piece.query, *each});
  }
}

Result<HistoryFetch::Next, std::string> HistoryFetch::AfterFailure(
    const Piece& piece, const Failure& failure, std::optional<Seconds> retry_after, int failures) {
  const Instant now = clock_.Now();
  if (failures >= kMostFailedRequests) {
    return fmt::format("{}; given up after {} failures in a row", failure.detail, failures);
  }
  if (failure.retry == RetryClass::kThrottled) {
    // Requests are sent one at a time, and none while a hold lasts.
    hold_.Extend(retry_after, now.steady, now, random_);
    log_.Warn("rate limited by the API; waiting", {{"until", FormatRfc3339(hold_.until()->wall)}});
    return Next{now.steady, false};
  }
  if (failure.retry == RetryClass::kCredentials) {
    const auto read = settings_.credential_reader.Read();
    if (read) {
      settings_.credentials = read.value().credentials;
      redactor_ = Redactor(settings_.credentials);
    }
  }
  const Milliseconds longest = settings_.config.polling().retry_max;
  // A single one may be a mistake: an edge server that was restarted, say.
  const RetryClass retry_class =
      failure.reason == FailureReason::kNotFound ? RetryClass::kTransientOnce : failure.retry;
  const Retry retry = NextRetry(retry_class, failures, retry_after, longest, random_);
  if (retry.refused) return "the API refuses the credentials: " + failure.detail;
  if (!retry.delay) return failure.detail;
  if (retry.in_budget && budget_.EarliestRetry(now.steady) > now.steady + longest) {
    return failure.detail + "; given up, as more retries would ask a failing API too much";
  }
  log_.Warn("asking again", {{"query", QueryOf(piece).name},
                             {"reason", Name(failure.reason)},
                             {"detail", failure.detail},
                             {"in_ms", retry.delay->count()}});
  return Next{now.steady + *retry.delay, retry.in_budget};
}

}  // namespace radar_spoof
