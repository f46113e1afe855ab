#include "radar_spoof/http/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace radar_spoof {

std::string ClientAddressText(const sockaddr* address) {
  if (address == nullptr) return {};
  int family = address->sa_family;
  const void* bytes = nullptr;
  if (family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    bytes = &six;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
      family = AF_INET;
      bytes = &six.s6_addr[12];
    }
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes == nullptr || ::inet_ntop(family, bytes, text, sizeof text) == nullptr) return {};
  return text;
}

std::string ClientNetwork(std::string_view address) {
  std::string text(address);
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return text;
  return {reinterpret_cast<const char*>(six.s6_addr), 8};
}

}  // namespace radar_spoof
