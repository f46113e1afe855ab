#include "src/backfill/history_text.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

const WallTime kMidnight = *ParseRfc3339("2026-06-09T00:00:00Z");  // 1780963200

ShownBucket Shown(Milliseconds from, Milliseconds to, double percent) {
  return {.shown = {kMidnight + from, kMidnight + to},
          .bucket_start = kMidnight + from - 90min,
          .spoof = *Ratio::FromPercent(percent),
          .not_spoof = *Ratio::FromPercent(100 - percent),
          .window = std::nullopt,
          .control = std::nullopt};
}

std::vector<std::string> Lines(const std::vector<QueryHistory>& queries,
                               const std::vector<ExternalLabel>& labels = {}, Seconds step = 300s) {
  std::ostringstream out;
  const HistoryTextSize size = WriteHistory(queries, labels, step, out);
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  const auto samples = static_cast<std::uint64_t>(
      std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line[0] != '#'; }));
  CHECK(size.samples == samples);
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
  const auto lines =
      Lines({{query, {Shown(0s, 300s, 12.5)}}}, {{"job", "radar"}, {"instance", "host:10766\n"}});
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
    for (const std::string& line : Starting(Lines({{kAll, {Shown(from, to, 50)}}}, {}, step),
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
  const auto lines = Lines(
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
  CHECK(Lines({{kAll, {}}}) == Strings{"# EOF"});
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
