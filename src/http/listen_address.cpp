#include <charconv>

#include "radar_spoof/http/http_server.h"

namespace radar_spoof {

Result<ListenAddress, std::string> ListenAddress::Parse(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    return "\"" + std::string(text) + "\": " + std::string(what) +
           "; expected HOST:PORT, [IPV6]:PORT or :PORT";
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail("no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() < 3) return fail("bad IPv6 address");
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return fail("bad IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return fail("an IPv6 address stands in brackets");
  }
  for (const char c : host) {
    if (c <= ' ' || c > '~' || c == '[' || c == ']' || c == '/') return fail("bad host");
  }

  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || digits.front() == '-' || error != std::errc() ||
      end != digits.data() + digits.size() || port > 65535) {
    return fail("the port is not a number from 0 to 65535");
  }
  return ListenAddress{std::string(host), port};
}

std::string ListenAddress::Text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace radar_spoof
