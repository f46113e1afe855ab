#include "examination.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kLongestExamination = 4min;
constexpr Milliseconds kTurn{100};
constexpr Milliseconds kBeforeRepeating{1000};
constexpr Seconds kLongestWaitForReset{60};
constexpr int kRepeats = 3;
constexpr std::size_t kOtherForms = 3;
constexpr std::size_t kConfiguredRequests = 8;
constexpr std::size_t kConfiguredQueries = 24;

using Filter = std::pair<Dimension, std::string_view>;

Query QueryOf(AggInterval interval, std::string_view range,
              std::initializer_list<Filter> filters = {}) {
  Query query{.name = fmt::format("{} over {}", RequestName(interval), range),
              .filters = {},
              .agg_interval = interval,
              .date_range = DateRange::Parse(range).value(),
              .poll_interval = Length(interval)};
  for (const auto& [dimension, value] : filters) (void)query.filters.Add(dimension, value);
  return query;
}

// `count` different combinations of ARC, DKIM, DMARC and SPF, of which there are 81, from that one.
std::vector<Query> Combinations(std::size_t first, std::size_t count) {
  std::vector<Query> queries;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t rest = (i + first) % count;
    queries.push_back(QueryOf(AggInterval::k1d, "28d"));
    queries.back().name += fmt::format(" ({})", rest + 1);
    for (const Dimension dimension :
         {Dimension::kSpf, Dimension::kDmarc, Dimension::kDkim, Dimension::kArc}) {
      const auto values = LegalValues(dimension);
      (void)queries.back().filters.Add(dimension, values[rest % values.size()]);
      rest /= values.size();
    }
  }
  return queries;
}

std::vector<PlannedRequest> GeneralRequests() {
  using enum AggInterval;
  const Filter spf_passed{Dimension::kSpf, "PASS"};
  const Filter spf_failed{Dimension::kSpf, "FAIL"};
  const Filter dkim_failed{Dimension::kDkim, "FAIL"};
  const Filter dmarc_failed{Dimension::kDmarc, "FAIL"};
  const Query hours = QueryOf(k1h, "7d");
  const Query passed = QueryOf(k1d, "28d", {spf_passed});
  const Query failed = QueryOf(k1d, "28d", {spf_failed});
  Query control = hours;
  control.control = true;
  return {
      {Step::kFirst, "1h over 7d", {hours}},
      {Step::kOtherPath, "the other spelling of the path", {hours}},
      {Step::k15mOver1d, "15m over 1d", {QueryOf(k15m, "1d")}},
      {Step::k1hOver28d, "1h over 28d", {QueryOf(k1h, "28d")}},
      {Step::k1dOver28d, "1d over 28d", {QueryOf(k1d, "28d")}},
      {Step::k1wOver52w, "1w over 52w", {QueryOf(k1w, "52w")}},
      {Step::kOneFilter, "spf=FAIL", {failed}},
      {Step::kTwoSeries, "two series", {passed, failed}},
      {Step::kTenSeries, "ten series", Combinations(0, 10)},
      // In other places than among ten: where places are mixed up, their numbers are others, too.
      {Step::kFiftySeries, "fifty series", Combinations(1, 50)},
      {Step::kValueList, "spf=PASS,FAIL", {QueryOf(k1d, "28d", {spf_passed, spf_failed})}},
      {Step::kControl, "control period", {control}},
      {Step::kNarrow,
       "mail that fails DKIM, DMARC and SPF",
       {QueryOf(k15m, "1d", {dkim_failed, dmarc_failed, spf_failed})}},
  };
}

// A 5xx, a timeout or a connection that broke off; what the credential is refused with may pass,
// too, when there is much to do.
bool MayPass(const Failure& failure) {
  return failure.retry != RetryClass::kThrottled && failure.retry != RetryClass::kNextSlot;
}

// Whether it was answered as Radar answers, with a value or without.
bool IsRadars(const AskedRequest& asked) {
  using enum FailureReason;
  const Failure* const failure = asked.failure();
  if (failure == nullptr) return true;
  if (failure->reason == kRejected) return !asked.IsRedirected();
  return std::ranges::count(std::array{kApiError, kTooLarge, kValidation, kEmpty},
                            failure->reason) > 0;
}

std::string KindOf(const Credentials& credentials) {
  const auto* const bearer = std::get_if<BearerToken>(&credentials);
  if (bearer == nullptr) return "a Global API Key";
  const bool is_account_owned = bearer->token.Reveal().starts_with("cfat_");
  return is_account_owned ? "an account-owned API token" : "an API token";
}

class Examiner {
 public:
  Examiner(const Subject& subject, const CredentialsInUse& credentials, HttpClient& http,
           const Clock& clock, const ExaminationProgress& progress)
      : credentials_(credentials),
        http_(http),
        clock_(clock),
        progress_(progress),
        other_path_(subject.endpoint().Alternative()),
        endpoint_(subject.endpoint()),
        deadline_(clock.Now().steady + kLongestExamination),
        number_(static_cast<std::uint32_t>(clock.Now().wall.time_since_epoch().count())),
        result_{subject, PlanExamination(subject), KindOf(credentials.credentials), {}, ""} {}

  Examination Run() {
    for (const PlannedRequest& planned : result_.plan.requests) {
      const bool is_of_path = planned.step == Step::kFirst || planned.step == Step::kOtherPath;
      if (planned.step == Step::kOtherPath && WasAsked(other_path_)) continue;
      if (!is_of_path && !AnyIsRadars()) Stop("nothing there answered as Radar does");
      Ask(planned);
      if (!result_.stopped.empty()) break;
    }
    return std::move(result_);
  }

 private:
  void Stop(std::string why) {
    if (result_.stopped.empty()) result_.stopped = std::move(why);
  }

  bool AnyIsRadars() const { return std::ranges::any_of(result_.asked, IsRadars); }

  bool WasAsked(const std::optional<RadarEndpoint>& endpoint) const {
    return std::ranges::any_of(
        result_.asked, [&](const AskedRequest& each) { return endpoint == each.form.endpoint; });
  }

  void Ask(const PlannedRequest& planned) {
    const std::string& name = planned.queries.front().name;
    const bool is_first = planned.step == Step::kFirst;
    const bool is_other_path = planned.step == Step::kOtherPath;
    const bool finds_form = is_first || (is_other_path && !AnyIsRadars());
    const bool was_refused =
        is_other_path && result_.asked.back().FailedFor(FailureReason::kUnauthorized);
    std::vector<RequestForm> tried = {endpoint_.form()};
    if (is_other_path) tried.back().endpoint = *other_path_;
    for (bool again = false;;) {
      const AskedRequest* const asked = AskOnce(planned, tried.back());
      if (asked == nullptr) return;
      const Failure* const failure = asked->failure();
      if (failure != nullptr && finds_form) {
        auto other = endpoint_.Other(tried, asked->outcome.form, name);
        if (other && (is_first || other->endpoint == asked->form.endpoint)) {
          tried.push_back(*std::move(other));
          continue;
        }
      }
      // An answer that the exporter cannot use shows as well how it is to be asked.
      if (finds_form && asked->HasSucceeded()) (void)endpoint_.NoteGood(tried.back(), name);
      if (failure == nullptr) return;
      const bool is_refused_again = was_refused && asked->FailedFor(FailureReason::kUnauthorized);
      if (again || !MayPass(*failure) || is_refused_again || repeats_ == 0) {
        return StopAfter(*asked, *failure);
      }
      again = true;
      --repeats_;
      if (!PauseUntil(clock_.Now().steady + kBeforeRepeating)) return;
    }
  }

  void StopAfter(const AskedRequest& asked, const Failure& failure) {
    const bool any_answer = result_.FirstAnswered() != nullptr;
    if (failure.reason == FailureReason::kRateLimited) {
      const std::string wait = asked.WaitText();
      Stop("the API limits the rate" + (wait.empty() ? "" : ", for " + wait));
    } else if (failure.reason == FailureReason::kUnauthorized && !AnyIsRadars()) {
      // One spelling of the path may be open to the credential, and the other not.
      if (asked.step == Step::kFirst && other_path_ && !WasAsked(other_path_)) return;
      Stop("the API does not accept the credential");
    } else if (failure.reason == FailureReason::kParse && !any_answer) {
      Stop("no answer of the API can be decoded");
    } else if (!any_answer) {
      Stop("the API was not reached");
    }
  }

  const AskedRequest* AskOnce(const PlannedRequest& planned, const RequestForm& form) {
    if (result_.requests >= result_.plan.most_requests) {
      Stop(fmt::format("{} requests are the most that may be asked", result_.requests));
    }
    if (!PauseUntil(NextAllowed())) return nullptr;
    std::vector<const Query*> queries;
    for (const Query& query : planned.queries) queries.push_back(&query);
    RadarRequest request = BuildRequest(form, queries, number_++, credentials_.credentials);
    request.http.own_connection = true;  // on a stale one the client repeats it, uncounted
    progress_.begins(planned);
    http_.Start(0, request.http);
    ++result_.requests;
    auto finished = WaitUntil(SteadyTime::max());
    if (!finished) {
      http_.CancelAll();
      return nullptr;
    }
    const Instant now = clock_.Now();
    AnswerOutcome outcome =
        OutcomeOf(queries, request.names, *finished, credentials_.redactor, now);
    AskedRequest asked{planned,
                       form,
                       std::move(request.http.url),
                       std::move(request.names),
                       now,
                       finished->duration,
                       std::move(finished->connection),
                       std::move(finished->result),
                       std::move(outcome),
                       {}};
    if (asked.HasSucceeded()) {
      asked.seen = ReadFreely(asked.answer.value().body, asked.queries, asked.names);
    }
    progress_.ended(asked);
    return &result_.asked.emplace_back(std::move(asked));
  }

  bool IsOver() {
    if (progress_.stopped()) Stop("it was interrupted");
    if (clock_.Now().steady >= deadline_) {
      Stop(fmt::format("it took longer than {}", InWords(kLongestExamination)));
    }
    return !result_.stopped.empty();
  }

  // When no policy of the last answer leaves no request any more.
  SteadyTime NextAllowed() {
    SteadyTime next{};
    if (result_.asked.empty()) return next;
    const AskedRequest& last = result_.asked.back();
    for (const auto& [name, policy] : last.outcome.rate_limits) {
      if (policy.remaining != 0U) continue;
      const Seconds reset = policy.reset_in.value_or(kLongestWaitForReset + 1s);
      if (reset > kLongestWaitForReset) Stop("the API's Ratelimit header leaves no request");
      next = std::max(next, last.received.steady + reset + 1s);
    }
    return next;
  }

  // The transfer that ended; nullopt: that is the time, or nothing more is to be asked.
  std::optional<HttpClient::Finished> WaitUntil(SteadyTime end) {
    while (!IsOver()) {
      const Milliseconds left = end - clock_.Now().steady;
      if (left <= 0ms) break;
      if (auto finished = http_.Wait(std::min(left, kTurn))) return finished;
    }
    return std::nullopt;
  }

  // False when nothing more is to be asked. REQUIRES: nothing is in flight.
  bool PauseUntil(SteadyTime end) {
    (void)WaitUntil(end);
    return result_.stopped.empty();
  }

  const CredentialsInUse& credentials_;
  HttpClient& http_;
  const Clock& clock_;
  const ExaminationProgress& progress_;
  const std::optional<RadarEndpoint> other_path_;  // the other spelling of the configured one
  EndpointInUse endpoint_;
  const SteadyTime deadline_;
  std::uint32_t number_;
  int repeats_ = kRepeats;
  Examination result_;
};

}  // namespace

bool AskTheSame(const Query& one, const Query& other) {
  return one.filters == other.filters && one.agg_interval == other.agg_interval &&
         one.date_range == other.date_range && one.control == other.control;
}

PlannedExamination PlanExamination(const Subject& subject) {
  PlannedExamination plan{.requests = GeneralRequests()};
  if (!subject.endpoint().Alternative()) {
    std::erase_if(plan.requests,
                  [](const auto& planned) { return planned.step == Step::kOtherPath; });
  }
  const std::size_t general = plan.requests.size();
  const auto is_general = [&](const Query& query) {
    return std::ranges::any_of(std::span(plan.requests).first(general), [&](const auto& planned) {
      return planned.queries.size() == 1 && AskTheSame(planned.queries.front(), query);
    });
  };
  bool any_shared = false;
  for (const RequestGroup& group :
       GroupQueries(subject.queries, subject.api.max_series_per_request)) {
    std::vector<Query> queries;
    for (const std::size_t place : group) queries.push_back(subject.queries[place]);
    const std::size_t others = queries.size() - 1;
    const bool is_planned = others == 0 && is_general(queries.front());
    const bool is_first_shared = others > 0 && !any_shared;
    const std::size_t needed = is_planned ? 0 : is_first_shared ? 2 : 1;
    if (plan.queries.size() >= kConfiguredQueries) break;
    if (plan.requests.size() + needed > general + kConfiguredRequests) continue;
    plan.queries.insert(plan.queries.end(), queries.begin(), queries.end());
    if (is_planned) continue;
    const std::string title = "query " + queries.front().name;
    const Query last = queries.back();
    plan.requests.push_back({Step::kConfigured,
                             title + (others > 0 ? fmt::format(" and {} more", others) : ""),
                             std::move(queries)});
    if (!is_first_shared) continue;
    any_shared = true;
    plan.requests.push_back({Step::kAlone, "query " + last.name + " alone", {last}});
  }
  plan.left_out = subject.queries.size() - plan.queries.size();
  plan.most_requests = std::min(plan.requests.size() + kRepeats + kOtherForms,
                                static_cast<std::size_t>(subject.api.rate_limit));
  return plan;
}

int PlannedRequest::CountSeries() const {
  int count = 0;
  for (const Query& query : queries) count += SeriesOf(query);
  return count;
}

std::string AskedRequest::Header(std::string_view name) const {
  return answer ? answer.value().Header(name) : "";
}

std::string AskedRequest::WaitText() const {
  constexpr Seconds kHoweverLong = std::chrono::years(3);
  const auto wait =
      ParseRetryAfter(Header("retry-after"), Header("date"), received.wall, kHoweverLong);
  if (!wait) return "";
  return (IsExactInWords(*wait) ? "" : "at least ") + InWords(*wait);
}

const Failure* AskedRequest::failure() const {
  const auto is_good = [](const auto& window) { return window.ok(); };
  if (std::ranges::any_of(outcome.windows, is_good)) return nullptr;
  return &outcome.windows.front().error();
}

const AskedRequest* Examination::Last(Step step) const {
  const AskedRequest* last = nullptr;
  for (const AskedRequest& each : asked) {
    if (each.step == step) last = &each;
  }
  return last;
}

bool Examination::WasRefused(Step step) const {
  const AskedRequest* const last = Last(step);
  return last != nullptr && !last->HasSucceeded();
}

const AskedRequest* Examination::AllMail() const {
  const AskedRequest* const first = Last(Step::kFirst);
  const AskedRequest* const other = Last(Step::kOtherPath);
  if (first == nullptr || first->failure() == nullptr || other == nullptr) return first;
  const bool only_there =
      other->failure() == nullptr || (other->HasSucceeded() && !first->HasSucceeded());
  return only_there ? other : first;
}

const AskedRequest* Examination::FirstAnswered() const {
  for (const AskedRequest& each : asked) {
    if (each.status() != 0) return &each;
  }
  return nullptr;
}

std::vector<const AskedRequest*> Examination::Seen() const {
  std::vector<const AskedRequest*> with_answer;
  for (const AskedRequest& each : asked) {
    if (each.seen) with_answer.push_back(&each);
  }
  return with_answer;
}

std::vector<const SeenSeries*> Examination::AllSeries() const {
  std::vector<const SeenSeries*> all;
  for (const AskedRequest* const each : Seen()) {
    for (const SeenSeries& series : each->seen->series) all.push_back(&series);
  }
  return all;
}

Examination Examine(const Subject& subject, const CredentialsInUse& credentials, HttpClient& http,
                    const Clock& clock, const ExaminationProgress& progress) {
  return Examiner(subject, credentials, http, clock, progress).Run();
}

}  // namespace radar_spoof
