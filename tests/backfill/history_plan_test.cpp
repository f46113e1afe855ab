#include "src/backfill/history_plan.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "radar_spoof/core/clock.h"
#include "support/query_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;

WallTime At(std::string_view text) {
  return *ParseRfc3339(text.size() > 10 ? std::string(text) : std::string(text) + "T00:00:00Z");
}
TimeRange Range(std::string_view from, std::string_view to) { return {At(from), At(to)}; }

std::string Text(const TimeRange& range) {
  return FormatRfc3339(range.from) + " " + FormatRfc3339(range.to);
}

TEST_CASE("only buckets that lie whole in what was asked are shown") {
  struct Row {
    AggInterval interval;
    TimeRange asked;
    TimeRange whole;
  };
  for (const Row& row : std::vector<Row>{
           {AggInterval::k15m, Range("2026-06-09T00:00:00Z", "2026-06-09T01:00:00Z"),
            Range("2026-06-09T00:00:00Z", "2026-06-09T01:00:00Z")},
           {AggInterval::k15m, Range("2026-06-09T00:00:01Z", "2026-06-09T00:59:59Z"),
            Range("2026-06-09T00:15:00Z", "2026-06-09T00:45:00Z")},
           {AggInterval::k1h, Range("2026-06-09T00:15:00Z", "2026-06-09T02:15:00Z"),
            Range("2026-06-09T01:00:00Z", "2026-06-09T02:00:00Z")},
           {AggInterval::k1d, Range("2026-06-01", "2026-06-03"), Range("2026-06-01", "2026-06-03")},
           // Weeks begin on Monday: 2026-06-01 and 2026-06-08 are.
           {AggInterval::k1w, Range("2026-06-01", "2026-06-08"), Range("2026-06-01", "2026-06-08")},
           {AggInterval::k1w, Range("2026-06-02", "2026-06-21"), Range("2026-06-08", "2026-06-15")},
       }) {
    CAPTURE(Text(row.asked));
    CHECK(Text(WholeBuckets(row.asked, row.interval)) == Text(row.whole));
  }
}

TEST_CASE("a range without a whole bucket is empty") {
  const TimeRange inside =
      WholeBuckets(Range("2026-06-02", "2026-06-14"), AggInterval::k1w);  // two broken weeks
  CHECK(inside.from == inside.to);
  const TimeRange moment =
      WholeBuckets(Range("2026-06-09T00:20:00Z", "2026-06-09T00:25:00Z"), AggInterval::k15m);
  CHECK(moment.from == moment.to);
}

TEST_CASE("what the first bucket's window and control are made of is needed too") {
  struct Row {
    AggInterval interval;
    const char* date_range;
    bool control;
    TimeRange shown;
    const char* needed_from;
  };
  for (const Row& row : std::vector<Row>{
           // The window ends with the bucket itself.
           {AggInterval::k1h, "7d", false, Range("2026-06-09", "2026-06-10"),
            "2026-06-02T01:00:00Z"},
           {AggInterval::k15m, "1d", false, Range("2026-06-09", "2026-06-10"),
            "2026-06-08T00:15:00Z"},
           {AggInterval::k1w, "52w", false, Range("2026-06-08", "2026-06-15"), "2025-06-16"},
           // A range of no whole weeks begins with the week it begins in.
           {AggInterval::k1w, "10d", false, Range("2026-06-08", "2026-06-15"), "2026-06-01"},
           {AggInterval::k1d, "1d", false, Range("2026-06-09", "2026-06-10"), "2026-06-09"},
           {AggInterval::k1w, "1d", false, Range("2026-06-08", "2026-06-15"), "2026-06-08"},
           // The control period of 10 days lies 14 back.
           {AggInterval::k1d, "10d", true, Range("2026-06-15", "2026-06-16"), "2026-06-01"},
       }) {
    CAPTURE(row.date_range);
    Query query = test::MakeQuery("q", row.interval, row.date_range);
    query.control = row.control;
    CHECK(Text(HistoryNeeded(query, row.shown)) == Text({At(row.needed_from), row.shown.to}));
  }
}

std::vector<std::string> Texts(const std::vector<TimeRange>& ranges) {
  std::vector<std::string> texts;
  for (const TimeRange& range : ranges) {
    texts.push_back(std::to_string((range.from - WallTime()) / 1h) + "-" +
                    std::to_string((range.to - WallTime()) / 1h));
  }
  return texts;
}

TimeRange Hours(int from, int to) {
  return {WallTime(std::chrono::hours(from)), WallTime(std::chrono::hours(to))};
}

TEST_CASE("what is known is not asked again, whatever its order and overlap") {
  using Strings = std::vector<std::string>;
  const TimeRange range = Hours(10, 20);
  CHECK(Texts(Without(range, {})) == Strings{"10-20"});
  CHECK(Texts(Without(range, {Hours(0, 10), Hours(20, 30)})) == Strings{"10-20"});
  CHECK(Texts(Without(range, {Hours(15, 17), Hours(12, 13)})) ==
        Strings{"10-12", "13-15", "17-20"});
  CHECK(Texts(Without(range, {Hours(0, 12), Hours(11, 14), Hours(18, 30)})) == Strings{"14-18"});
  CHECK(Texts(Without(range, {Hours(11, 19), Hours(12, 13)})) == Strings{"10-11", "19-20"});
  CHECK(Without(range, {Hours(15, 30), Hours(0, 15)}).empty());
  CHECK(Without(Hours(5, 5), {}).empty());
}

TEST_CASE("pieces are of the length that the API is known to take, and leave nothing out") {
  struct Row {
    AggInterval interval;
    Seconds longest;
  };
  for (const Row& row : {Row{AggInterval::k15m, 24h}, Row{AggInterval::k1h, 7 * 24h},
                         Row{AggInterval::k1d, 84 * 24h}, Row{AggInterval::k1w, 364 * 24h}}) {
    CHECK(LongestPiece(row.interval) == row.longest);
    const WallTime from = At("2026-01-05");
    const TimeRange range{from, from + 2 * row.longest + Length(row.interval)};
    const auto pieces = Pieces(range, row.interval, row.longest);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0] == TimeRange{from, from + row.longest});
    CHECK(pieces[1] == TimeRange{from + row.longest, from + 2 * row.longest});
    CHECK(pieces[2] == TimeRange{from + 2 * row.longest, range.to});
  }
  CHECK(Pieces(Hours(3, 3), AggInterval::k1h, 24h).empty());
  CHECK(Texts(Pieces(Hours(0, 5), AggInterval::k1h, 150min)) ==
        std::vector<std::string>{"0-2", "2-4", "4-5"});
}

}  // namespace
}  // namespace radar_spoof
