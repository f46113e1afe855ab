// An answer to one hourly query over 7 days, as `query` reports it: what the API would have to say,
// part by part, and the moment at which it says so.
#pragma once

#include <string>
#include <utility>

#include "radar_spoof/expect/expectation.h"
#include "src/query/ask.h"
#include "support/answer_builder.h"
#include "support/fake_clock.h"
#include "support/query_builder.h"
#include "support/read_answer.h"

namespace radar_spoof::test {

struct Asked {
  Asked() { query.poll_interval = std::chrono::hours(1); }

  AnsweredQuery Answered() const {
    auto window = ReadWindow(query, Ok(answer.Body()), now.wall);
    if (!window) throw std::logic_error(window.error().detail);
    QueryState state{query, JudgedSampleOf(query, window.value()), now, {}, {}, 1, 0};
    return {std::move(state),      std::move(window).value(), {}, now, "https://api.test/spoof?x=1",
            {"serie_0", "serie_1"}};
  }

  Query query = MakeQuery("dmarc_fail", AggInterval::k1h, "7d");
  Answer answer;  // its data are of 11:45
  Instant now{At("2026-06-09T12:05:00Z"), FakeClock::kStart};
};

// With all there can be: a control period, a gap at 08:00, two annotations, out of order in places.
inline Asked FullAnswer() {
  Asked asked;
  if (!asked.query.filters.Add(Dimension::kDmarc, "FAIL")) throw std::logic_error("FAIL");
  asked.query.control = true;
  asked.answer.serie_0.Bucket("2026-06-09T06:00:00Z", 10)
      .Bucket("2026-06-09T05:00:00Z", 8)
      .Bucket("2026-06-09T07:00:00Z", 12)
      .Bucket("2026-06-09T09:00:00Z", 10)
      .Bucket("2026-06-09T10:00:00Z", 20)
      .Bucket("2026-06-09T11:00:00Z", 3);  // still filling
  asked.answer.serie_1.emplace()
      .Bucket("2026-06-02T09:00:00Z", 14)
      .Bucket("2026-06-02T10:00:00Z", 15);
  asked.answer.meta.Set("confidenceInfo", R"({"level": 3, "annotations": [
      {"eventType": "GENERAL", "startDate": "2026-06-01T00:00:00Z",
       "endDate": "2026-06-02T00:00:00Z", "description": "not kept"},
      {"eventType": "PIPELINE", "startDate": "2026-06-09T10:15:00Z",
       "endDate": "2026-06-09T10:30:00Z"}]})");
  return asked;
}

}  // namespace radar_spoof::test
