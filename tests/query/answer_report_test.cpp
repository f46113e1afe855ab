#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "radar_spoof/cli/command.h"
#include "radar_spoof/core/metric_catalog.h"
#include "src/query/answer_json.h"
#include "src/query/answer_text.h"
#include "src/query/explanation.h"
#include "support/answered_query.h"
#include "support/contains.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::Asked;
using test::Contains;
using test::FullAnswer;

constexpr Terminal kWide{.columns = 76, .unicode = true};

std::string TextOf(const Asked& asked, const Terminal& terminal = kWide) {
  return AnswerText(asked.Answered(), terminal);
}

TEST_CASE("a whole answer in a wide terminal") {
  CHECK(TextOf(FullAnswer()) == R"(dmarc_fail
Asked         dmarc=FAIL, 1h buckets over 7d, with control period

Spoof         20.00 %
Not spoof     80.00 %
Bucket        2026-06-09 10:00 to 11:00 UTC, ended 1 hour ago
Usual         10.00 % ± 1.63, from the 4 buckets before
              the latest is 6.1 standard deviations above
Expected      unknown: the window is too short to say
Control       15.00 %, of 2026-06-02 10:00 to 11:00 UTC
Data of       2026-06-09 11:45 UTC, 20 minutes ago
Confidence    3 of 5: erratic data
Annotations   in the latest bucket: 1 PIPELINE
              GENERAL 2026-06-01 00:00 to 2026-06-02 00:00 UTC
              PIPELINE 2026-06-09 10:15 to 10:30 UTC

Spoof over the window, 0 to 20.00 %
▄▄▄▄▅▅▅▅▅▅▅▅    ▅▅▅▅████
2026-06-09 05:00

Bucket (UTC)         Spoof
2026-06-09 05:00    8.00 %  ████████████████
2026-06-09 06:00   10.00 %  ████████████████████
2026-06-09 07:00   12.00 %  ████████████████████████
2026-06-09 08:00         -
2026-06-09 09:00   10.00 %  ████████████████████
2026-06-09 10:00   20.00 %  ████████████████████████████████████████

Data: from api.test
)");
}

TEST_CASE("only Cloudflare's numbers are credited to Cloudflare, and made-up ones are called so") {
  AnsweredQuery answer = FullAnswer().Answered();
  answer.url = "https://api.cloudflare.com/client/v4/radar/email/spoof?format=JSON";
  const std::string real = AnswerText(answer, kWide);
  CHECK(real.ends_with("\nData: Cloudflare Radar (api.cloudflare.com), CC BY-NC 4.0\n"));
  CHECK(!Contains(real, "Simulated"));
  CHECK(Contains(AnswerJson(answer, Explained::kNo), R"("host":"api.cloudflare.com")"));

  for (const char* host : {"127.0.0.1:8787", "[::1]:8787", "localhost"}) {
    CAPTURE(host);
    answer.url = "http://" + std::string(host) + "/client/v4/spoof?x=http://api.cloudflare.com/";
    const std::string made_up = AnswerText(answer, kWide);
    CHECK(Contains(made_up, "Simulated data: these numbers are from " + std::string(host) + ","));
    CHECK(made_up.ends_with("\nData: from " + std::string(host) + "\n"));
    CHECK(!Contains(made_up, "Radar"));
  }
}

TEST_CASE("the same in a narrow one without Unicode") {
  CHECK(TextOf(FullAnswer(), {.columns = 30}) == R"(dmarc_fail
Asked         dmarc=FAIL, 1h
              buckets over 7d,
              with control
              period

Spoof         20.00 %
Not spoof     80.00 %
Bucket        2026-06-09 10:00
              to 11:00 UTC,
              ended 1 hour ago
Usual         10.00 % +/-
              1.63, from the 4
              buckets before
              the latest is
              6.1 standard
              deviations above
Expected      unknown: the
              window is too
              short to say
Control       15.00 %, of
              2026-06-02 10:00
              to 11:00 UTC
Data of       2026-06-09 11:45
              UTC, 20 minutes
              ago
Confidence    3 of 5: erratic
              data
Annotations   in the latest
              bucket: 1
              PIPELINE
              GENERAL
              2026-06-01 00:00
              to 2026-06-02
              00:00 UTC
              PIPELINE
              2026-06-09 10:15
              to 10:30 UTC

Spoof over the window, 0 to
20.00 %
----========    ====####
2026-06-09 05:00

Bucket (UTC)         Spoof
2026-06-09 05:00    8.00 %
2026-06-09 06:00   10.00 %
2026-06-09 07:00   12.00 %
2026-06-09 08:00         -
2026-06-09 09:00   10.00 %
2026-06-09 10:00   20.00 %

Data: from api.test
)");
}

TEST_CASE("no line is wider than the terminal, down to 16 columns, where a time stands") {
  for (int columns = 16; columns <= 120; ++columns) {
    CAPTURE(columns);
    const std::string text = TextOf(FullAnswer(), {.columns = columns, .unicode = true});
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      CAPTURE(line);
      // Rows of the table, and single long words, are not broken.
      const bool breakable = line.find(' ') != std::string::npos && !line.starts_with("2026-") &&
                             !line.starts_with("Bucket (UTC)") && !line.starts_with("Data: ");
      if (breakable) CHECK(Columns(line) <= static_cast<std::size_t>(columns));
      begin = end + 1;
    }
  }
  CHECK_FALSE(TextOf(FullAnswer(), {.columns = 1}).empty());
}

TEST_CASE("colours are an addition: without them the text is the same") {
  const std::string plain = TextOf(FullAnswer());
  std::string coloured = TextOf(FullAnswer(), {.columns = 76, .unicode = true, .colour = true});
  CHECK(Contains(coloured, "\x1b[31min the latest bucket: 1 PIPELINE\x1b[0m"));
  for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  CHECK(coloured == plain);
}

TEST_CASE("what is not known is said to be unknown") {
  Asked asked;
  asked.answer.serie_0.Bucket("2026-06-09T09:00:00Z", 10).Bucket("2026-06-09T10:00:00Z", 20);
  asked.query.control = true;
  asked.answer.serie_1.emplace().Bucket("2026-06-02T05:00:00Z", 14);
  asked.answer.meta.Set("confidenceInfo", "null");
  const std::string text = TextOf(asked);
  CHECK(Contains(text, "Usual         unknown: 1 bucket before the latest, 2 are needed\n"));
  CHECK(Contains(text, "Control       none: the answer has no such bucket that can be used\n"));
  CHECK(Contains(text, "Confidence    not given\n"));
  CHECK(Contains(text, "Annotations   none\n"));
}

TEST_CASE("an answer without times is shown without times") {
  Asked asked;
  asked.answer.serie_0.without_timestamps = true;
  asked.answer.serie_0.Bucket("", 10).Bucket("", 20).Bucket("", 30);
  const std::string text = TextOf(asked);
  CHECK(Contains(text, "Bucket        the last of the answer, which gives no times\n"));
  CHECK(Contains(text, "latest - 2         10.00 %"));
  CHECK(Contains(text, "latest             30.00 %"));
}

TEST_CASE("what was expected is said, and how many buckets in a row are far above") {
  Asked asked;
  asked.answer.serie_0.without_timestamps = true;
  for (int i = 0; i < 12; ++i) asked.answer.serie_0.Bucket("", 20);
  const std::string calm = TextOf(asked);
  CHECK(Contains(calm, "Expected      20.00 %, upper bound 30.00 %\n"));
  CHECK_FALSE(Contains(calm, "far above"));
  asked.answer.serie_0.Bucket("", 45);
  CHECK(Contains(TextOf(asked), "\n              the latest bucket is far above\n"));
  asked.answer.serie_0.Bucket("", 45);
  CHECK(Contains(TextOf(asked), "\n              the latest 2 buckets in a row are far above\n"));
  CHECK(Contains(AnswerJson(asked.Answered(), Explained::kNo), R"(,"buckets_above":2})"));
}

TEST_CASE("a window that never varies has no deviations to count") {
  Asked asked;
  for (const char* start : {"2026-06-09T08:00:00Z", "2026-06-09T09:00:00Z", "2026-06-09T10:00:00Z"})
    asked.answer.serie_0.Bucket(start, 0);
  const std::string text = TextOf(asked);
  CHECK(Contains(text, "Usual         0.00 % ± 0.00, from the 2 buckets before\n"));
  CHECK_FALSE(Contains(text, "standard deviations"));
  CHECK_FALSE(Contains(text, "nan"));
  CHECK(Contains(AnswerJson(asked.Answered(), Explained::kNo), R"("deviations":null)"));
}

TEST_CASE("data too old for the exporter are shown, and said to be") {
  Asked asked = FullAnswer();
  asked.now.wall += 6h;
  const std::string text = TextOf(asked);
  CHECK(Contains(text, "Too old: the exporter would not publish these values."));
  for (const ExplainedSeries& each : Explain(asked.Answered())) {
    CAPTURE(each.series);
    if (each.series.starts_with("cloudflare_radar_email_")) CHECK(each.value.empty());
    if (Contains(each.series, "PIPELINE")) {
      CHECK(each.value == "0");
      CHECK(each.source == "none of result.meta.confidenceInfo.annotations");
    }
  }
  CHECK_FALSE(Contains(TextOf(FullAnswer()), "Too old"));
}

TEST_CASE("of many annotations the first are shown, and the rest counted") {
  Asked asked = FullAnswer();
  std::string list;
  for (int i = 0; i < 20; ++i) list += std::string(i == 0 ? "" : ",") + R"({"eventType":"OUTAGE"})";
  asked.answer.meta.Set("confidenceInfo", R"({"level": 5, "annotations": [)" + list + "]}");
  const std::string text = TextOf(asked);
  CHECK(Contains(text, "in the latest bucket: 20 OUTAGE\n"));
  CHECK(Contains(text, "OUTAGE without times\n"));
  CHECK(Contains(text, "and 12 more\n"));
}

TEST_CASE("nothing from outside steers the terminal") {
  Asked asked = FullAnswer();
  asked.query.name = "a\x1b[2J\xE2\x80\xAE";
  asked.answer.meta.Set("confidenceInfo",
                        R"({"level": 5, "annotations": [{"eventType": "\u001b[2J"}]})");
  for (const std::string& text : {TextOf(asked), ExplanationText(asked.Answered(), kWide)}) {
    CHECK_FALSE(Contains(text, "\x1b"));
    CHECK_FALSE(Contains(text, "\xE2\x80\xAE"));
    CHECK(Contains(text, "a\\u{1b}[2J\\u{202e}"));
  }
}

TEST_CASE("every series is explained by its place in the answer") {
  const std::string identity =
      R"({query="dmarc_fail",arc="any",dkim="any",dmarc="FAIL",spf="any",tls_version="any"})";
  struct Row {
    std::string series;
    std::string value;
    std::string source;
  };
  const Row rows[] = {
      {"cloudflare_radar_email_spoof_ratio" + identity, "0.2", "result.serie_0.SPOOF[4] / 100"},
      {"cloudflare_radar_email_not_spoof_ratio" + identity, "0.8",
       "result.serie_0.NOT_SPOOF[4] / 100"},
      {"cloudflare_radar_email_spoof_window_mean_ratio" + identity, "0.1",
       "mean of result.serie_0.SPOOF[0-3] / 100"},
      {"cloudflare_radar_email_spoof_control_ratio" + identity, "0.15",
       "result.serie_1.SPOOF[1] / 100"},
      {R"(cloudflare_radar_query_sample_timestamp_seconds{query="dmarc_fail"})", "1780999200",
       "result.serie_0.timestamps[4] as Unix time"},
      {R"(cloudflare_radar_query_confidence_level{query="dmarc_fail"})", "3",
       "result.meta.confidenceInfo.level"},
      {R"(cloudflare_radar_query_annotations{query="dmarc_fail",event_type="GENERAL"})", "0",
       "none of result.meta.confidenceInfo.annotations"},
      {R"(cloudflare_radar_query_annotations{query="dmarc_fail",event_type="PIPELINE"})", "1",
       "count of result.meta.confidenceInfo.annotations[1]"},
      {"cloudflare_radar_email_spoof_buckets_above", "",
       "how many of result.serie_0.SPOOF[4] in a row are far above, after "
       "result.serie_0.SPOOF[0-3]"},
      {"cloudflare_radar_query_next_poll_timestamp_seconds", "", "the exporter itself"},
  };
  const auto explained = Explain(FullAnswer().Answered());
  for (const Row& row : rows) {
    CAPTURE(row.series);
    const auto found = std::find_if(explained.begin(), explained.end(),
                                    [&](const auto& each) { return each.series == row.series; });
    REQUIRE(found != explained.end());
    CHECK(found->value == row.value);
    CHECK(found->source == row.source);
  }
}

TEST_CASE("places are of the answer, not of the buckets once they are in order") {
  Asked asked = FullAnswer();
  auto& serie = asked.answer.serie_0;
  std::swap(serie.timestamps[0], serie.timestamps[4]);
  std::swap(serie.spoof[0], serie.spoof[4]);
  std::swap(serie.not_spoof[0], serie.not_spoof[4]);
  const auto explained = Explain(asked.Answered());
  CHECK(explained[0].source == "result.serie_0.SPOOF[0] / 100");
  CHECK(explained[2].source == "mean of result.serie_0.SPOOF[1-4] / 100");
}

TEST_CASE("a series is called in an explanation as it is called in the answer") {
  AnsweredQuery answer = FullAnswer().Answered();
  answer.names = {"s0_yq0", "c0_yq0"};
  const auto explained = Explain(answer);
  CHECK(explained[0].source == "result.s0_yq0.SPOOF[4] / 100");
  CHECK(explained[4].source == "result.c0_yq0.SPOOF[1] / 100");
}

TEST_CASE("no metric of a query is left unexplained, and none of another kind explained") {
  std::set<std::string> explained;
  for (const ExplainedSeries& each : Explain(FullAnswer().Answered())) {
    explained.insert(each.series.substr(0, each.series.find('{')));
    CHECK_FALSE(each.source.empty());
  }
  for (const MetricDescription& metric : MetricCatalog()) {
    CAPTURE(metric.name);
    const bool of_a_query = !metric.labels.empty() && metric.labels.front() == "query";
    CHECK(explained.contains(std::string(metric.name)) == of_a_query);
  }
}

TEST_CASE("the explanation ends with the URL to check it against") {
  const std::string text = ExplanationText(FullAnswer().Answered(), kWide);
  CHECK(Contains(text, "\n    0.2 from result.serie_0.SPOOF[4] / 100\n"));
  CHECK(Contains(text, "\n    absent; else from the exporter itself\n"));
  CHECK(text.ends_with("\n  'https://api.test/spoof?x=1'\n"));
}

TEST_CASE("the URL is shown with the headers that its kind of credential needs") {
  AnsweredQuery answer = FullAnswer().Answered();
  CHECK(Contains(ExplanationText(answer, kWide),
                 "\nprintf 'Authorization: Bearer %s\\n' \"$CLOUDFLARE_API_TOKEN\" |\n"
                 "  curl -H @- \\\n"));
  answer.by_legacy_key = true;
  CHECK(Contains(ExplanationText(answer, kWide),
                 "\nprintf 'X-Auth-Email: %s\\nX-Auth-Key: %s\\n' \"$CLOUDFLARE_EMAIL\" "
                 "\"$CLOUDFLARE_API_KEY\" |\n  curl -H @- \\\n"));
}

TEST_CASE("a whole answer as JSON") {
  CHECK(
      AnswerJson(FullAnswer().Answered(), Explained::kNo) ==
      R"({"query":{"name":"dmarc_fail","arc":"any","dkim":"any","dmarc":"FAIL","spf":"any",)"
      R"("tls_version":"any","agg_interval":"1h","date_range":"7d","control":true},)"
      R"("host":"api.test","received":"2026-06-09T12:05:00Z",)"
      R"("spoof_ratio":0.2,"not_spoof_ratio":0.8,)"
      R"("bucket":{"start":"2026-06-09T10:00:00Z","end":"2026-06-09T11:00:00Z"},)"
      R"("window":{"mean_ratio":0.1,"stddev_ratio":0.01632993161855452,)"
      R"("deviations":6.123724356957946},"expected":null,"control_ratio":0.15,"confidence_level":3,)"
      R"("annotations":[{"event_type":"GENERAL","start":"2026-06-01T00:00:00Z",)"
      R"("end":"2026-06-02T00:00:00Z","concerns_bucket":false},{"event_type":"PIPELINE",)"
      R"("start":"2026-06-09T10:15:00Z","end":"2026-06-09T10:30:00Z","concerns_bucket":true}],)"
      R"("last_updated":"2026-06-09T11:45:00Z","buckets":[{"start":"2026-06-09T05:00:00Z",)"
      R"("spoof_ratio":0.08,"not_spoof_ratio":0.92},{"start":"2026-06-09T06:00:00Z",)"
      R"("spoof_ratio":0.1,"not_spoof_ratio":0.9},{"start":"2026-06-09T07:00:00Z",)"
      R"("spoof_ratio":0.12,"not_spoof_ratio":0.88},{"start":"2026-06-09T09:00:00Z",)"
      R"("spoof_ratio":0.1,"not_spoof_ratio":0.9},{"start":"2026-06-09T10:00:00Z",)"
      R"("spoof_ratio":0.2,"not_spoof_ratio":0.8}]})"
      "\n");
}

TEST_CASE("what is not known is null in JSON, and no key is missing") {
  Asked asked;
  asked.answer.serie_0.without_timestamps = true;
  asked.answer.serie_0.Bucket("", 10);
  asked.answer.meta.Set("confidenceInfo", "null");
  const std::string json = AnswerJson(asked.Answered(), Explained::kNo);
  for (const char* part :
       {R"("bucket":null)", R"("window":null)", R"("expected":null)", R"("control_ratio":null)",
        R"("confidence_level":null)", R"("annotations":[])",
        R"("buckets":[{"start":null,"spoof_ratio":0.1,"not_spoof_ratio":0.9}])"}) {
    CAPTURE(part);
    CHECK(Contains(json, part));
  }
}

TEST_CASE("a time that is from the range, for want of timestamps, is explained as that") {
  Asked asked;
  asked.answer.serie_0.without_timestamps = true;
  asked.answer.serie_0.Bucket("", 10).Bucket("", 20).Bucket("", 30);
  asked.answer.meta.Set(
      "dateRange", R"({"startTime": "2026-06-09T09:00:00Z", "endTime": "2026-06-09T12:00:00Z"})");
  CHECK(Contains(AnswerJson(asked.Answered(), Explained::kYes),
                 "result.meta.dateRange, whose interval [1] it is, as Unix time"));
}

TEST_CASE("explained JSON has the series and the URL, too") {
  const std::string json = AnswerJson(FullAnswer().Answered(), Explained::kYes);
  CHECK(Contains(json, R"("value":0.2,"source":"result.serie_0.SPOOF[4] / 100"})"));
  CHECK(Contains(json,
                 R"("series":"cloudflare_radar_query_next_poll_timestamp_seconds","value":null)"));
  CHECK(Contains(json, R"("url":"https://api.test/spoof?x=1"})"));
}

TEST_CASE("a failure is one sentence with its reason, and another with what to do") {
  CHECK(FailureText(Failure(FailureReason::kUnauthorized, "HTTP 403, API error 10000")) ==
        "the API does not accept the token (unauthorized: HTTP 403, API error 10000). Check that "
        "the token is whole, not expired, and has the permission Account > Radar > Read.");
  for (const FailureReason reason : kAllFailureReasons) {
    const std::string text = FailureText(Failure(reason, "detail"));
    CAPTURE(text);
    CHECK_FALSE(text.starts_with(" "));
    CHECK(text.ends_with("."));
    CHECK_FALSE(text.ends_with("). "));
  }
}

TEST_CASE("a failure as JSON") {
  CHECK(ErrorJson(Name(FailureReason::kServer), "HTTP 503 \"x\"") ==
        "{\"error\":{\"reason\":\"server\",\"detail\":\"HTTP 503 \\\"x\\\"\"}}\n");
}

TEST_CASE("what cannot be asked as JSON, whatever bytes it quotes") {
  CHECK(UnusableJson("--dmarc: found \"\xff\x1b\"\n--arc: ä") ==
        R"({"error":{"reason":"unusable","detail":"--dmarc: found \"\\xff\\u{1b}\"\n--arc: ä"}})"
        "\n");
}

using Values = std::vector<std::optional<double>>;

constexpr WallTime kFirstHour{1'780'000'000s};

// Hourly; the number of hours after kFirstHour and the percentage.
std::vector<SpoofBucket> Buckets(std::initializer_list<std::pair<int, double>> rows) {
  std::vector<SpoofBucket> buckets;
  for (const auto& [hour, percent] : rows) {
    buckets.push_back(
        {kFirstHour + hour * 1h, *Ratio::FromPercent(percent), *Ratio::FromPercent(100 - percent)});
  }
  return buckets;
}

TEST_CASE("a missing interval is a gap") {
  const auto buckets = Buckets({{0, 10}, {1, 20}, {4, 50}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 5);
  CHECK(chart.highest() == 0.5);
  CHECK(chart.Columns(5) == Values{0.1, 0.2, std::nullopt, std::nullopt, 0.5});
  REQUIRE(chart.FromEnd(0));
  CHECK(chart.FromEnd(0)->spoof.value() == 0.5);
  CHECK(chart.FromEnd(1) == nullptr);
  CHECK(chart.FromEnd(4)->spoof.value() == 0.1);
}

TEST_CASE("where columns are few each shows the highest of its intervals, and a spike stays") {
  const auto buckets = Buckets({{0, 10}, {1, 90}, {2, 10}, {3, 20}, {4, 30}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.IntervalsAColumn(5) == 1);
  CHECK(chart.IntervalsAColumn(4) == 2);
  CHECK(chart.Columns(4) == Values{0.1, 0.9, 0.3});
  CHECK(chart.Columns(1) == Values{0.9});
}

TEST_CASE("a short window is stretched, but not without end") {
  const auto buckets = Buckets({{0, 10}, {2, 20}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.Columns(7) == Values{0.1, 0.1, std::nullopt, std::nullopt, 0.2, 0.2});
  CHECK(chart.Columns(100).size() == 3 * WindowChart::kWidestInterval);
}

TEST_CASE("one bucket is a window, too") {
  const auto buckets = Buckets({{0, 10}});
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 1);
  CHECK(chart.Columns(2) == Values{0.1, 0.1});
}

TEST_CASE("without timestamps the places in the answer tell the gaps") {
  auto buckets = Buckets({{0, 10}, {5, 20}, {6, 30}});
  const std::size_t positions[] = {4, 5, 7};
  for (std::size_t i = 0; i < 3; ++i) {
    buckets[i].start.reset();
    buckets[i].position = positions[i];
  }
  const WindowChart chart(buckets, 1h);
  CHECK(chart.intervals() == 4);
  CHECK(chart.FromEnd(1) == nullptr);
  CHECK(chart.FromEnd(2)->spoof.value() == 0.2);
  CHECK(chart.FromEnd(3)->spoof.value() == 0.1);
}

TEST_CASE("buckets thousands of years apart cost no memory") {
  auto buckets = Buckets({{0, 10}, {1, 20}});
  buckets[0].start = WallTime(-62'000'000'000s);
  const WindowChart chart(buckets, 15min);
  const Values columns = chart.Columns(3);
  CHECK(columns == Values{0.1, std::nullopt, 0.2});
}

}  // namespace
}  // namespace radar_spoof
