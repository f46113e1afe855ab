#include "support/adverse_api.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include <fmt/format.h>

namespace radar_spoof::test {
namespace {

constexpr Milliseconds kQuarterHour = 15min;
constexpr Milliseconds kFrozenFrom = 6h;
constexpr Milliseconds kBehindBy = 5h;
constexpr std::size_t kBucketsShown = 3;
constexpr int kSparseBuckets = 12;

std::uint64_t Mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

std::string RangeOf(AggInterval interval) {
  switch (interval) {
    case AggInterval::k15m: return "1d";
    case AggInterval::k1h: return "7d";
    case AggInterval::k1d: return "28d";
    case AggInterval::k1w: break;
  }
  return "52w";
}

struct Filter {
  const char* key;      // in the configuration
  const char* request;  // in a request
  std::vector<std::string> values;
};

const std::vector<Filter>& AllFilters() {
  static const std::vector<Filter> all = {
      {"arc", "arc", {"any", "PASS", "NONE", "FAIL"}},
      {"dkim", "dkim", {"any", "PASS", "NONE", "FAIL"}},
      {"dmarc", "dmarc", {"any", "PASS", "NONE", "FAIL"}},
      {"spf", "spf", {"any", "PASS", "NONE", "FAIL"}},
      {"tls_version", "tlsVersion", {"any", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"}}};
  return all;
}

// As a map in the configuration, and as parameters of a request.
std::pair<std::string, std::string> FiltersOf(int combination) {
  std::string configured;
  std::string requested;
  auto rest = static_cast<std::size_t>(combination);
  for (const Filter& filter : AllFilters()) {
    const std::string& value = filter.values[rest % filter.values.size()];
    rest /= filter.values.size();
    if (value == "any") continue;
    configured += fmt::format("{}{}: {}", configured.empty() ? "" : ", ", filter.key, value);
    requested += fmt::format("&{}={}", filter.request, value);
  }
  return {configured, requested};
}

std::string QueriesText(const AdverseWorld& world) {
  std::string text = "queries:\n";
  for (std::size_t i = 0; i < world.queries.size(); ++i) {
    const AdverseQuery& query = world.queries[i];
    text += fmt::format(
        "  - {{ name: {}, agg_interval: {}, date_range: {}, poll_interval: {}s, control: {}, "
        "filters: {{ {} }} }}\n",
        world.NameOf(i), RequestName(query.interval), RangeOf(query.interval),
        query.poll_interval.count(), query.control, FiltersOf(query.combination).first);
  }
  return text;
}

// Answers requests as the world says, and writes down what was asked.
class Api {
 public:
  Api(const AdverseWorld& world, WallTime began) : world_(world), trace_{began, {}, {}, 0} {
    trace_.asks.resize(world.queries.size());
    for (std::size_t i = 0; i < world.queries.size(); ++i) {
      const AdverseQuery& query = world.queries[i];
      by_parameters_[fmt::format("{}&dateRange={}{}", RequestName(query.interval),
                                 RangeOf(query.interval), FiltersOf(query.combination).second)] = i;
    }
  }

  PollerFixture::Answer operator()(const PollerFixture::Request& request) {
    const std::vector<Series> series = SeriesIn(request.url);
    SentRequest sent{request.at.steady, {}, {}};
    for (const Series& each : series) {
      if (!each.control) sent.queries.push_back(each.query);
    }
    const WallTime now = trace_.WallAt(sent.at);
    Dice dice(Mixed(world_.seed) ^ Mixed(sent.queries.front() + 1) ^
              Mixed(static_cast<std::uint64_t>(now.time_since_epoch().count())));
    const WallTime reach = ReachOf(sent.queries, now);
    PollerFixture::Answer answer{Response(200, Body(series, reach)),
                                 Milliseconds(dice.Between(50, 700))};
    Spoil(answer, series.size(), sent, dice);
    CountAgainstPolicies(answer, sent);
    sent.status = answer.result ? answer.result.value().status : 0;
    // By our clock, which may have been set, `lastUpdated` must not be an hour ahead.
    const WallTime ends = request.at.wall + answer.takes;
    sent.good = sent.status == 200 && !spoiled_ && reach <= ends + 1h;
    if (sent.good) sent.reach = reach;
    sent.ended = sent.at + answer.takes;
    NoteRetryAfter(answer, sent);
    for (const std::size_t query : sent.queries)
      trace_.asks[query].push_back(trace_.requests.size());
    trace_.requests.push_back(std::move(sent));
    return answer;
  }

  void CheckPage(const Snapshot& page, SteadyTime now) {
    for (std::size_t i = 0; i < page.queries.size() && !trace_.wrong_page; ++i) {
      const SentRequest* last = nullptr;
      for (auto ask = trace_.asks[i].rbegin(); ask != trace_.asks[i].rend() && !last; ++ask) {
        if (trace_.requests[*ask].ended < now) last = &trace_.requests[*ask];
      }
      if (!last || now - last->ended < 1s) continue;
      const QueryState& state = page.queries[i];
      const bool is_right =
          last->good ? state.success() && state.sample && state.sample->last_updated == last->reach
                     : !state.success() || last->queries.size() > 1;
      if (is_right) continue;
      trace_.wrong_page =
          fmt::format("query {} at {}: the page has not what was answered at {}", world_.NameOf(i),
                      FormatRfc3339(trace_.WallAt(now)), FormatRfc3339(trace_.WallAt(last->ended)));
    }
  }

  Trace& trace() { return trace_; }

 private:
  struct Series {
    std::string key;
    std::size_t query = 0;
    bool control = false;
  };

  // In the order of the request; the parameters of one begin with its name, or its dateRange.
  std::vector<Series> SeriesIn(const std::string& url) const {
    const std::string interval =
        ParametersOf("&" + url.substr(url.find('?') + 1), "aggInterval")[0];
    const auto names = ParametersOf(url, "name");
    std::vector<Series> all;
    for (std::size_t at = url.find("&dateRange="); at != std::string::npos;) {
      const std::size_t next = url.find("&dateRange=", at + 1);
      std::string parameters = url.substr(at, std::min(next, url.size()) - at);
      for (const std::string other : {"&name=", "&format=", "&aggInterval="}) {
        const std::size_t found = parameters.find(other);
        if (found == std::string::npos) continue;
        parameters.erase(found,
                         std::min(parameters.find('&', found + 1), parameters.size()) - found);
      }
      Series series;
      series.key = names.empty() ? "serie_" + std::to_string(all.size()) : names.at(all.size());
      const std::size_t control = parameters.find("control");
      series.control = control != std::string::npos;
      if (series.control) parameters.erase(control, std::string_view("control").size());
      series.query = by_parameters_.at(interval + parameters);
      all.push_back(series);
      at = next;
    }
    return all;
  }

  WallTime ReachOf(const std::vector<std::size_t>& queries, WallTime now) const {
    WallTime least = WallTime::max();
    for (const std::size_t i : queries) {
      const AdverseQuery& query = world_.queries[i];
      const AdverseData& data = world_.data[query.data];
      WallTime reach = data.Reach(now);
      if (query.manner == Manner::kFrozen) {
        reach = std::min(reach, data.Reach(trace_.began + kFrozenFrom));
      }
      if (query.manner == Manner::kBehind || Glitch(query, now) == 1) reach -= kBehindBy;
      least = std::min(least, reach);
    }
    return least;
  }

  // 0: none now.
  int Glitch(const AdverseQuery& query, WallTime now) const {
    if (query.manner != Manner::kGlitching || now.time_since_epoch() % 6h >= 10min) return 0;
    const auto cycle = static_cast<std::uint64_t>(now.time_since_epoch() / 6h);
    return 1 + static_cast<int>(Mixed(world_.seed + cycle) % 4);
  }

  std::string Body(const std::vector<Series>& all, WallTime reach) const {
    const AdverseQuery& first = world_.queries[all.front().query];
    std::string text;
    for (const Series& series : all) text += SeriesText(series, reach) + ",";
    return fmt::format(R"({{"success":true,"errors":[],"result":{{{}"meta":{{"aggInterval":"{}",)"
                       R"("normalization":"PERCENTAGE","lastUpdated":"{}",)"
                       R"("confidenceInfo":{{"level":5,"annotations":[]}}}}}}}})",
                       text, MetaName(first.interval), FormatRfc3339(reach));
  }

  std::string SeriesText(const Series& series, WallTime reach) const {
    const AdverseQuery& query = world_.queries[series.query];
    const Seconds step = Length(query.interval);
    WallTime end = FloorTo(reach, step);
    if (series.control) end -= 52 * 7 * 24h;
    WallTime with_mail = end;
    if (query.manner == Manner::kSparse) with_mail = FloorTo(end, kSparseBuckets * step);
    const bool left_out = Mixed(world_.seed) % 2 == 0;
    std::string timestamps;
    std::string spoof;
    std::string not_spoof;
    WallTime bucket = with_mail - kBucketsShown * step;
    for (; bucket < (left_out ? with_mail : end); bucket += step) {
      const char* const comma = timestamps.empty() ? "" : ",";
      timestamps += comma + ('"' + FormatRfc3339(bucket) + '"');
      spoof += fmt::format(R"({}"{}")", comma, bucket < with_mail ? "12.5" : "0.0");
      not_spoof += fmt::format(R"({}"{}")", comma, bucket < with_mail ? "87.5" : "0.0");
    }
    return fmt::format(R"("{}":{{"timestamps":[{}],"SPOOF":[{}],"NOT_SPOOF":[{}]}})", series.key,
                       timestamps, spoof, not_spoof);
  }

  void Spoil(PollerFixture::Answer& answer, std::size_t series, const SentRequest& sent,
             Dice& dice) {
    spoiled_ = false;
    const auto use = [&](const std::function<void(PollerFixture::Answer&, Dice&)>& how,
                         bool spoils = true) {
      if (spoiled_) return;
      how(answer, dice);
      spoiled_ = spoils;
    };
    for (const std::size_t i : sent.queries) {
      const AdverseQuery& query = world_.queries[i];
      switch (Glitch(query, trace_.WallAt(sent.at))) {
        case 2: use(spoil::Status(500)); break;
        case 3: use(spoil::IsHtml); break;
        case 4: use(spoil::HasRawValues); break;
        default: break;
      }
      if (query.manner == Manner::kDead) {
        switch (Mixed(world_.seed + i) % 4) {
          case 0: use(spoil::TimesOut); break;
          case 1: use(spoil::HasRawValues); break;
          default: use(spoil::Status(503)); break;
        }
      }
    }
    const Milliseconds since = sent.at - FakeClock::kStart;
    for (const Trouble& trouble : world_.troubles) {
      if (since < trouble.from || since >= trouble.to || !dice.Chance(trouble.share)) continue;
      if (series > static_cast<std::size_t>(trouble.more_series_than))
        use(trouble.spoil, trouble.spoils);
    }
  }

  void CountAgainstPolicies(PollerFixture::Answer& answer, SentRequest& sent) {
    const Milliseconds since = sent.at - FakeClock::kStart;
    std::string told;
    Milliseconds blocked{0};
    for (const QuotaPolicy& policy : world_.policies) {
      const auto window = since / policy.window;
      const Milliseconds reset = (window + 1) * Milliseconds(policy.window) - since;
      const int used = ++used_[{policy.name, window}];
      const Seconds shown = std::chrono::ceil<Seconds>(reset);
      if (used > policy.quota) blocked = std::max(blocked, Milliseconds(shown));
      if (!policy.told) continue;
      const int left = std::max(0, policy.quota - used);
      sent.told.push_back({policy.name, left, shown});
      told += fmt::format("{}\"{}\";r={};t={}", told.empty() ? "" : ", ", policy.name, left,
                          shown.count());
    }
    if (blocked > 0ms) {
      spoil::Status(429, std::to_string(std::chrono::ceil<Seconds>(blocked).count()))(answer,
                                                                                      dice_);
      spoiled_ = true;
    }
    if (answer.result && !told.empty()) {
      answer.result.value().headers.emplace_back("ratelimit", told);
    } else {
      sent.told.clear();
    }
  }

  void NoteRetryAfter(PollerFixture::Answer& answer, SentRequest& sent) {
    if (!answer.result) return;
    for (auto& [name, value] : answer.result.value().headers) {
      if (name != "retry-after") continue;
      const bool is_date = value.starts_with('@');
      const std::string digits = value.substr(is_date ? 1 : 0);
      if (digits.find_first_not_of("0123456789") != std::string::npos) continue;
      sent.retry_after = Seconds(std::stoll(digits));
      if (is_date) value = HttpDate(trace_.WallAt(sent.ended) + *sent.retry_after);
    }
  }

  // "Sun, 06 Nov 1994 08:49:37 GMT".
  static std::string HttpDate(WallTime time) {
    const std::time_t seconds =
        std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
  }

  const AdverseWorld& world_;
  Trace trace_;
  std::map<std::string, std::size_t> by_parameters_;
  std::map<std::pair<std::string, std::int64_t>, int> used_;
  bool spoiled_ = false;
  Dice dice_{0};
};

}  // namespace

std::uint64_t Dice::Next() { return Mixed(state_++ * 0x2545F4914F6CDD1DU); }

int Dice::Between(int low, int high) {
  return low + static_cast<int>(Next() % static_cast<std::uint64_t>(high - low + 1));
}

bool Dice::Chance(double share) { return static_cast<double>(Next() % 1'000'000) < share * 1e6; }

WallTime AdverseData::Reach(WallTime now) const {
  WallTime reach = FloorTo(now - offset, step) + offset;
  while (reach + lag(reach) > now) reach -= step;
  return reach;
}

WallTime AdverseData::AvailableAt(WallTime bucket_end) const {
  constexpr Milliseconds kLongestLag = 2h;
  WallTime reach = FloorTo(bucket_end - offset, step) + offset;
  if (reach < bucket_end) reach += step;
  WallTime available = reach + lag(reach);
  for (const WallTime first = reach; reach < first + kLongestLag; reach += step) {
    available = std::min(available, reach + lag(reach));
  }
  return available;
}

AdverseData Steady(Seconds lag) {
  return {fmt::format("steady {} s", lag.count()), [lag](WallTime) { return lag; }};
}

AdverseData Drifting(Seconds drift, Seconds each) {
  const auto half_period = static_cast<double>((3300s / drift) * each.count());
  return {fmt::format("drifting {} s each {} s", drift.count(), each.count()),
          [half_period](WallTime at) {
            const double phase = std::fmod(UnixSeconds(at) / half_period, 2.0);
            const double share = phase < 1.0 ? phase : 2.0 - phase;
            return Milliseconds(static_cast<std::int64_t>(300'000 + 3'300'000 * share));
          }};
}

AdverseData Wavering(Seconds lag, Seconds amplitude) {
  return {fmt::format("{} s wavering by {} s", lag.count(), amplitude.count()),
          [lag, amplitude](WallTime at) {
            const auto span = static_cast<std::uint64_t>(2 * amplitude.count() + 1);
            const auto here = static_cast<std::uint64_t>(at.time_since_epoch() / kQuarterHour);
            return Milliseconds(lag - amplitude +
                                Seconds(static_cast<std::int64_t>(Mixed(here) % span)));
          }};
}

AdverseData Jumping(std::uint64_t seed, Seconds each) {
  return {fmt::format("jumping each {} s", each.count()), [seed, each](WallTime at) {
            const auto here = static_cast<std::uint64_t>(at.time_since_epoch() / each);
            return Milliseconds(Seconds(300 + Mixed(seed + here) % 3300));
          }};
}

std::string_view Name(Manner manner) {
  switch (manner) {
    case Manner::kGood: return "good";
    case Manner::kSparse: return "sparse";
    case Manner::kFrozen: return "frozen";
    case Manner::kBehind: return "behind";
    case Manner::kGlitching: return "glitching";
    case Manner::kDead: break;
  }
  return "dead";
}

std::string AdverseWorld::NameOf(std::size_t query) const {
  const AdverseQuery& of = queries[query];
  return fmt::format("q{}_{}_{}_{}s", query, Name(of.manner), RequestName(of.interval),
                     of.poll_interval.count());
}

int Trace::Requests(SteadyTime from, SteadyTime to) const {
  return static_cast<int>(std::count_if(requests.begin(), requests.end(), [&](const auto& sent) {
    return sent.at >= from && sent.at < to;
  }));
}

int Trace::RequestsOf(std::size_t query, SteadyTime from, SteadyTime to) const {
  return static_cast<int>(std::count_if(asks[query].begin(), asks[query].end(), [&](auto ask) {
    return requests[ask].at >= from && requests[ask].at < to;
  }));
}

std::vector<Trace::Wait> Trace::Waits(const AdverseWorld& world, std::size_t query, SteadyTime from,
                                      SteadyTime to) const {
  const AdverseData& data = world.data[world.queries[query].data];
  const Seconds step = Length(world.queries[query].interval);
  std::vector<Wait> waits;
  std::size_t next = 0;
  for (WallTime end = FloorTo(WallAt(from), step) - 2h; end < WallAt(to); end += step) {
    const WallTime available = data.AvailableAt(FloorTo(end, step));
    if (available < WallAt(from) || available >= WallAt(to)) continue;
    const auto found = [&](std::size_t ask) {
      return requests[ask].good && *requests[ask].reach >= FloorTo(end, step);
    };
    while (next < asks[query].size() && !found(asks[query][next])) ++next;
    const WallTime answered =
        next < asks[query].size() ? WallAt(requests[asks[query][next]].ended) : WallAt(to);
    waits.push_back({FloorTo(end, step), std::max(0ms, answered - available)});
  }
  return waits;
}

Trace Run(const AdverseWorld& world) {
  std::optional<Api> api;
  PollerFixture f([&api](const PollerFixture::Request& request) { return (*api)(request); },
                  QueriesText(world),
                  fmt::format("  rate_limit: {}\n  max_series_per_request: {}\n", world.rate_limit,
                              world.max_series));
  // Some moment of a week.
  f.clock.StepWall(Seconds(static_cast<std::int64_t>(Mixed(world.seed) % 604'800)));
  api.emplace(world, f.clock.Now().wall);
  for (Milliseconds at = 10min; at < world.length; at += 10min) {
    f.http.At(at, [&] { api->CheckPage(*f.Now(), f.clock.Now().steady); });
  }
  for (const auto& [at, step] : world.clock_steps) {
    f.http.At(at, [&f, by = step] { f.clock.StepWall(by); });
  }
  f.RunFor(world.length);
  api->trace().most_in_flight = f.http.most_in_flight();
  api->trace().errors = f.LinesWith(" level=error ");
  return std::move(api->trace());
}

namespace spoil {

std::function<void(PollerFixture::Answer&, Dice&)> Status(
    int status, const std::optional<std::string>& retry_after) {
  return [status, retry_after](PollerFixture::Answer& answer, Dice&) {
    HttpResponse response = Response(status, ErrorAnswer(1000 + status, "spoiled"));
    if (retry_after) response.headers.emplace_back("retry-after", *retry_after);
    answer.result = std::move(response);
  };
}

std::function<void(PollerFixture::Answer&, Dice&)> TellsLow(const std::string& usual,
                                                            const std::string& low, double share) {
  return [usual, low, share](PollerFixture::Answer& answer, Dice& dice) {
    answer.result.value().headers.emplace_back("ratelimit", dice.Chance(share) ? low : usual);
  };
}

void TimesOut(PollerFixture::Answer& answer, Dice&) {
  answer.result = Failure(FailureReason::kTimeout, "spoiled");
  answer.takes = 20s;
}

void Refuses(PollerFixture::Answer& answer, Dice&) {
  answer.result = Failure(FailureReason::kConnect, "spoiled");
  answer.takes = 1ms;
}

void IsHtml(PollerFixture::Answer& answer, Dice&) {
  answer.result = Response(200, "<html>spoiled</html>");
}

void HasRawValues(PollerFixture::Answer& answer, Dice&) {
  std::string& body = answer.result.value().body;
  body.replace(body.find("PERCENTAGE"), std::string_view("PERCENTAGE").size(), "RAW_VALUES");
}

}  // namespace spoil

}  // namespace radar_spoof::test
