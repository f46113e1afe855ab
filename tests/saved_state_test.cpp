#include "radar_spoof/publish/saved_state.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "radar_spoof/words/hash.h"

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
                   .up = true,
                   .held_until = WallTime(Milliseconds(1'780'000'950'000)),
                   .queries = {}};
  state.queries.push_back({.name = "a \"quoted\" \\ näme",
                           .asks = "arc=any",
                           .asked = WallTime(Milliseconds(1'780'000'901'000)),
                           .ended = true,
                           .last_success = WallTime(Milliseconds(1'780'000'901'500)),
                           .failure = FailureReason::kRateLimited,
                           .sample = FullSample()});
  state.queries.push_back({.name = "never answered",
                           .asks = "arc=PASS",
                           .asked = WallTime(Milliseconds(0)),
                           .ended = false,
                           .last_success = std::nullopt,
                           .failure = std::nullopt,
                           .sample = std::nullopt});
  return state;
}

// What a writer of the same version, but another program, might have left.
std::string Framed(const std::string& json) {
  const std::string body = json + "\n";
  return fmt::format("radar_spoof_exporter-state-1 {:016x}\n{}", Fnv1a(body), body);
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
  const std::string query =
      R"({"base_url":"x","up":true,"queries":[{"name":"a","asks":"b","asked":1,"ended":true,)";
  const std::string sample =
      R"("last_success":1,"sample":{"spoof":0.1,"not_spoof":0.9,"annotations":[0,0,0,0,0,0,0])";
  REQUIRE(ErrorOf(Framed(query + sample + "}}]}")) == "accepted");
  std::string too_long = "0";
  for (std::size_t i = 0; i < kTrendLength; ++i) too_long += " 0";
  struct Row {
    std::string text;
    std::string reason;
  };
  const Row rows[] = {
      {"", "it is not a state file of this version"},
      {"\n", "it is not a state file of this version"},
      {"{}\n", "it is not a state file of this version"},
      {"radar_spoof_exporter-state-2 00\n{}\n", "it is not a state file of this version"},
      {"radar_spoof_exporter-state-1 0000000000000000\n{}\n",
       "it is damaged: its hash does not fit"},
      {"radar_spoof_exporter-state-1", "it is damaged: its hash does not fit"},
      {Framed("[1"), "it is damaged: Missing a comma or ']' after an array element. at byte 2"},
      {Framed("[]"), "it is not this program's: base_url is not there"},
      {Framed(R"({"base_url":"x","up":1,"queries":[]})"),
       "it is not this program's: up is not there"},
      {Framed(R"({"base_url":"x","up":true,"queries":[{"name":"a"}]})"),
       "it is not this program's: asked is not there"},
      {Framed(R"({"base_url":"x","up":true,"held_until":-1,"queries":[]})"),
       "it is not this program's: a time is none"},
      {Framed(R"({"base_url":"x","up":true,"held_until":99999999999999999999,"queries":[]})"),
       "it is not this program's: a number is none"},
      {Framed(query + R"("failure":"bored"}]})"),
       "it is not this program's: a failure has no known reason"},
      {Framed(query + R"("last_success":1}]})"), "it is not this program's: a sample has no time"},
      {Framed(query + R"("last_success":1,"sample":{"spoof":15,"not_spoof":85}}]})"),
       "it is not this program's: a ratio is not within 0 and 1"},
      {Framed(query + R"("last_success":1,"sample":{"spoof":0,"not_spoof":1,"annotations":[]}}]})"),
       "it is not this program's: annotations differ"},
      {Framed(query + sample + R"(,"trend":"1 x"}}]})"),
       "it is not this program's: a trend is none"},
      {Framed(query + sample + R"(,"trend":"1  2"}}]})"),
       "it is not this program's: a trend is none"},
      {Framed(query + sample + R"(,"trend":"10001"}}]})"),
       "it is not this program's: a trend is none"},
      {Framed(query + sample + R"(,"trend":")" + too_long + "\"}}]}"),
       "it is not this program's: a trend is none"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(ErrorOf(row.text) == row.reason);
  }
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
        "control=false");
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
}

}  // namespace
}  // namespace radar_spoof::test
