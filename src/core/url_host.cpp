#include "radar_spoof/core/url_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "radar_spoof/core/text.h"

namespace radar_spoof {

std::string HostAndPort(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return "";
  const std::string_view rest = url.substr(scheme_end + 3);
  return std::string(rest.substr(0, rest.find_first_of("/?#")));
}

SplitHost SplitHostAndPort(std::string_view host_and_port) {
  const std::size_t bracket = host_and_port.rfind(']');
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {std::string(host_and_port), std::nullopt};
  }
  return {std::string(host_and_port.substr(0, colon)),
          std::string(host_and_port.substr(colon + 1))};
}

bool IsLoopback(const std::string& host) {
  if (LowerCase(host) == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  const std::string bare = host.substr(1, host.size() - 2);
  return inet_pton(AF_INET6, bare.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

NumbersOf WhoseNumbers(std::string_view host_and_port) {
  std::string host = LowerCase(SplitHostAndPort(host_and_port).host);
  if (host.ends_with('.')) host.pop_back();
  if (host == "cloudflare.com" || host.ends_with(".cloudflare.com")) return NumbersOf::kCloudflare;
  return IsLoopback(host) ? NumbersOf::kThisMachine : NumbersOf::kSomebody;
}

}  // namespace radar_spoof
