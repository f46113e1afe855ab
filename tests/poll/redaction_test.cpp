#include "src/poll/redaction.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

const std::string kToken = "Canary/9f8e7d6c+credential-0123456789_AB";
const Credentials kBearer = BearerToken{Secret(kToken)};

TEST_CASE("a credential in a text is redacted, whole or in telling parts, however it is written") {
  struct Row {
    std::string text;
    std::string expected;
  };
  const Row rows[] = {
      {"", ""},
      {"nothing of it", "nothing of it"},
      {"a " + kToken + " b", "a [redacted] b"},
      {kToken + kToken, "[redacted]"},
      {"CANARY/9F8E7D6C+CREDENTIAL-0123456789_ab", "[redacted]"},
      {R"(Canary\/9f8e7d6c+credential-0123456789_AB!)", "[redacted]!"},
      {R"(\u0043anary\u002F9f8e7d6c+credential-0123456789_AB!)", "[redacted]!"},
      {"Canary%2f9f8e7d6c%2Bcredential-0123456789_AB!", "[redacted]!"},
      {"Canary/9 and 9f8e7d6c", "[redacted] and [redacted]"},
      {"its middle 6c+crede is told", "its middle [redacted] is told"},
      {"seven: redenti, 6c+cred", "seven: redenti, 6c+cred"},
      {"cut at Cana", "cut at [redacted]"},
      {R"(the body begins "Canar")", R"(the body begins "[redacted]")"},
      {"cut at Can", "cut at Can"},
      {"a broken escape \\u00", "a broken escape \\u00"},
      {"100%", "100%"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(Redacted(row.text, kBearer) == row.expected);
  }
}

TEST_CASE(
    "of the legacy pair the key and the whole address are redacted, not the address's parts") {
  const Credentials legacy = LegacyKey{"Someone@Example.com", Secret("0123456789abcdef")};
  CHECK(Redacted("key 456789ab of someone@example.com at example.com", legacy) ==
        "key [redacted] of [redacted] at example.com");
}

TEST_CASE("a credential shorter than a telling part is redacted whole") {
  CHECK(Redacted("abcde abcd abc", BearerToken{Secret("abcde")}) == "[redacted] abcd abc");
}

}  // namespace
}  // namespace radar_spoof
