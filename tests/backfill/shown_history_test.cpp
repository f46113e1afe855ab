#include "src/backfill/shown_history.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kMaxAge = 6h;

WallTime MomentOf(std::string_view text) { return *ParseRfc3339(text); }
const WallTime kMidday = MomentOf("2026-06-09T12:00:00Z");
const WallTime kNever = MomentOf("2030-01-01T00:00:00Z");

SpoofBucket Bucket(WallTime start, double percent) {
  return {start, *Ratio::FromPercent(percent), *Ratio::FromPercent(100 - percent)};
}

// Hourly from noon on; a percentage below 0 is a gap.
std::vector<SpoofBucket> Hourly(const std::vector<double>& percents) {
  std::vector<SpoofBucket> buckets;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    if (percents[i] >= 0) buckets.push_back(Bucket(kMidday + i * 1h, percents[i]));
  }
  return buckets;
}

std::string HoursOf(const TimeRange& range) {
  return FormatRfc3339(range.from).substr(11, 5) + "-" + FormatRfc3339(range.to).substr(11, 5);
}

std::vector<std::string> Times(const std::vector<ShownBucket>& shown) {
  std::vector<std::string> texts;
  for (const ShownBucket& bucket : shown) texts.push_back(HoursOf(bucket.shown));
  return texts;
}

using Strings = std::vector<std::string>;
const Query kHourly = test::MakeQuery("q", AggInterval::k1h, "1d");

TEST_CASE("a bucket is shown from its end and the lag until the next one is") {
  const auto history = Hourly({10, 20, 30});
  const auto shown = ShownHistory(kHourly, history, {kMidday, kMidday + 3h}, kMaxAge, kNever);
  CHECK(Times(shown) == Strings{"13:30-14:30", "14:30-15:30", "15:30-16:30"});
  REQUIRE(shown.size() == 3);
  CHECK(shown[1].bucket_start == kMidday + 1h);
  CHECK(shown[1].spoof.value() == 0.2);
  CHECK(shown[1].not_spoof.value() == 0.8);
}

TEST_CASE("over a gap the last bucket stays, as on the page, but not beyond max_data_age") {
  const auto history = Hourly({10, -1, 30, -1, -1, -1, -1, 80});
  const auto shown = ShownHistory(kHourly, history, {kMidday, kMidday + 8h}, 3h, kNever);
  CHECK(Times(shown) == Strings{"13:30-15:30", "15:30-18:00", "20:30-21:30"});
}

TEST_CASE("over a gap at the end of the range the last bucket stays as well") {
  const auto history = Hourly({10, 20, -1, -1, -1, -1});
  const TimeRange range{kMidday, kMidday + 6h};
  CHECK(Times(ShownHistory(kHourly, history, range, 3h, kNever)) ==
        Strings{"13:30-14:30", "14:30-17:00"});
  CHECK(Times(ShownHistory(kHourly, history, range, 24h, kNever)) ==
        Strings{"13:30-14:30", "14:30-19:30"});
}

TEST_CASE("buckets outside the range lend to windows only") {
  const auto history = Hourly({10, 20, 30, 40});
  const auto shown = ShownHistory(kHourly, history, {kMidday + 2h, kMidday + 3h}, kMaxAge, kNever);
  CHECK(Times(shown) == Strings{"15:30-16:30"});
  REQUIRE(shown.front().window);
  CHECK(shown.front().window->mean == doctest::Approx(0.15));
}

TEST_CASE("nothing is shown at the end or later") {
  const auto history = Hourly({10, 20, 30});
  const TimeRange range{kMidday, kMidday + 3h};
  CHECK(Times(ShownHistory(kHourly, history, range, kMaxAge, kMidday + 3h)) ==
        Strings{"13:30-14:30", "14:30-15:00"});
  CHECK(ShownHistory(kHourly, history, range, kMaxAge, kMidday + 90min).empty());
}

TEST_CASE("the window is the buckets that an answer of that day would have held") {
  // dateRange 1d of hours: 23 buckets before the sample's.
  std::vector<SpoofBucket> history = {Bucket(kMidday - 24h, 90), Bucket(kMidday - 23h, 10),
                                      Bucket(kMidday - 1h, 30), Bucket(kMidday, 50)};
  const TimeRange only{kMidday, kMidday + 1h};
  auto shown = ShownHistory(kHourly, history, only, kMaxAge, kNever);
  REQUIRE(shown.size() == 1);
  REQUIRE(shown.front().window);
  CHECK(shown.front().window->mean == doctest::Approx(0.2));
  CHECK(shown.front().window->standard_deviation == doctest::Approx(0.1414213562));

  history.erase(history.begin() + 1);
  shown = ShownHistory(kHourly, history, only, kMaxAge, kNever);
  REQUIRE(shown.size() == 1);
  CHECK_FALSE(shown.front().window);  // one bucket is no window
}

TEST_CASE("a range shorter than its interval has no window") {
  const WallTime monday = MomentOf("2026-06-08T00:00:00Z");
  const std::vector<SpoofBucket> history = {Bucket(monday - 7 * 24h, 1), Bucket(monday, 2),
                                            Bucket(monday + 7 * 24h, 3)};
  const Query query = test::MakeQuery("q", AggInterval::k1w, "3d");
  for (const ShownBucket& bucket :
       ShownHistory(query, history, {monday, monday + 14 * 24h}, 21 * 24h, kNever)) {
    CHECK_FALSE(bucket.window);
  }
}

TEST_CASE("the control is the bucket one control period earlier, where there is one") {
  Query query = test::MakeQuery("q", AggInterval::k1d, "10d");
  query.control = true;
  const WallTime day = MomentOf("2026-06-15T00:00:00Z");
  const std::vector<SpoofBucket> history = {Bucket(day - 14 * 24h, 25), Bucket(day, 50),
                                            Bucket(day + 24h, 60)};
  const TimeRange range{day, day + 48h};
  auto shown = ShownHistory(query, history, range, 72h, kNever);
  REQUIRE(shown.size() == 2);
  REQUIRE(shown[0].control);
  CHECK(shown[0].control->value() == 0.25);
  CHECK_FALSE(shown[1].control);

  query.control = false;
  shown = ShownHistory(query, history, range, 72h, kNever);
  REQUIRE(shown.size() == 2);
  CHECK_FALSE(shown[0].control);
}

TEST_CASE("no history, nothing shown") {
  CHECK(ShownHistory(kHourly, {}, {kMidday, kMidday + 3h}, kMaxAge, kNever).empty());
}

const WallTime kMidnight = *ParseRfc3339("2026-06-09T00:00:00Z");  // 1780963200

ShownBucket Shown(Milliseconds from, Milliseconds to, double percent) {
  return {.shown = {kMidnight + from, kMidnight + to},
          .bucket_start = kMidnight + from - 90min,
          .spoof = *Ratio::FromPercent(percent),
          .not_spoof = *Ratio::FromPercent(100 - percent),
          .window = std::nullopt,
          .control = std::nullopt};
}

std::vector<std::string> HistoryLines(const std::vector<QueryHistory>& queries,
                                      const std::vector<ExternalLabel>& labels = {},
                                      Seconds step = 300s) {
  std::ostringstream out;
  const auto size = WriteHistory(
      queries, labels, step, [] { return false; }, out);
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  const auto samples = static_cast<std::uint64_t>(
      std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line[0] != '#'; }));
  REQUIRE(size);
  CHECK(size->samples == samples);
  return lines;
}

std::vector<std::string> Starting(const std::vector<std::string>& lines, std::string_view prefix) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    if (line.starts_with(prefix)) found.push_back(line);
  }
  return found;
}

using Strings = std::vector<std::string>;
const Query kAll = test::MakeQuery("all");

TEST_CASE("a series is named as it is scraped, and then by the labels given") {
  Query query = test::MakeQuery("a \"b\"\\");
  REQUIRE(query.filters.Add(Dimension::kDmarc, "NONE"));
  REQUIRE(query.filters.Add(Dimension::kDmarc, "FAIL"));
  const auto lines = HistoryLines({{query, {Shown(0s, 300s, 12.5)}}},
                                  {{"job", "radar"}, {"instance", "host:10766\n"}});
  CHECK(Starting(lines, "cloudflare_radar_email_spoof_ratio{") ==
        Strings{R"(cloudflare_radar_email_spoof_ratio{query="a \"b\"\\",arc="any",dkim="any",)"
                R"(dmarc="FAIL,NONE",spf="any",tls_version="any",job="radar",)"
                R"(instance="host:10766\n"} 0.125 1780963200)"});
  CHECK(Starting(lines, "cloudflare_radar_query_sample_timestamp_seconds{") ==
        Strings{R"(cloudflare_radar_query_sample_timestamp_seconds{query="a \"b\"\\",job="radar",)"
                R"(instance="host:10766\n"} 1780957800 1780963200)"});
}

TEST_CASE("values stand at whole steps of the time they are shown, the end excluded") {
  const auto times = [](Milliseconds from, Milliseconds to, Seconds step) {
    std::string text;
    for (const std::string& line : Starting(HistoryLines({{kAll, {Shown(from, to, 50)}}}, {}, step),
                                            "cloudflare_radar_email_spoof_ratio{")) {
      const auto at = std::stoll(line.substr(line.rfind(' ') + 1));
      text += std::to_string(at - kMidnight.time_since_epoch() / 1s) + " ";
    }
    return text;
  };
  CHECK(times(0s, 900s, 300s) == "0 300 600 ");
  CHECK(times(1s, 901s, 300s) == "300 600 900 ");
  CHECK(times(0s, 90s, 60s) == "0 60 ");
  CHECK(times(500ms, 2500ms, 1s) == "1 2 ");
  CHECK(times(1s, 299s, 300s).empty());
}

TEST_CASE("each family stands once, with its series one after the other, each in order of time") {
  ShownBucket with_all = Shown(300s, 600s, 40);
  with_all.window = WindowStatistics{0.25, 0.125};
  with_all.control = *Ratio::FromPercent(10);
  with_all.expectation = {.ratio = 0.125, .upper = 0.25, .buckets_above = 3};
  const auto lines = HistoryLines(
      {{kAll, {Shown(0s, 300s, 30), with_all}}, {test::MakeQuery("other"), {Shown(0s, 300s, 50)}}});
  Strings short_lines;
  for (const std::string& line : lines) {
    if (line.starts_with("# HELP")) continue;
    const std::size_t labels = line.find("\",");
    short_lines.push_back(line.starts_with('#') ? line
                                                : line.substr(0, std::min(labels, line.find('}'))) +
                                                      line.substr(line.find("} ") + 1));
  }
  const std::string email = "cloudflare_radar_email_";
  const std::string sample = "cloudflare_radar_query_sample_timestamp_seconds";
  CHECK(short_lines == Strings{"# TYPE " + email + "spoof_ratio gauge",
                               "# UNIT " + email + "spoof_ratio ratio",
                               email + "spoof_ratio{query=\"all 0.3 1780963200",
                               email + "spoof_ratio{query=\"all 0.4 1780963500",
                               email + "spoof_ratio{query=\"other 0.5 1780963200",
                               "# TYPE " + email + "not_spoof_ratio gauge",
                               "# UNIT " + email + "not_spoof_ratio ratio",
                               email + "not_spoof_ratio{query=\"all 0.7 1780963200",
                               email + "not_spoof_ratio{query=\"all 0.6 1780963500",
                               email + "not_spoof_ratio{query=\"other 0.5 1780963200",
                               "# TYPE " + email + "spoof_window_mean_ratio gauge",
                               "# UNIT " + email + "spoof_window_mean_ratio ratio",
                               email + "spoof_window_mean_ratio{query=\"all 0.25 1780963500",
                               "# TYPE " + email + "spoof_window_stddev_ratio gauge",
                               "# UNIT " + email + "spoof_window_stddev_ratio ratio",
                               email + "spoof_window_stddev_ratio{query=\"all 0.125 1780963500",
                               "# TYPE " + email + "spoof_control_ratio gauge",
                               "# UNIT " + email + "spoof_control_ratio ratio",
                               email + "spoof_control_ratio{query=\"all 0.1 1780963500",
                               "# TYPE " + email + "spoof_expected_ratio gauge",
                               "# UNIT " + email + "spoof_expected_ratio ratio",
                               email + "spoof_expected_ratio{query=\"all 0.125 1780963500",
                               "# TYPE " + email + "spoof_expected_upper_ratio gauge",
                               "# UNIT " + email + "spoof_expected_upper_ratio ratio",
                               email + "spoof_expected_upper_ratio{query=\"all 0.25 1780963500",
                               "# TYPE " + email + "spoof_buckets_above gauge",
                               email + "spoof_buckets_above{query=\"all 3 1780963500",
                               "# TYPE " + sample + " gauge",
                               "# UNIT " + sample + " seconds",
                               sample + "{query=\"all\" 1780957800 1780963200",
                               sample + "{query=\"all\" 1780958100 1780963500",
                               sample + "{query=\"other\" 1780957800 1780963200",
                               "# EOF"});
}

TEST_CASE("without history there is only the end") {
  CHECK(HistoryLines({{kAll, {}}}) == Strings{"# EOF"});
}

TEST_CASE("a label that a scrape could not add is refused") {
  for (const char* const good : {"job", "instance", "_x1", "Env"}) CHECK(IsExternalLabelName(good));
  for (const char* const bad : {"", "1x", "a-b", "a b", "__name__", "__x", "query", "arc", "dkim",
                                "dmarc", "spf", "tls_version", "job\n", "\xc3\xa4"}) {
    CAPTURE(bad);
    CHECK_FALSE(IsExternalLabelName(bad));
  }
}

}  // namespace
}  // namespace radar_spoof
