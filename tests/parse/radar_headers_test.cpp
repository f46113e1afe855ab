#include "radar_spoof/parse/radar_headers.h"

#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "support/answer_builder.h"

namespace radar_spoof {
namespace {

using namespace std::chrono_literals;
using test::At;

const WallTime kReceived = At("2026-06-09T12:00:00Z");

TEST_CASE("Retry-After is between a second and fifteen minutes, or absent") {
  struct Row {
    std::string_view value;
    std::optional<Seconds> expected;
  };
  for (const Row& row : {Row{"30", 30s},
                         Row{" 30\t", 30s},
                         Row{"0", 1s},
                         Row{"1", 1s},
                         Row{"900", 900s},
                         Row{"901", 900s},
                         Row{"99999999999", 900s},
                         Row{"9223372036854775807", 900s},
                         Row{"99999999999999999999999999", 900s},
                         Row{"1.5", 1s},
                         Row{"30,60", 30s},
                         Row{"30, 60", 30s},
                         Row{"Tue, 09 Jun 2026 12:02:00 GMT", 120s},
                         Row{"Tue, 09 Jun 2026 12:00:00 GMT", 1s},
                         Row{"Sun, 06 Nov 1994 08:49:37 GMT", 1s},
                         Row{"Fri, 31 Dec 9999 23:59:59 GMT", 900s},
                         Row{"", std::nullopt},
                         Row{"abc", std::nullopt},
                         Row{"-5", std::nullopt},
                         Row{"+5", std::nullopt},
                         Row{"inf", std::nullopt},
                         Row{"Tue, 09 Foo 2026 12:02:00 GMT", std::nullopt},
                         Row{"Tue, 31 Jun 2026 12:02:00 GMT", std::nullopt},
                         Row{"Tue, 09 Jun 2026 12:02:00 CET", std::nullopt},
                         Row{"Tue, 09 Jun 2026 25:02:00 GMT", std::nullopt},
                         Row{"Tue, 09 Jun 2026 12:02:00 GMT, 30", std::nullopt},
                         Row{"2026-06-09T12:02:00Z", 900s}}) {  // the number it begins with
    CAPTURE(row.value);
    CHECK(ParseRetryAfter(row.value, "", kReceived) == row.expected);
  }
}

TEST_CASE("a date a fraction of a second ahead is waited for in full") {
  CHECK(ParseRetryAfter("Tue, 09 Jun 2026 12:00:30 GMT", "", kReceived + 1ms) == 30s);
}

TEST_CASE("Retry-After may be a date in each of the three forms of RFC 9110, and in no other") {
  struct Row {
    std::string_view value;
    std::optional<Seconds> expected;
  };
  for (const Row& row : {Row{"Tuesday, 09-Jun-26 12:02:00 GMT", 120s},
                         Row{"Tue Jun  9 12:02:00 2026", 120s},
                         Row{"Tue Jun 09 12:02:00 2026", 120s},
                         Row{"Sun Dec 31 12:02:00 2028", 900s},
                         Row{"Sunday, 06-Nov-94 08:49:37 GMT", 1s},
                         Row{"Sun Nov  6 08:49:37 1994", 1s},
                         Row{"Tue, 09 Jun 2026 12:00:60 GMT", 60s},  // a leap second
                         Row{"Xyz, 09 Jun 2026 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09 Jun 2026 12:02:00 GMT", std::nullopt},
                         Row{"Tue, 09-Jun-26 12:02:00 GMT", std::nullopt},
                         Row{"Tue, 09-Jun-2026 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09 Jun 26 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 9-Jun-26 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09-Jun-2026 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09-Jun-x6 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09-jun-26 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 31-Jun-26 12:02:00 GMT", std::nullopt},
                         Row{"Tuesday, 09-Jun-26 12:60:00 GMT", std::nullopt},
                         Row{"Tuesday, 09-Jun-26 12:02:00", std::nullopt},
                         Row{"Tuesday, 09-Jun-26 12:02:00 UTC", std::nullopt},
                         Row{"Tuesday 09-Jun-26 12:02:00 GMT", std::nullopt},
                         Row{"Tue Jun 9 12:02:00 2026", std::nullopt},
                         Row{"Tue Jun   12:02:00 2026", std::nullopt},
                         Row{"Tue Jun 31 12:02:00 2026", std::nullopt},
                         Row{"Tue Jun  9 24:02:00 2026", std::nullopt},
                         Row{"Tue Jun  9 12:02:00 26", std::nullopt},
                         Row{"Tue Jun  9 12:02:00 2026 GMT", std::nullopt},
                         Row{"Tuesday Jun  9 12:02:00 2026", std::nullopt},
                         Row{"Tue, 09 Jun 2026 12:02:0 GMT", std::nullopt},
                         Row{"Tue, 09 Jun 2026 12:02:00.5 GMT", std::nullopt},
                         Row{"Tue, 09 Jun +026 12:02:00 GMT", std::nullopt},
                         Row{"Tue", std::nullopt},
                         Row{"Tue,", std::nullopt},
                         Row{"Tue ", std::nullopt},
                         Row{"Tuesday,", std::nullopt}}) {
    CAPTURE(row.value);
    CHECK(ParseRetryAfter(row.value, "", kReceived) == row.expected);
  }
}

TEST_CASE("a year of two digits is the last that is not over 50 years ahead") {
  const auto wait = [](std::string_view value, std::string_view now) {
    return ParseRetryAfter(value, "", At(now));
  };
  CHECK(wait("Tuesday, 09-Jun-76 12:00:00 GMT", "2026-06-09T12:00:00Z") == 900s);
  CHECK(wait("Tuesday, 09-Jun-76 12:00:01 GMT", "2026-06-09T12:00:00Z") == 1s);  // 1976
  CHECK(wait("Sunday, 01-Jan-00 00:01:00 GMT", "2099-12-31T23:59:00Z") == 120s);
  CHECK(wait("Saturday, 31-Dec-99 23:59:00 GMT", "2100-01-01T00:00:00Z") == 1s);
  CHECK(wait("Tuesday, 29-Feb-00 00:01:00 GMT", "2000-02-29T00:00:00Z") == 60s);
  CHECK(wait("Monday, 29-Feb-00 00:01:00 GMT", "2060-01-01T00:00:00Z") == std::nullopt);  // 2100
}

TEST_CASE("a date is counted from the answer's own Date, whatever this host's clock says") {
  struct Row {
    std::string_view value;
    std::string_view date;
    std::optional<Seconds> expected;
  };
  for (const Row& row :
       {Row{"Tue, 09 Jun 2026 10:02:00 GMT", "Tue, 09 Jun 2026 10:00:00 GMT", 120s},
        Row{"Tue, 09 Jun 2026 18:02:00 GMT", "Tue, 09 Jun 2026 18:00:00 GMT", 120s},
        Row{"Tuesday, 09-Jun-26 10:02:00 GMT", "Tue Jun  9 10:00:00 2026", 120s},
        Row{"Tue, 09 Jun 2026 12:02:00 GMT", "Tue, 09 Jun 2026 12:03:00 GMT", 1s},
        Row{"Tue, 09 Jun 2026 12:02:00 GMT", "yesterday", 120s},
        Row{"Tue, 09 Jun 2026 12:02:00 GMT", "30", 120s},
        Row{"Tue, 09 Jun 2026 12:02:00 GMT",
            "Tue, 09 Jun 2026 12:01:00 GMT, Tue, 09 Jun 2026 12:01:00 GMT", 120s},
        Row{"30", "Tue, 09 Jun 2026 10:00:00 GMT", 30s}}) {
    CAPTURE(row.value);
    CAPTURE(row.date);
    CHECK(ParseRetryAfter(row.value, row.date, kReceived) == row.expected);
  }
}

TEST_CASE("both rate-limit headers are joined by policy") {
  const auto policies =
      ParseRateLimit(R"("default";r=50;t=30, "burst";r=9;t=1)", R"("burst";q=100;w=60)");
  REQUIRE(policies.size() == 2);
  const RateLimitHeader& usual = policies.at("default");
  CHECK(usual.remaining == 50);
  CHECK(usual.reset_in == 30s);
  CHECK_FALSE(usual.quota);
  const RateLimitHeader& burst = policies.at("burst");
  CHECK(burst.remaining == 9);
  CHECK(burst.reset_in == 1s);
  CHECK(burst.quota == 100);
  CHECK(burst.window == 60s);
}

TEST_CASE("a window that is no number costs nothing but itself") {
  for (const char* const window : {"w=x", "w=0", "w=-1"}) {
    const auto policies = ParseRateLimit("", "\"a\";q=5;" + std::string(window));
    CHECK(policies.at("a").quota == 5);
    CHECK_FALSE(policies.at("a").window);
  }
}

TEST_CASE("numbers are capped before anything is computed with them") {
  const auto policies = ParseRateLimit("\"a\";r=99999999999999999999999;t=9223372036854775807", "");
  REQUIRE(policies.contains("a"));
  CHECK(policies.at("a").remaining == std::numeric_limits<std::uint64_t>::max());
  CHECK(policies.at("a").reset_in == 24h);
}

TEST_CASE("what cannot be read of a rate-limit header is as if it were not there") {
  for (const std::string_view header : {"",
                                        ",",
                                        ";",
                                        ",,;;==,",
                                        "r=50;t=30",
                                        "\"default\"",
                                        "\"default\";",
                                        "\"default\";r",
                                        "\"default\";r=",
                                        "\"default\";r=abc;t=x",
                                        "\"default\";r=-1",
                                        "\"default\";w=60",
                                        "\"default\";t=30",
                                        "\"default\";r=1e3",
                                        "\"default\";r=50.5;t=20",
                                        "\"default\";r=-1;t=5",
                                        "\"default\";r=1;t=0x10",
                                        "\"default\";r=\"1\"",
                                        "\"default\";q=100;r=ten",
                                        "\"\";r=1",
                                        "two words;r=1",
                                        "{x};r=1",
                                        "\"open;r=1",
                                        "\"open, \"b\";r=2",
                                        "\"open\\\";r=1",
                                        "\"a\"b;r=1",
                                        "\""}) {
    CAPTURE(header);
    CHECK(ParseRateLimit(header, "").empty());
    CHECK(ParseRateLimit("", header).empty());
  }
}

TEST_CASE("an item with a number that is none is ignored whole, and leaves the others") {
  const auto policies = ParseRateLimit(
      R"("bad"; r=x ; t=30, "worse";r=1e3;t=5, "default" ; r = 9 ; t=30 ;new=x,token;r=7)",
      R"("default";q=1.5;w=60)");
  REQUIRE(policies.size() == 2);
  CHECK(policies.at("default").remaining == 9);
  CHECK(policies.at("default").reset_in == 30s);
  CHECK_FALSE(policies.at("default").quota);
  CHECK(policies.at("token").remaining == 7);
}

TEST_CASE("a policy of any name is read, and its label is harmless") {
  struct Row {
    std::string_view item;
    std::string_view label;
  };
  for (const Row& row :
       {Row{"\"Default\"", "default"}, Row{"\"user.api\"", "user_api"},
        Row{"\"with space\"", "with_space"}, Row{"\"with,comma\"", "with_comma"},
        Row{"\"with;semicolon\"", "with_semicolon"}, Row{"\"new\nline\"", "new_line"},
        Row{"\"quo\\\"te\"", "quo__te"}, Row{"\"{x=\\\"y\\\"}\"", "_x___y___"},
        Row{"\"\xC3\xA4\"", "__"}, Row{"\"\xFF\"", "_"}, Row{"Bare/Token:1", "bare_token_1"},
        Row{"\"a-name-of-thirty-three_characters\"", "a-name-of-thirty-three_character"}}) {
    CAPTURE(row.item);
    const auto policies = ParseRateLimit(std::string(row.item) + ";r=1;t=20", "");
    REQUIRE(policies.size() == 1);
    CHECK(policies.begin()->first == row.label);
    CHECK(policies.begin()->second.remaining == 1);
    CHECK(policies.begin()->second.reset_in == 20s);
  }
}

TEST_CASE("commas and semicolons within quotes separate nothing") {
  const auto policies = ParseRateLimit(R"("a";pk="x,y;\",r=1";r=50;t=30, "b";r=2;t=3)", "");
  REQUIRE(policies.size() == 2);
  CHECK(policies.at("a").remaining == 50);
  CHECK(policies.at("a").reset_in == 30s);
  CHECK(policies.at("b").remaining == 2);
}

TEST_CASE("of policies with one label what allows less is taken, in whichever order") {
  for (const std::string_view header :
       {R"("A";q=9;r=0;t=20, "a";q=5;r=7;t=60)", R"("a";q=5;r=7;t=60, "A";q=9;r=0;t=20)"}) {
    const auto policies = ParseRateLimit(header, "");
    REQUIRE(policies.size() == 1);
    CHECK(policies.at("a").remaining == 0);
    CHECK(policies.at("a").reset_in == 20s);
    CHECK(policies.at("a").quota == 5);
  }
}

TEST_CASE("no more than eight policies are taken, and a name of 32 characters is") {
  std::string header;
  for (int i = 0; i < 50; ++i) header += "\"p" + std::to_string(i) + "\";r=1,";
  const auto policies = ParseRateLimit(header, "\"late\";q=1, \"p0\";q=5");
  CHECK(policies.size() == kMaxRateLimitPolicies);
  CHECK(kMaxRateLimitPolicies == 8);
  CHECK_FALSE(policies.contains("late"));
  REQUIRE(policies.contains("p0"));
  CHECK(policies.at("p0").quota == 5);
  CHECK(ParseRateLimit('"' + std::string(32, 'a') + "\";r=1", "").size() == 1);
}

}  // namespace
}  // namespace radar_spoof
