// Which proxy the environment names, as libcurl reads it with `api.proxy: environment`. Source:
// libcurl, "libcurl-env" and CURLOPT_NOPROXY. An address range in no_proxy is not understood.
//
// Thread rule: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "radar_spoof/config/credentials.h"

namespace radar_spoof {

struct ProxyVariable {
  std::string name;       // "https_proxy"
  std::string proxy;      // "socks5h://proxy.example:1080": no user name, no password, printable
  bool excepted = false;  // no_proxy excepts the host
  // That it was used is not told by the connection, as an HTTP proxy is.
  bool IsSocks() const { return proxy.starts_with("socks"); }
};

// For https:// to that host. nullopt: no variable names one.
std::optional<ProxyVariable> ProxyVariableFor(std::string_view host, const Environment& read);

}  // namespace radar_spoof
