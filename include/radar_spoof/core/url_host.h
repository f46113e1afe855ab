// The host that a URL names, and whose numbers come from it.
//
// Source: RFC 3986, 3.2. Thread rule: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace radar_spoof {

// "HOST[:PORT]" of "SCHEME://HOST[:PORT][/PATH][?QUERY]"; empty when there is no "://".
std::string HostAndPort(std::string_view url);

struct SplitHost {
  std::string host;  // an IPv6 address keeps its brackets
  std::optional<std::string> port;
};
SplitHost SplitHostAndPort(std::string_view host_and_port);

// localhost, 127.0.0.0/8 and [::1]. `host` is without a port.
bool IsLoopback(const std::string& host);

enum class NumbersOf {
  kCloudflare,   // cloudflare.com and what is under it
  kThisMachine,  // loopback: a simulator
  kSomebody,     // any other host
};
NumbersOf WhoseNumbers(std::string_view host_and_port);

}  // namespace radar_spoof
