#include "radar_spoof/core/text.h"

#include <ostream>

#include <doctest/doctest.h>

namespace radar_spoof {
namespace {

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
