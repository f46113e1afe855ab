#include "radar_spoof/core/types.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::At;

template <typename T>
concept Printable = requires(std::ostream& stream, const T& value) {
  stream << value;
};
template <typename T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

TEST_CASE("a percentage becomes a ratio, and nothing outside 0 to 100 does") {
  CHECK(Ratio::FromPercent(18.99756)->value() == doctest::Approx(0.1899756).epsilon(1e-12));
  CHECK(Ratio::FromPercent(0)->value() == 0);
  CHECK(Ratio::FromPercent(100)->value() == 1);
  for (const double wrong :
       {-1e-9, -1.0, 100.00011, 100.5, 1e300, std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(), std::nan("")}) {
    CAPTURE(wrong);
    CHECK_FALSE(Ratio::FromPercent(wrong));
  }
}

TEST_CASE("a ratio is the number nearest to the decimal that the percentage is a hundred times") {
  const auto check = [](const std::string& percent, const std::string& ratio) {
    CAPTURE(percent);
    const auto read = Ratio::FromPercent(std::strtod(percent.c_str(), nullptr));
    REQUIRE(read);
    CHECK(read->value() == std::strtod(ratio.c_str(), nullptr));
  };
  // What the API writes: up to six decimals. The first ones, the last ones, and what is between.
  constexpr int kHundredPercent = 100'000'000;
  const auto check_millionths = [&](int millionths) {
    check(fmt::format("{}.{:06}", millionths / 1'000'000, millionths % 1'000'000),
          fmt::format("{}.{:08}", millionths / kHundredPercent, millionths % kHundredPercent));
  };
  for (int i = 0; i < 1'000; ++i) {
    check_millionths(i);
    check_millionths(kHundredPercent - i);
  }
  for (int i = 0; i < kHundredPercent; i += 1'009) check_millionths(i);
  for (const auto& [percent, ratio] : std::initializer_list<std::pair<const char*, const char*>>{
           {"17.684967", "0.17684967"},
           {"1.4e-05", "1.4e-07"},
           {"0.57", "0.0057"},
           {"33.33333333333333", "0.3333333333333333"},
           {"1.23456789e-12", "1.23456789e-14"},
           {"1e-300", "1e-302"},
           {"5e-324", "0"},
           {"99.99999999999999", "0.9999999999999999"}}) {
    check(percent, ratio);
  }
}

TEST_CASE("rounding noise above 100 percent becomes 1, and minus zero becomes zero") {
  CHECK(Ratio::FromPercent(100.0001)->value() == 1);
  CHECK_FALSE(std::signbit(Ratio::FromPercent(-0.0)->value()));
}

TEST_CASE("an interval has one spelling in requests and another in answers") {
  struct Row {
    AggInterval interval;
    std::string_view request, meta;
    Seconds length;
  };
  for (const Row& row : {Row{AggInterval::k15m, "15m", "FIFTEEN_MINUTES", 900s},
                         Row{AggInterval::k1h, "1h", "ONE_HOUR", 3600s},
                         Row{AggInterval::k1d, "1d", "ONE_DAY", 86'400s},
                         Row{AggInterval::k1w, "1w", "ONE_WEEK", 604'800s}}) {
    CAPTURE(row.request);
    CHECK(RequestName(row.interval) == row.request);
    CHECK(MetaName(row.interval) == row.meta);
    CHECK(Length(row.interval) == row.length);
    CHECK(ParseAggInterval(row.request) == row.interval);
  }
  for (const char* const wrong : {"", "1H", "1m", "60m", "15m ", "ONE_HOUR"}) {
    CHECK_FALSE(ParseAggInterval(wrong));
  }
}

TEST_CASE("weeks begin on Monday 00:00 UTC, other periods are counted from 1970") {
  const auto now = At("2026-06-09T13:47:59.999Z");  // a Tuesday
  CHECK(FloorTo(now, 15min) == At("2026-06-09T13:45:00Z"));
  CHECK(FloorTo(now, 1h) == At("2026-06-09T13:00:00Z"));
  CHECK(FloorTo(now, 24h) == At("2026-06-09T00:00:00Z"));
  CHECK(FloorTo(now, 168h) == At("2026-06-08T00:00:00Z"));
  CHECK(FloorTo(At("2026-06-08T00:00:00Z"), 168h) == At("2026-06-08T00:00:00Z"));
  CHECK(FloorTo(At("2026-06-07T23:59:59Z"), 168h) == At("2026-06-01T00:00:00Z"));
  CHECK(FloorTo(At("1969-12-31T23:59:59Z"), 24h) == At("1969-12-31T00:00:00Z"));
  CHECK(FloorTo(At("1970-01-01T00:00:00Z"), 168h) == At("1969-12-29T00:00:00Z"));
}

TEST_CASE("a filter takes only the values the API has, each once") {
  Filters filters;
  CHECK(filters.Add(Dimension::kDmarc, "NONE"));
  CHECK(filters.Add(Dimension::kDmarc, "FAIL"));
  CHECK_FALSE(filters.Add(Dimension::kDmarc, "FAIL"));
  CHECK_FALSE(filters.Add(Dimension::kDmarc, "fail"));
  CHECK_FALSE(filters.Add(Dimension::kDmarc, "TLSv1_2"));
  CHECK_FALSE(filters.Add(Dimension::kTlsVersion, "PASS"));
  CHECK(filters.Add(Dimension::kTlsVersion, "TLSv1_3"));
  CHECK(filters.Label(Dimension::kDmarc) == "FAIL,NONE");
  CHECK(filters.Label(Dimension::kTlsVersion) == "TLSv1_3");
  CHECK(filters.Label(Dimension::kArc) == "any");
  CHECK(filters.IsAny(Dimension::kSpf));
  CHECK_FALSE(filters.IsAny(Dimension::kDmarc));
}

TEST_CASE("every legal value of every dimension can be asked for") {
  for (const Dimension dimension : kAllDimensions) {
    Filters filters;
    std::string joined;
    for (const std::string_view value : LegalValues(dimension)) {
      CHECK(filters.Add(dimension, value));
      joined += (joined.empty() ? "" : ",") + std::string(value);
    }
    CHECK(filters.Label(dimension) == joined);
    CHECK(joined == (dimension == Dimension::kTlsVersion ? "TLSv1_0,TLSv1_1,TLSv1_2,TLSv1_3"
                                                         : "FAIL,NONE,PASS"));
  }
}

TEST_CASE("dimensions have a label and a request spelling") {
  std::string labels, requests;
  for (const Dimension dimension : kAllDimensions) {
    labels += std::string(LabelName(dimension)) + ' ';
    requests += std::string(RequestName(dimension)) + ' ';
  }
  CHECK(labels == "arc dkim dmarc spf tls_version ");
  CHECK(requests == "arc dkim dmarc spf tlsVersion ");
}

TEST_CASE("a date range is what the API accepts, in any case") {
  for (const char* const good : {"1d", "7d", "364d", "1w", "52w"}) {
    CAPTURE(good);
    CHECK(DateRange::Parse(good).value().Text() == good);
  }
  CHECK(DateRange::Parse("12W").value().Text() == "12w");
  CHECK(DateRange::Parse("7D") == DateRange::Parse("7d"));
  for (const char* const wrong : {"",
                                  "d",
                                  "w",
                                  "7",
                                  "0d",
                                  "0w",
                                  "365d",
                                  "53w",
                                  "24h",
                                  "1m",
                                  "-1d",
                                  "+1d",
                                  " 7d",
                                  "7d ",
                                  "7 d",
                                  "1.5d",
                                  "7dd",
                                  "7dcontrol",
                                  "99999999999999999999d",
                                  "0x7d"}) {
    CAPTURE(wrong);
    CHECK_FALSE(DateRange::Parse(wrong));
  }
}

TEST_CASE("the control period lies back by the length rounded up to whole weeks") {
  struct Row {
    std::string range;
    Seconds length, shift;
  };
  const Seconds day = 24h;
  for (const Row& row :
       {Row{"1d", day, 7 * day}, Row{"7d", 7 * day, 7 * day}, Row{"8d", 8 * day, 14 * day},
        Row{"10d", 10 * day, 14 * day}, Row{"14d", 14 * day, 14 * day},
        Row{"364d", 364 * day, 364 * day}, Row{"3w", 21 * day, 21 * day}}) {
    CAPTURE(row.range);
    const DateRange range = DateRange::Parse(row.range).value();
    CHECK(range.Length() == row.length);
    CHECK(range.ControlShift() == row.shift);
    CHECK(range.ControlText() == row.range + "control");
  }
}

TEST_CASE("event types outside the documented list are OTHER") {
  for (const EventType type : kAllEventTypes) CHECK(ParseEventType(Name(type)) == type);
  CHECK(Name(EventType::kPartialProjection) == "PARTIAL_PROJECTION");
  CHECK(Name(EventType::kTrafficAnomaly) == "TRAFFIC_ANOMALY");
  for (const char* const unknown : {"", "_", "NEW_THING", "OUTAGES", "PARTIAL"}) {
    CHECK(ParseEventType(unknown) == EventType::kOther);
  }
  for (const char* const outage : {"outage", "Outage", "OUTAGE ", "OUT_AGE"}) {
    CHECK(ParseEventType(outage) == EventType::kOutage);
  }
}

TEST_CASE("a secret cannot be printed, compared or converted") {
  static_assert(!Printable<Secret>);
  static_assert(!Comparable<Secret>);
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(!std::is_convertible_v<std::string, Secret>);
  CHECK(Secret("canary").Reveal() == "canary");
}

TEST_CASE("a secret that was moved from holds nothing of it") {
  Secret first("canary-that-is-longer-than-the-small-string-buffer");
  const char* const memory = first.Reveal().data();
  Secret second(std::move(first));
  CHECK(second.Reveal() == "canary-that-is-longer-than-the-small-string-buffer");
  CHECK(second.Reveal().data() == memory);  // a copy could fail, which a move must not
  Secret third("other");
  third = std::move(second);
  CHECK(third.Reveal().data() == memory);
  CHECK(third.Reveal() == "canary-that-is-longer-than-the-small-string-buffer");
  Secret small("short");
  const char* const within = small.Reveal().data();
  third = std::move(small);
  CHECK(third.Reveal() == "short");
  CHECK(std::string(within, 5) == std::string(5, '\0'));
}

TEST_CASE("a text that became a secret is not left where it was") {
  std::string text = "short";
  const char* const within = text.data();
  const Secret secret(std::move(text));
  CHECK(secret.Reveal() == "short");
  CHECK(std::string(within, 5) == std::string(5, '\0'));
}

}  // namespace
}  // namespace radar_spoof
