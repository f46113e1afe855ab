#include "radar_spoof/poll/redaction.h"

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

const std::string kToken = "Canary/9f8e7d6c+credential-0123456789_AB";
const Credentials kBearer = BearerToken{Secret(std::string(kToken))};

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
      {R"(escaped twice: Canary\\\/9f8e7d6c\\u002Bcredential-0123456789_AB!)",
       "escaped twice: [redacted]!"},
      {std::string(100'000, '\\'), std::string(100'000, '\\')},
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
    CHECK(Redactor(kBearer).Redacted(row.text) == row.expected);
  }
}

TEST_CASE(
    "of the legacy pair the key and the whole address are redacted, not the address's parts") {
  const Credentials legacy = LegacyKey{"Someone@Example.com", Secret("0123456789abcdef")};
  CHECK(Redactor(legacy).Redacted("key 456789ab of someone@example.com at example.com") ==
        "key [redacted] of [redacted] at example.com");
}

TEST_CASE("a credential shorter than a telling part is redacted whole") {
  CHECK(Redactor(BearerToken{Secret("abcde")}).Redacted("abcde abcd abc") == "[redacted] abcd abc");
}

HttpResponse Redacted(std::string body, const Credentials& credentials) {
  HttpResponse response{200, {{"x-echo", body}}, std::move(body)};
  Redactor(credentials).Redact(response);
  CHECK(response.headers.front().second == response.body);
  return response;
}

TEST_CASE(
    "a credential is found before an answer is read, wherever it begins and however written") {
  for (std::size_t before = 0; before < 20; ++before) {
    CAPTURE(before);
    const std::string text(before, '_');
    CHECK(Redacted(text + "9F8E7D6C, ", kBearer).body == text + "[redacted], ");
    CHECK(Redacted(text + R"(\u0039f8e7d6c, )", kBearer).body == text + "[redacted], ");
    CHECK(Redacted(text + "9F8E7D6, ", kBearer).body == text + "9F8E7D6, ");
  }
  CHECK(Redacted("of Someone@Example.com.", LegacyKey{"someone@example.com", Secret("0123456789")})
            .body == "of [redacted].");
}

TEST_CASE("what a good answer may hold by itself is not redacted before it is read") {
  const std::string answer =
      R"({"result":{"serie_0":{"timestamps":["2026-06-05T12:15:00Z"],"NOT_SPOOF":["9.1"]}}})";
  for (const char* token :
       {"9.1", "spoof", "a-NOT_SPOOF-token", "my timestamps", "partial_project"}) {
    CAPTURE(token);
    CHECK(Redacted(answer, BearerToken{Secret(token)}).body == answer);
  }
}

}  // namespace
}  // namespace radar_spoof
