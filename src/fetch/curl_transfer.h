// One HTTP request under way in libcurl: how it is asked, and what came of it.
//
// Each has an easy handle of its own: libcurl 7.88 keeps pointers into one answer's header while it
// reads the next.
// Thread rule: one thread.
#pragma once

#include <array>
#include <set>

#include <curl/curl.h>

#include "radar_spoof/fetch/http_client.h"

namespace radar_spoof {

// The sockets of libcurl's connections: what has arrived on one before anything was asked on it.
// Nothing throws: libcurl calls from C.
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

// Pinned: libcurl holds its address.
class CurlTransfer {
 public:
  // What all transfers of a client have in common. It outlives them, and `sockets` libcurl's
  // connections, too.
  struct Client {
    const std::string& user_agent;
    const HttpClientOptions& options;
    OpenSockets& sockets;
  };

  // Throws std::bad_alloc, or std::runtime_error when libcurl lacks an option.
  CurlTransfer(const Client& client, HttpRequest request);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  CURL* easy() const { return easy_.get(); }

  // The rest is for after libcurl said how it ended, and no longer has it.

  // Whether the connection, which an earlier request had left, was no good: something had arrived
  // on it before this one was sent, or it was given up by the server meanwhile (408).
  bool MetStaleConnection() const;
  // The same request over a new connection, in the time that is left.
  std::unique_ptr<CurlTransfer> OverNewConnection() const;
  // At most once.
  Result<HttpResponse, Failure> TakeOutcome(CURLcode code);
  Connection TakeConnection();
  // Of both, if this is one over a new connection.
  Milliseconds Duration() const;

 private:
  enum class Part { kStatusLine, kHeader, kBodyAndTrailers };

  void SetRequest();
  void SetProtocol();
  void SetLimits();
  void SetTls();
  void SetCallbacks();
  bool TakeHeaderLine(std::string_view line);
  int Status() const;

  static std::size_t OnBody(const char* bytes, std::size_t, std::size_t count, void* self) noexcept;
  static std::size_t OnHeader(const char* bytes, std::size_t, std::size_t count,
                              void* self) noexcept;
  static int OnLookup(void*, void*, void* self) noexcept;
  static curl_socket_t OnConnect(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  static int OnRequest(void* self, char*, char*, int, int local_port) noexcept;

  const Client client_;
  const HttpRequest request_;
  Milliseconds spent_before_{0};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpResponse response_;
  Connection connection_;
  Part part_ = Part::kStatusLine;  // what libcurl reads next
  std::size_t header_bytes_ = 0;
  std::optional<Failure> given_up_;  // by a callback
  bool is_looking_up_ = false;
  bool has_connected_ = false;  // else an earlier request's connection is used
  bool had_input_ = false;
};

}  // namespace radar_spoof
