// Who a client is, by its address.
//
// Thread rule: pure.
#pragma once

#include <string>
#include <string_view>

#include <sys/socket.h>

namespace radar_spoof {

// "192.0.2.1", "2001:db8::1". An IPv4 client of a socket that serves both is shown as IPv4. "" for
// nullptr and other families.
std::string ClientAddressText(const sockaddr* address);

// What one client can call its own: of an IPv6 address the first 64 bits, another one as it is.
std::string ClientNetwork(std::string_view address);

}  // namespace radar_spoof
