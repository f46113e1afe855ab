#include "radar_spoof/core/clock.h"

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

constexpr WallTime kMonday(Seconds(1'780'876'800));  // 2026-06-08T00:00:00Z by `date -u`

TEST_CASE("a time is read in UTC, with any fraction and any offset") {
  using namespace std::chrono_literals;
  struct Row {
    std::string_view text;
    WallTime time;
  };
  for (const Row& row :
       {Row{"2026-06-08T00:00:00Z", kMonday}, Row{"2026-06-08t00:00:00z", kMonday},
        Row{"2026-06-08 00:00:00Z", kMonday}, Row{"2026-06-08T00:00:00.25Z", kMonday + 250ms},
        Row{"2026-06-08T00:00:00.999999999999999999Z", kMonday + 999ms},
        Row{"2026-06-08T02:00:00+02:00", kMonday}, Row{"2026-06-07T19:30:00-04:30", kMonday},
        Row{"2026-06-08T00:00:00-00:00", kMonday}, Row{"2026-06-07T23:59:60Z", kMonday},
        Row{"1970-01-01T00:00:00Z", WallTime{}}, Row{"1969-12-31T23:59:59Z", WallTime(-1s)},
        Row{"2038-01-19T03:14:08Z", WallTime(2'147'483'648s)},
        Row{"2024-02-29T00:00:00Z", WallTime(1'709'164'800s)},
        Row{"9999-12-31T23:59:59Z", WallTime(253'402'300'799s)}}) {
    CAPTURE(row.text);
    CHECK(ParseRfc3339(row.text) == row.time);
  }
}

TEST_CASE("whatever is not a time is refused, impossible dates included") {
  for (const std::string_view wrong : {"",
                                       "2026",
                                       "2026-06-08",
                                       "2026-06-08T00:00:00",
                                       "2026-06-08T00:00Z",
                                       "2026-06-08T00:00:00.Z",
                                       "2026-06-08T00:00:00,5Z",
                                       "2026-06-08T00:00:00ZZ",
                                       "2026-06-08T00:00:00Z ",
                                       " 2026-06-08T00:00:00Z",
                                       "2026-06-08T24:00:00Z",
                                       "2026-06-08T00:60:00Z",
                                       "2026-06-08T00:00:61Z",
                                       "2026-02-29T00:00:00Z",
                                       "2026-13-01T00:00:00Z",
                                       "2026-00-01T00:00:00Z",
                                       "2026-06-00T00:00:00Z",
                                       "2026-06-31T00:00:00Z",
                                       "20260608T000000Z",
                                       "26-06-08T00:00:00Z",
                                       "+2026-06-08T00:00:00Z",
                                       "2026-6-8T00:00:00Z",
                                       "2026-06-08T00:00:00+2:00",
                                       "2026-06-08T00:00:00+02",
                                       "2026-06-08T00:00:00+0200",
                                       "2026-06-08T00:00:00+24:00",
                                       "2026-06-08T00:00:00+00:60",
                                       "2026-06-08T00:00:0\xC3\xA9",
                                       "0000-01-01T00:00:00+00:01",
                                       "9999-12-31T23:59:59-00:01",
                                       "9999-12-31T23:59:60Z",
                                       "now",
                                       "1780876800"}) {
    CAPTURE(wrong);
    CHECK_FALSE(ParseRfc3339(wrong));
  }
}

TEST_CASE("the local time zone changes nothing") {
  for (const char* const zone : {"America/St_Johns", "Pacific/Kiritimati", "UTC"}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    CHECK(ParseRfc3339("2026-06-08T00:00:00Z") == kMonday);
    CHECK(FormatRfc3339(kMonday) == "2026-06-08T00:00:00Z");
  }
}

TEST_CASE("what is written is read back, without the milliseconds") {
  using namespace std::chrono_literals;
  CHECK(FormatRfc3339(kMonday + 999ms) == "2026-06-08T00:00:00Z");
  CHECK(FormatRfc3339(WallTime(-1ms)) == "1969-12-31T23:59:59Z");
  for (const std::string text :
       {"0001-01-01T00:00:00Z", "2000-02-29T12:34:56Z", "9999-12-31T23:59:59Z"}) {
    CHECK(FormatRfc3339(ParseRfc3339(text).value()) == text);
  }
}

}  // namespace
}  // namespace radar_spoof
