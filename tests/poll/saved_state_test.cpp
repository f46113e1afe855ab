#include "radar_spoof/poll/saved_state.h"

#include <cmath>
#include <limits>
#include <random>

#include <doctest/doctest.h>

#include "support/state_lines.h"

namespace radar_spoof::test {
namespace {

SpoofSample FullSample() {
  SpoofSample sample{.spoof = *Ratio::FromPercent(15.494953),
                     .not_spoof = *Ratio::FromPercent(84.505047),
                     .bucket_start = WallTime(Milliseconds(1'780'000'000'000)),
                     .window = WindowStatistics{0.1 + 0.2, 1.0 / 3},
                     .control = *Ratio::FromPercent(100.0 / 3),
                     .confidence_level = 4,
                     .last_updated = WallTime(Milliseconds(1'780'000'900'123))};
  sample.annotations = {0, 1, 2, 3, 4, 5, 6};
  sample.trend = {0.1234F, std::numeric_limits<float>::quiet_NaN(), 1.0F, 0.0F};
  return sample;
}

SavedState FullState() {
  SavedState state{.base_url = "https://api.cloudflare.com/client/v4",
                   .path = "/radar/email/security/timeseries_groups/spoof",
                   .up = true,
                   .held_until = WallTime(Milliseconds(1'780'000'950'000)),
                   .queries = {}};
  state.queries.push_back({.name = "a \"quoted\" \\ näme",
                           .asks = "arc=any",
                           .asked = WallTime(Milliseconds(1'780'000'901'000)),
                           .ended = true,
                           .last_success = WallTime(Milliseconds(1'780'000'901'500)),
                           .failure = FailureReason::kRateLimited,
                           .sample = FullSample(),
                           .logged = WallTime(Milliseconds(1'780'000'000'000))});
  state.queries.push_back({.name = "never answered",
                           .asks = "arc=PASS",
                           .asked = WallTime(Milliseconds(0)),
                           .ended = false,
                           .last_success = std::nullopt,
                           .failure = std::nullopt,
                           .sample = std::nullopt});
  return state;
}

std::string ErrorOf(const std::string& text) {
  const auto state = ReadSavedState(text);
  return state ? "accepted" : state.error();
}

TEST_CASE("what is written is read back, to the last bit") {
  const auto read = ReadSavedState(WriteSavedState(FullState()));
  REQUIRE(read);
  const SavedState& state = read.value();
  CHECK(state.base_url == FullState().base_url);
  CHECK(state.up);
  CHECK(state.held_until == FullState().held_until);
  REQUIRE(state.queries.size() == 2);
  const SavedQuery& query = state.queries[0];
  CHECK(query.name == FullState().queries[0].name);
  CHECK(query.asks == "arc=any");
  CHECK(query.asked == FullState().queries[0].asked);
  CHECK(query.ended);
  CHECK(query.last_success == FullState().queries[0].last_success);
  CHECK(query.failure == FailureReason::kRateLimited);
  CHECK(query.logged == FullState().queries[0].logged);
  REQUIRE(query.sample);
  const SpoofSample sample = FullSample();
  CHECK(query.sample->spoof == sample.spoof);
  CHECK(query.sample->not_spoof == sample.not_spoof);
  CHECK(query.sample->bucket_start == sample.bucket_start);
  REQUIRE(query.sample->window);
  CHECK(query.sample->window->mean == sample.window->mean);
  CHECK(query.sample->window->standard_deviation == sample.window->standard_deviation);
  CHECK(query.sample->control == sample.control);
  CHECK(query.sample->confidence_level == 4);
  CHECK(query.sample->annotations == sample.annotations);
  CHECK(query.sample->last_updated == sample.last_updated);
  REQUIRE(query.sample->trend.size() == 4);
  CHECK(query.sample->trend[0] == doctest::Approx(0.1234));
  CHECK(std::isnan(query.sample->trend[1]));
  CHECK(query.sample->trend[2] == 1.0F);
  CHECK(query.sample->trend[3] == 0.0F);
  CHECK_FALSE(state.queries[1].sample);
  CHECK_FALSE(state.queries[1].failure);
  CHECK_FALSE(state.queries[1].ended);
}

TEST_CASE("a text cut short anywhere, or with any byte changed, is refused") {
  const std::string whole = WriteSavedState(FullState());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(ReadSavedState(whole.substr(0, length)).ok());
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(ReadSavedState(changed).ok());
  }
  CHECK_FALSE(ReadSavedState(whole + "x").ok());
}

TEST_CASE("a foreign text is refused with the reason") {
  struct Row {
    std::string text;
    std::string reason;
  };
  const Row rows[] = {
      {"", "it is not a state file of this version"},
      {"\n", "it is not a state file of this version"},
      {"{}\n", "it is not a state file of this version"},
      {"radar_spoof_exporter-state-1 00\n{}\n", "it is not a state file of this version"},
      {"radar_spoof_exporter-state-2 0000000000000000\n{}\n",
       "it is not a state file of this version"},
      {"radar_spoof_exporter state 3\n0000000000000000 {}\n",
       "it is damaged: its hash does not match"},
      {"radar_spoof_exporter state 3", "it is damaged: it was cut short"},
      {StateOf(R"({"base_url":"x","path":"/","up":true,"queries":1})"),
       "it is damaged: it was cut short"},
      {StateOf(R"({"base_url":"x","path":"/","up":true})"),
       "it is not this program's: queries is missing"},
      {StateOf("[1"),
       "it is not this program's: Missing a comma or ']' after an array element. at byte 2"},
      {StateOf("[]"), "it is not this program's: base_url is missing"},
      {StateOf(R"({"base_url":"x","up":true})"), "it is not this program's: path is missing"},
      {StateOf(R"({"base_url":"x","path":"/","up":1})"), "it is not this program's: up is missing"},
      {StateOf(R"({"base_url":"x","path":"/","up":true,"held_until":99999999999999999})"),
       "it is not this program's: a time cannot be read"},
      {StateOf(R"({"base_url":"x","path":"/","up":true,"held_until":99999999999999999999})"),
       "it is not this program's: a number cannot be read"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(ErrorOf(row.text) == row.reason);
  }
}

TEST_CASE("a query that cannot be read costs that query, not the others and not the hold") {
  const std::string first = R"({"base_url":"x","path":"/","up":true,"held_until":5,"queries":3})"
                            "\n";
  const std::string query = R"({"name":"a","asks":"b","asked":1,"ended":true)";
  const std::string sample =
      R"(,"last_success":1,"sample":{"spoof":0.1,"not_spoof":0.9,"last_updated":1,)"
      R"("annotations":[0,0,0,0,0,0,0])";
  std::string too_long = "0";
  for (std::size_t i = 0; i < kTrendLength; ++i) too_long += " 0";
  struct Row {
    std::string bad;
    std::string reason;
  };
  const Row rows[] = {
      {"", "The document is empty. at byte 0"},
      {R"({"name":"a"})", "asked is missing"},
      {query + R"(,"failure":"bored"})", "a failure has no known reason"},
      {query + R"(,"last_success":1})", "a sample has no time"},
      {query + R"(,"last_success":999999999999999})", "a time cannot be read"},
      {query + R"(,"last_success":1,"sample":{"spoof":15,"not_spoof":85}})",
       "a ratio is not within 0 and 1"},
      {query +
           R"(,"last_success":1,"sample":{"spoof":0,"not_spoof":1,"last_updated":1,"annotations":[]}})",
       "annotations differ"},
      {query + R"(,"last_success":1,"sample":{"spoof":0,"not_spoof":1,"annotations":[]}})",
       "last_updated is missing"},
      {query + sample + R"(,"trend":"1 x"}})", "the trend cannot be read"},
      {query + sample + R"(,"trend":"1  2"}})", "the trend cannot be read"},
      {query + sample + R"(,"trend":"10001"}})", "the trend cannot be read"},
      {query + sample + R"(,"trend":")" + too_long + "\"}}", "the trend cannot be read"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bad);
    const std::string good = query + sample + "}}\n";
    const auto state = ReadSavedState(StateOf(first + good + row.bad + "\n" + query + "}"));
    REQUIRE(state);
    CHECK(state.value().held_until == WallTime(Milliseconds(5)));
    CHECK(state.value().queries.size() == 2);
    CHECK(state.value().queries[0].sample);
    CHECK(state.value().refused == 1);
    CHECK(state.value().refusal == row.reason);
  }
}

// Values of every kind, those at the ends more often than others.
class AnyValue {
 public:
  explicit AnyValue(std::uint32_t seed) : random_(seed) {}

  bool Maybe() { return Between(0, 1) == 1; }
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  // Whatever an answer's time, or a clock that is wrong, may say.
  WallTime Time() {
    constexpr std::int64_t kYear0 = -62'167'219'200'000;
    constexpr std::int64_t kYear1 = -62'135'596'800'000;  // 0001-01-01
    constexpr std::int64_t kYear10000 = 253'402'300'800'000;
    constexpr std::int64_t kEnds[] = {kYear0, kYear1, -1, 0, 1, kYear10000 - 1};
    return WallTime(Milliseconds(Maybe() ? kEnds[Between(0, 5)] : Between(kYear0, kYear10000 - 1)));
  }
  double Fraction() {
    constexpr double kEnds[] = {0.0, 1.0, std::numeric_limits<double>::denorm_min(), 1.0 / 3};
    return Maybe() ? kEnds[Between(0, 3)] : std::uniform_real_distribution<>(0, 1)(random_);
  }
  SpoofSample Sample() {
    SpoofSample sample{.spoof = *Ratio::FromFraction(Fraction()),
                       .not_spoof = *Ratio::FromFraction(Fraction()),
                       .bucket_start = {},
                       .window = {},
                       .control = {},
                       .confidence_level = {},
                       .last_updated = Time()};
    if (Maybe()) sample.bucket_start = Time();
    if (Maybe()) sample.window = {Fraction(), Fraction()};
    if (Maybe()) sample.control = Ratio::FromFraction(Fraction());
    if (Maybe()) sample.expectation = {Fraction(), Fraction(), static_cast<int>(Between(0, 24))};
    if (Maybe()) sample.confidence_level = static_cast<int>(Between(1, 5));
    for (int& count : sample.annotations) count = static_cast<int>(Between(0, 1000));
    std::vector<float> trend;
    for (std::int64_t left = Between(0, kTrendLength); left > 0; --left) {
      trend.push_back(Maybe() ? static_cast<float>(Fraction())
                              : std::numeric_limits<float>::quiet_NaN());
    }
    sample.trend = trend;
    return sample;
  }

 private:
  std::minstd_rand random_;
};

TEST_CASE("whatever a sample may hold is read back, and nothing written is refused") {
  AnyValue any(7);
  SavedState state{.base_url = "x", .path = "/", .up = true, .held_until = any.Time()};
  for (int i = 0; i < 2000; ++i) {
    SavedQuery query{.name = std::to_string(i), .asks = "", .asked = any.Time(), .ended = true};
    if (any.Maybe())
      query.failure = kAllFailureReasons[static_cast<std::size_t>(any.Between(0, 14))];
    if (any.Maybe()) {
      query.last_success = any.Time();
      query.sample = any.Sample();
    }
    state.queries.push_back(query);
  }
  const std::string written = WriteSavedState(state);
  const auto read = ReadSavedState(written);
  REQUIRE(read);
  CHECK(read.value().refused == 0);
  CHECK(read.value().held_until == state.held_until);
  REQUIRE(read.value().queries.size() == state.queries.size());
  CHECK(WriteSavedState(read.value()) == written);
  for (std::size_t i = 0; i < state.queries.size(); ++i) {
    CAPTURE(i);
    const SavedQuery& before = state.queries[i];
    const SavedQuery& after = read.value().queries[i];
    CHECK(after.asked == before.asked);
    CHECK(after.failure == before.failure);
    CHECK(after.last_success == before.last_success);
    REQUIRE(after.sample.has_value() == before.sample.has_value());
    if (!before.sample) continue;
    CHECK(after.sample->spoof == before.sample->spoof);
    CHECK(after.sample->bucket_start == before.sample->bucket_start);
    CHECK(after.sample->last_updated == before.sample->last_updated);
    CHECK(after.sample->control == before.sample->control);
    CHECK(after.sample->expectation == before.sample->expectation);
    CHECK(after.sample->trend.size() == before.sample->trend.size());
  }
}

TEST_CASE("what cannot be read back is not written, and costs nothing else") {
  SavedState state = FullState();
  const WallTime beyond{Milliseconds(253'402'300'800'000)};
  state.held_until = WallTime::max();
  state.queries[0].sample->bucket_start = beyond;
  state.queries[0].sample->window = {std::numeric_limits<double>::infinity(), 0};
  state.queries[1].asked = WallTime::min();
  state.queries.push_back(FullState().queries[0]);
  state.queries[2].last_success = beyond;
  state.queries.push_back(FullState().queries[0]);
  state.queries[3].sample->last_updated = beyond;
  const auto read = ReadSavedState(WriteSavedState(state));
  REQUIRE(read);
  CHECK(read.value().refused == 0);
  CHECK_FALSE(read.value().held_until);
  REQUIRE(read.value().queries.size() == 3);
  CHECK(read.value().queries[0].sample->last_updated == FullSample().last_updated);
  CHECK_FALSE(read.value().queries[0].sample->bucket_start);
  CHECK_FALSE(read.value().queries[0].sample->window);
  CHECK_FALSE(read.value().queries[1].sample);
  CHECK_FALSE(read.value().queries[2].sample);
}

TEST_CASE("as many queries as a configuration may have are read back, and the text has its limit") {
  SavedState state{.base_url = "x", .path = "/", .up = true};
  state.queries.assign(20'000, FullState().queries[0]);
  auto read = ReadSavedState(WriteSavedState(state));
  REQUIRE(read);
  CHECK(read.value().queries.size() == 20'000);
  for (SavedQuery& query : state.queries) query.name.assign(10'000, 'x');
  const std::string longest = WriteSavedState(state);
  CHECK(longest.size() <= kSavedStateLimit);
  read = ReadSavedState(longest);
  REQUIRE(read);
  CHECK(read.value().queries.size() > 3'000);
  CHECK(read.value().refused == 0);
}

TEST_CASE("what a query asks is told apart by everything that changes its numbers") {
  Query query{.name = "a",
              .filters = {},
              .agg_interval = AggInterval::k15m,
              .date_range = *DateRange::Parse("1d"),
              .control = false,
              .poll_interval = Seconds(900)};
  const std::string asks = AsksFor(query);
  CHECK(asks ==
        "arc=any dkim=any dmarc=any spf=any tls_version=any agg_interval=15m date_range=1d "
        "control=false expected=3/1.5/0.03/0.05");
  Query other = query;
  other.name = "b";
  other.poll_interval = Seconds(60);
  CHECK(AsksFor(other) == asks);
  other = query;
  REQUIRE(other.filters.Add(Dimension::kSpf, "FAIL"));
  CHECK(AsksFor(other) != asks);
  other = query;
  other.agg_interval = AggInterval::k1h;
  CHECK(AsksFor(other) != asks);
  other = query;
  other.date_range = *DateRange::Parse("2d");
  CHECK(AsksFor(other) != asks);
  other = query;
  other.control = true;
  CHECK(AsksFor(other) != asks);
  other = query;
  other.alert.expected.floor = 0.06;
  CHECK(AsksFor(other) != asks);
  other = query;
  other.alert.severity = AlertSeverity::kNone;
  CHECK(AsksFor(other) == asks);
}

}  // namespace
}  // namespace radar_spoof::test
