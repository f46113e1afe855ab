// The environment's proxy, as libcurl takes it and as it may be told.
#include <map>

#include <doctest/doctest.h>

#include "src/doctor/proxy_variable.h"

namespace radar_spoof {
namespace {

std::optional<ProxyVariable> Named(const std::map<std::string, std::string>& environment,
                                   std::string_view host = "api.cloudflare.com") {
  return ProxyVariableFor(host, [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST_CASE("the first variable that is set to something names the proxy") {
  CHECK_FALSE(Named({}));
  CHECK_FALSE(Named({{"http_proxy", "http://p:1"}, {"https_proxy", ""}}));
  CHECK(Named({{"https_proxy", ""}, {"HTTPS_PROXY", "http://p:1"}})->name == "HTTPS_PROXY");
  CHECK(Named({{"ALL_PROXY", "socks5h://p:1"}, {"https_proxy", "q:2"}})->proxy == "http://q:2");
  const auto socks = Named({{"ALL_PROXY", "socks5h://p:1"}});
  CHECK((socks->name == "ALL_PROXY" && socks->proxy == "socks5h://p:1" && socks->IsSocks()));
  CHECK_FALSE(Named({{"all_proxy", "HTTP://p:1/x"}})->IsSocks());
}

TEST_CASE("the proxy is told without a user name, a password or anything that cannot be printed") {
  for (const char* const value :
       {"http://user:canary@p:1", "socks5h://canary@p:1", "user:canary@p:1",
        "http://user:can/canary@p:1", "http://user:can@ary-canary@p:1/canary", "http://p:1?canary",
        "http://p:1#canary", "user:canary://x@p:1", "canary://p:1"}) {
    CAPTURE(std::string(value));
    const std::string told = Named({{"https_proxy", value}})->proxy;
    CAPTURE(told);
    CHECK(told.find("canary") == std::string::npos);
  }
  CHECK(Named({{"https_proxy", "http://p\x1b[31m:1"}})->proxy.find('\x1b') == std::string::npos);
}

TEST_CASE("no_proxy excepts a host, those under a domain, or all") {
  const auto is_excepted = [](const std::string& list, std::string_view host) {
    return Named({{"https_proxy", "http://p:1"}, {"NO_PROXY", list}}, host)->excepted;
  };
  CHECK(is_excepted("*", "api.cloudflare.com"));
  CHECK(is_excepted("a.example, cloudflare.com", "api.cloudflare.com"));
  CHECK(is_excepted(".Cloudflare.com", "api.cloudflare.COM"));
  CHECK(is_excepted("127.0.0.1", "127.0.0.1"));
  CHECK_FALSE(is_excepted("flare.com", "api.cloudflare.com"));
  CHECK_FALSE(is_excepted("api.cloudflare.com.example", "api.cloudflare.com"));
  CHECK_FALSE(is_excepted("", "api.cloudflare.com"));
}

}  // namespace
}  // namespace radar_spoof
