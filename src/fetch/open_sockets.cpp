#include "open_sockets.h"

#include <cerrno>
#include <new>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace radar_spoof {
namespace {

int LocalPort(curl_socket_t socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

bool IsReadable(curl_socket_t socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

// libcurl reads no further than an answer's end, which may lie within a TLS record.
bool MayHoldDecryptedInput(CURL* easy) {
  curl_tlssessioninfo* tls = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || tls == nullptr)
    return true;
  if (tls->internals == nullptr) return false;  // not over TLS
  return tls->backend != CURLSSLBACKEND_OPENSSL ||
         SSL_has_pending(static_cast<const SSL*>(tls->internals)) != 0;
}

}  // namespace

curl_socket_t OpenSockets::Open(const curl_sockaddr& address) noexcept {
  const curl_socket_t socket =
      ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  try {
    sockets_.insert(socket);
  } catch (const std::bad_alloc&) {
    ::close(socket);
    return CURL_SOCKET_BAD;
  }
  return socket;
}

int OpenSockets::Close(curl_socket_t socket) noexcept {
  sockets_.erase(socket);
  return ::close(socket);
}

bool OpenSockets::MayHaveInput(CURL* easy, int local_port) const noexcept {
  bool found = false;
  for (const curl_socket_t socket : sockets_) {
    if (LocalPort(socket) != local_port) continue;
    if (IsReadable(socket)) return true;
    found = true;
  }
  return !found || MayHoldDecryptedInput(easy);
}

}  // namespace radar_spoof
