#include "radar_spoof/core/text.h"

#include <ostream>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

TEST_CASE("a text is a number from its first to its last character, or is none") {
  CHECK(ParseNumber<int>("-12") == -12);
  CHECK(ParseNumber<unsigned>("fF", 16) == 255U);
  CHECK(ParseNumber<double>("1e2") == 100.0);
  CHECK_FALSE(ParseNumber<double>("1e2", std::chars_format::fixed));
  for (const char* const none : {"", " 1", "1 ", "+1", "0x1", "1,5", "99999999999"}) {
    CAPTURE(none);
    CHECK_FALSE(ParseNumber<int>(none));
  }
  CHECK_FALSE(ParseNumber<unsigned>("-1"));
}

TEST_CASE("an identifier is letters, digits and underscores, and begins with no digit") {
  for (const char* const good : {"a", "_", "Z9_"}) CHECK(IsIdentifier(good));
  for (const char* const bad : {"", "9a", "a-b", "a b", "\xC3\xA4"}) CHECK_FALSE(IsIdentifier(bad));
}

TEST_CASE("words are taken off a text up to a separator, and none is lost") {
  std::string_view rest = "a,,b";
  CHECK(TakeUntil(rest, ",") == "a");
  CHECK(TakeUntil(rest, ",").empty());
  CHECK(TakeUntil(rest, ",") == "b");
  CHECK(rest.empty());
  rest = R"( "x\",;y" ; q=1, z)";
  CHECK(TakeUntilUnquoted(rest, ';') == R"("x\",;y")");
  CHECK(TakeUntilUnquoted(rest, ',') == "q=1");
  CHECK(TakeUntilUnquoted(rest, ',') == "z");
  CHECK(rest.empty());
}

TEST_CASE("the host of a URL has its port, and nothing of what follows") {
  CHECK(HostAndPort("https://api.cloudflare.com/client/v4") == "api.cloudflare.com");
  CHECK(HostAndPort("http://127.0.0.1:8787/client/v4/x?y=http://z/") == "127.0.0.1:8787");
  CHECK(HostAndPort("http://[::1]:8787") == "[::1]:8787");
  CHECK(HostAndPort("https://HOST?x") == "HOST");
  CHECK(HostAndPort("no URL").empty());
}

TEST_CASE("a host and its port are told apart, brackets and all") {
  CHECK(SplitHostAndPort("[::1]").host == "[::1]");
  CHECK(!SplitHostAndPort("[::1]").port);
  CHECK(SplitHostAndPort("[::1]:80").host == "[::1]");
  CHECK(SplitHostAndPort("[::1]:80").port == "80");
  CHECK(SplitHostAndPort("a:80").port == "80");
  CHECK(!SplitHostAndPort("a").port);
}

TEST_CASE("Cloudflare's are the numbers of its own domain, simulated ones those of this machine") {
  for (const char* host : {"api.cloudflare.com", "API.Cloudflare.com:443", "cloudflare.com",
                           "api.staging.cloudflare.com", "api.cloudflare.com."}) {
    CAPTURE(host);
    CHECK(WhoseNumbers(host) == NumbersOf::kCloudflare);
  }
  for (const char* host : {"127.0.0.1", "127.0.0.1:8787", "127.255.1.2", "[::1]", "[::1]:80",
                           "localhost", "LocalHost:8787"}) {
    CAPTURE(host);
    CHECK(WhoseNumbers(host) == NumbersOf::kThisMachine);
  }
  for (const char* host :
       {"", "evilcloudflare.com", "cloudflare.com.evil.test", "api.cloudflare.com.evil.test:443",
        "10.0.0.1", "126.0.0.1", "[::2]", "localhost.evil.test", "cloudflare.com-evil.test"}) {
    CAPTURE(host);
    CHECK(WhoseNumbers(host) == NumbersOf::kSomebody);
  }
}

}  // namespace
}  // namespace radar_spoof
