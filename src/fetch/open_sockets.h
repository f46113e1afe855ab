// The sockets of libcurl's connections: what has arrived on one before anything was asked on it.
//
// Thread rule: one thread. Nothing throws: libcurl calls from C.
#pragma once

#include <set>

#include <curl/curl.h>

namespace radar_spoof {

class OpenSockets {
 public:
  OpenSockets() = default;
  OpenSockets(const OpenSockets&) = delete;
  OpenSockets& operator=(const OpenSockets&) = delete;

  // CURL_SOCKET_BAD when there is none.
  curl_socket_t Open(const curl_sockaddr& address) noexcept;
  int Close(curl_socket_t socket) noexcept;

  // Whether something, or the end, can be read from the connection that `easy` is about to send on,
  // whose local port is that one; also when that cannot be told. A TLS session ticket counts: it
  // cannot be told from an answer.
  bool MayHaveInput(CURL* easy, int local_port) const noexcept;

 private:
  std::set<curl_socket_t> sockets_;
};

}  // namespace radar_spoof
