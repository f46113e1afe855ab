#include "radar_spoof/poll/answer_outcome.h"

#include <doctest/doctest.h>

#include "support/query_builder.h"
#include "support/radar_answers.h"

namespace radar_spoof::test {
namespace {

constexpr std::string_view kTooFine = "aggregation interval is too low for date range";

// What a poll says that was answered so.
std::string DetailOf(const Query& query, int status, std::string_view words) {
  const Redactor redactor(Credentials(BearerToken{Secret("canary/credential+0123456789")}));
  const Query* const asked[] = {&query};
  const SeriesNames names[] = {{"s0", "c0"}};
  HttpClient::Finished finished{0, HttpResponse{status, {}, ErrorAnswer(2001, words)}, {}};
  const AnswerOutcome outcome = OutcomeOf(asked, names, finished, redactor, Instant{});
  REQUIRE(outcome.windows.size() == 1);
  REQUIRE_FALSE(outcome.windows[0]);
  return outcome.windows[0].error().detail;
}

TEST_CASE("an interval that is too fine for its range is told with the range that works") {
  struct Row {
    AggInterval interval;
    std::string range;
    std::string told;
  };
  const Row rows[] = {
      {AggInterval::k15m, "2d", "; 15m is known to work over 1d"},
      {AggInterval::k1h, "28d", "; 1h is known to work over 7d"},
      {AggInterval::k1h, "2w", "; 1h is known to work over 7d"},
      {AggInterval::k1d, "52w", "; 1d is known to work over 84d"},
      // What is known to work would be no news.
      {AggInterval::k15m, "1d", ""},
      {AggInterval::k1h, "7d", ""},
      {AggInterval::k1d, "12w", ""},
      {AggInterval::k1w, "52w", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.range);
    CHECK(DetailOf(MakeQuery("all", row.interval, row.range), 400, kTooFine) ==
          "HTTP 400, API error 2001: " + std::string(kTooFine) + row.told);
  }
}

TEST_CASE("other refusals do not speak of ranges") {
  const Query query = MakeQuery("all", AggInterval::k1h, "28d");
  for (const std::string_view words :
       {"dateRange: 28d is not valid", "comparisons must have same duration as main series",
        "aggInterval: 1h is not valid", "Invalid input"}) {
    CHECK(DetailOf(query, 400, words) == "HTTP 400, API error 2001: " + std::string(words));
  }
  CHECK(DetailOf(query, 503, kTooFine) == "HTTP 503, API error 2001: " + std::string(kTooFine));
}

TEST_CASE("however long the API's words are, a detail is short") {
  const std::string detail = DetailOf(MakeQuery("all", AggInterval::k1h, "28d"), 400,
                                      std::string(kTooFine) + std::string(500, 'x'));
  CHECK(detail.size() <= 300);
  CHECK(detail.ends_with("; 1h is known to work over 7d"));
}

}  // namespace
}  // namespace radar_spoof::test
